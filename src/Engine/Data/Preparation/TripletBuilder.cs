using MnrEngine.Data.Sampling;

namespace MnrEngine.Data.Preparation;

/// <summary>
/// Makes triplets of labelled rows as sentence-transformers' examples/training/nli/training_nli_v2.py does: for each text, in the order in which
/// texts first occur, with at least one entailment and at least one contradiction, the triplets (text, entailment, contradiction) and (entailment,
/// text, contradiction), each drawn from all different ones that it has. A row counts in both directions.
/// </summary>
/// <remarks>
/// The script draws from Python's sets, whose order differs from run to run; here the order is that of the rows, so that a seed decides everything.
/// The draws are <c>random.choice</c> of Python's <c>random.seed(seed)</c>.
/// </remarks>
/// <param name="bothDirections">Otherwise only premises are anchors, and each gives the first triplet only.</param>
/// <param name="seed">Python's seed.</param>
internal sealed class TripletBuilder(bool bothDirections, long seed)
{
    private const int Columns = 3;

    private readonly TextStore _texts = new();
    private readonly SegmentedList<(int Text, int Other)> _entailments = new();
    private readonly SegmentedList<(int Text, int Other)> _contradictions = new();
    private readonly List<bool> _isPremise = [];
    private readonly List<int> _premises = [];

    /// <summary>Texts that gave triplets, once they were made.</summary>
    public long Anchors { get; private set; }

    /// <summary>Texts that could be anchors but lack an entailment or a contradiction.</summary>
    public long TextsWithoutTriplet { get; private set; }

    /// <summary>Takes a row.</summary>
    public void Add(ReadOnlySpan<char> premise, ReadOnlySpan<char> hypothesis, NliLabel label)
    {
        int first = _texts.NumberOf(PythonText.Strip(premise));
        int second = _texts.NumberOf(PythonText.Strip(hypothesis));
        if (!bothDirections)
        {
            NotePremise(first);
        }

        SegmentedList<(int, int)>? relation = label switch
        {
            NliLabel.Entailment => _entailments,
            NliLabel.Contradiction => _contradictions,
            _ => null,
        };
        relation?.Add((first, second));
        if (bothDirections)
        {
            relation?.Add((second, first));
        }
    }

    /// <summary>The triplets of all rows taken, after which there are no more: anchor, positive, negative.</summary>
    public IEnumerable<RowBatch> Rows()
    {
        _texts.Seal();
        RowBatch batch = RowBatch.Take(Columns);
        foreach ((int anchor, int positive, int negative) in Triplets())
        {
            if (batch.IsFull)
            {
                yield return batch;
                batch = RowBatch.Take(Columns);
            }

            batch.AddText(_texts.Utf8(anchor));
            batch.AddText(_texts.Utf8(positive));
            batch.AddText(_texts.Utf8(negative));
            batch.EndRow(NliLabel.None);
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private IEnumerable<(int Anchor, int Positive, int Negative)> Triplets()
    {
        Relation entailments = new(_texts.Count, _entailments);
        Relation contradictions = new(_texts.Count, _contradictions);
        PythonRandom random = new(seed);
        foreach (int text in bothDirections ? Enumerable.Range(0, _texts.Count) : _premises)
        {
            List<int> entailed = entailments.Of(text);
            List<int> contradicted = contradictions.Of(text);
            if (entailed.Count == 0 || contradicted.Count == 0)
            {
                TextsWithoutTriplet++;
                continue;
            }

            Anchors++;
            yield return (text, Choice(entailed), Choice(contradicted));
            if (bothDirections)
            {
                yield return (Choice(entailed), text, Choice(contradicted));
            }
        }

        int Choice(List<int> from) => from[random.Below(from.Count)];
    }

    private void NotePremise(int text)
    {
        while (_isPremise.Count < _texts.Count)
        {
            _isPremise.Add(false);
        }

        if (!_isPremise[text])
        {
            _isPremise[text] = true;
            _premises.Add(text);
        }
    }

    /// <summary>The texts related to each text, in the order of the rows and each once.</summary>
    private sealed class Relation
    {
        private readonly int[] _starts;
        private readonly int[] _others;
        private readonly int[] _seenBy;
        private readonly List<int> _different = [];

        /// <summary>Takes the rows out of their list.</summary>
        public Relation(int texts, SegmentedList<(int Text, int Other)> rows)
        {
            _starts = new int[texts + 1];
            for (int row = 0; row < rows.Count; row++)
            {
                _starts[rows[row].Text + 1]++;
            }

            for (int text = 0; text < texts; text++)
            {
                _starts[text + 1] += _starts[text];
            }

            int[] next = _starts[..texts];
            _others = new int[rows.Count];
            for (int row = 0; row < rows.Count; row++)
            {
                (int text, int other) = rows[row];
                _others[next[text]++] = other;
            }

            rows.Clear();
            _seenBy = new int[texts];
            Array.Fill(_seenBy, -1);
        }

        /// <summary>The texts related to one, until the next are asked for.</summary>
        public List<int> Of(int text)
        {
            _different.Clear();
            foreach (int other in _others.AsSpan(_starts[text].._starts[text + 1]))
            {
                if (_seenBy[other] != text)
                {
                    _seenBy[other] = text;
                    _different.Add(other);
                }
            }

            return _different;
        }
    }
}
