using System.Globalization;
using MnrEngine.Serialization;

namespace MnrEngine.Data.Preparation;

/// <summary>
/// Makes the rows that a loss needs of data sets as they are published: reads, merges, filters and writes them, in one pass and on two threads. Rows
/// aren't kept: a million take the same memory as a thousand, but for a hash of each, and for triplets their texts.
/// </summary>
public sealed class Preparation
{
    private readonly PreparationOptions _options;
    private readonly IReadOnlyList<NliSource> _nli = [];
    private readonly IReadOnlyList<StsSource> _sts = [];
    private readonly CancellationToken _stop;
    private readonly string[] _texts;
    private readonly string? _number;
    private readonly DuplicateRows _seen = new();
    private readonly RowSample _sample;
    private TripletBuilder? _triplets;
    private RowWriter? _writer;
    private long _written;
    private long _duplicates;

    private Preparation(PreparationOptions options, CancellationToken stop)
    {
        _options = options;
        _stop = stop;
        _texts = options.Rows switch
        {
            PreparedRows.Pairs => ["anchor", "positive"],
            PreparedRows.Triplets => ["anchor", "positive", "negative"],
            PreparedRows.Labelled => ["premise", "hypothesis"],
            _ => ["sentence1", "sentence2"],
        };
        _number = options.Rows switch
        {
            PreparedRows.Labelled => "label",
            PreparedRows.Sts => "score",
            _ => null,
        };
        _sample = new RowSample(_texts.Length, options.SampleRows, options.Seed);
        CheckOptions();
        IReadOnlyList<InputFile>[] inputs = [.. options.Inputs.Select(input => InputFile.Find(input.Path, input.Split ?? options.Split))];
        if (options.Rows == PreparedRows.Sts)
        {
            _sts = [.. inputs.Select(files => new StsSource(files, options))];
        }
        else
        {
            _nli = [.. inputs.SelectMany(static files => files).Select(file => new NliSource(file, options))];
        }

        CheckOutput(inputs.SelectMany(static files => files));
    }

    /// <summary>Reads the inputs and writes the output.</summary>
    /// <param name="options">What to make of what.</param>
    /// <param name="stop">Ends it; what is at the output's place stays as it is.</param>
    /// <exception cref="InputException">An input or the output is wrong; nothing was written.</exception>
    /// <exception cref="PreparationException">An input turned out to be wrong, or the output can't be written on; what was written is gone again.</exception>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static PreparationReport Run(PreparationOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Preparation preparation = new(options, stop);
        try
        {
            AtomicFile.Write(options.Output, preparation.Write);
        }
        catch (InputException e) when (preparation._written > 0)
        {
            throw new PreparationException(e.Message, e);
        }

        return preparation.Report();
    }

    private void CheckOptions()
    {
        _ = RowWriter.FormatOf(_options.Output);
        if (_options.Inputs.Count == 0)
        {
            throw new InputException("no input is named, but at least one is needed");
        }

        // A file that was chosen, by the user or by the hub, may be of a split of any name.
        foreach (PreparationInput input in _options.Inputs.Where(static input => !File.Exists(input.Path) || input.Path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)))
        {
            string split = input.Split ?? _options.Split;
            if (!DataFiles.IsKnownSplit(split))
            {
                throw new InputException($"the split is '{split}', but has to be train, dev (or validation) or test, perhaps with more behind it, such as validation_matched");
            }
        }

        int columns = _options.Rows == PreparedRows.Triplets ? 3 : 2;
        if (_options.Columns is { } named && (_options.Rows == PreparedRows.Sts ? named.Count != 3 : named.Count < 2 || named.Count > columns))
        {
            throw new InputException($"{named.Count} columns are named, but {(_options.Rows == PreparedRows.Sts ? "two sentences and a score" : columns == 3 ? "two or three texts" : "two texts")} are needed");
        }

        if (_options.ScoreScale is double scale && (!(scale > 0) || !double.IsFinite(scale)))
        {
            throw new InputException(FormattableString.Invariant($"the scale of the scores is {scale}, but has to be a positive number"));
        }
    }

    private void CheckOutput(IEnumerable<InputFile> inputs)
    {
        // A link is followed when it is written to, and would replace what it leads to.
        string output = Durable.RealPath(_options.Output);
        if (inputs.FirstOrDefault(input => Durable.RealPath(input.Path).Equals(output, Durable.PathComparison)) is InputFile same)
        {
            string link = Path.GetFullPath(_options.Output) == Path.GetFullPath(same.Path) ? "" : $", which {_options.Output} leads to,";
            throw new InputException($"{same.Path}{link} is an input and can't be the output too");
        }
    }

    private void Write(Stream stream)
    {
        using (_writer = RowWriter.Create(_options.Output, stream, _texts, _number, isInteger: _options.Rows == PreparedRows.Labelled))
        {
            foreach (NliSource source in _nli)
            {
                Write(source);
            }

            foreach ((SourceReport source, RowBatch batch) in _sts.SelectMany(source => source.Rows(_stop)))
            {
                WriteRows(batch, source);
                batch.Return();
            }

            WriteTriplets();
            if (_written == 0)
            {
                throw NothingLeft();
            }

            _writer.Finish();
        }
    }

    private InputException NothingLeft()
    {
        string inputs = string.Join(", ", _options.Inputs.Select(static input => input.Path));
        if (_triplets is { TextsWithoutTriplet: > 0 and long texts })
        {
            return new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"no triplet can be made of {inputs}: {(texts == 1 ? "the one text" : $"none of {texts:N0} texts")} that could be an anchor has both an entailment and a contradiction"));
        }

        SourceReport[] sources = [.. _nli.Select(static source => source.Report), .. _sts.SelectMany(static source => source.Reports)];
        (string Why, long Rows)[] dropped =
        [
            ("blank", sources.Sum(static source => source.Blank)),
            ("with a text that is empty", sources.Sum(static source => source.HalfBlank)),
            ("without a label", sources.Sum(static source => source.Unlabelled)),
            ("with another label", sources.Sum(static source => source.OtherLabel)),
            ("of another split", sources.Sum(static source => source.OtherSplit)),
        ];
        string why = string.Join(", ", dropped.Where(static d => d.Rows > 0).Select(static d => string.Create(CultureInfo.InvariantCulture, $"{d.Rows:N0} {d.Why}")));
        return new InputException(string.Create(
            CultureInfo.InvariantCulture, $"no row is left of {inputs}, but at least one is needed: {sources.Sum(static source => source.Read):N0} were read{(why.Length > 0 ? $", {why}" : "")}"));
    }

    private void Write(NliSource source)
    {
        bool toGroup = _options.Rows == PreparedRows.Triplets && source.IsLabelled;
        foreach (RowBatch batch in Background.Run(source.Rows()))
        {
            _stop.ThrowIfCancellationRequested();
            if (toGroup)
            {
                Group(batch);
            }
            else
            {
                WriteRows(batch, source.Report);
            }

            batch.Return();
        }
    }

    private void Group(RowBatch batch)
    {
        _triplets ??= new TripletBuilder(_options.BothDirections, _options.Seed);
        for (int row = 0; row < batch.Count; row++)
        {
            _triplets.Add(batch.Text(row, 0), batch.Text(row, 1), batch.Label(row));
        }
    }

    private void WriteTriplets()
    {
        foreach (RowBatch batch in _triplets is null ? [] : Background.Run(_triplets.Rows()))
        {
            WriteRows(batch, source: null);
            batch.Return();
        }
    }

    private void WriteRows(RowBatch batch, SourceReport? source)
    {
        _stop.ThrowIfCancellationRequested();
        for (int row = 0; row < batch.Count; row++)
        {
            WriteRow(batch, row, _options.Rows == PreparedRows.Sts ? batch.Score(row) : (double)batch.Label(row), source);
        }
    }

    private void WriteRow(RowBatch batch, int row, double number, SourceReport? source)
    {
        for (int i = 0; i < _texts.Length; i++)
        {
            _seen.Add(batch.Text(row, i));
        }

        if (!_seen.EndRow(_number is null ? 0 : number))
        {
            _duplicates++;
            if (_options.DropDuplicates)
            {
                if (source is not null)
                {
                    source.DroppedDuplicates++;
                }

                return;
            }
        }

        for (int i = 0; i < _texts.Length; i++)
        {
            _writer!.Text(batch.Text(row, i));
        }

        if (_number is not null)
        {
            _writer!.Number(number);
        }

        _writer!.EndRow();
        _written++;
        if (_sample.WantsNext())
        {
            string[] kept = new string[_texts.Length];
            for (int i = 0; i < kept.Length; i++)
            {
                kept[i] = batch.Text(row, i).ToString();
            }

            _sample.Take(kept);
        }
    }

    private PreparationReport Report() => new()
    {
        Sources = [.. _nli.Select(static source => source.Report), .. _sts.SelectMany(static source => source.Reports)],
        Columns = _number is null ? _texts : [.. _texts, _number],
        Written = _written,
        Duplicates = _duplicates,
        Flattened = _writer!.Flattened,
        Anchors = _triplets?.Anchors ?? 0,
        TextsWithoutTriplet = _triplets?.TextsWithoutTriplet ?? 0,
        Sample = _sample.Columns(),
    };
}
