using System.Globalization;
using MnrEngine.Autograd;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// Another loss over the first numbers of the embeddings too, so that a model can be used with shorter embeddings: the weighted sum of the losses of embeddings cut
/// to each dimension and normalised. The encoder runs once.
/// </summary>
public sealed record MatryoshkaLoss : SentenceLoss
{
    private readonly (int Dimension, float Weight)[] _dimensions;

    /// <summary>Wraps a loss.</summary>
    /// <param name="loss">The loss at each dimension; none with parameters of its own.</param>
    /// <param name="dimensions">The dimensions (<c>matryoshka_dims</c>), each above 0.</param>
    /// <param name="weights">The factor on the loss of each (<c>matryoshka_weights</c>); null for 1.</param>
    /// <param name="dimensionsPerStep">How many of the dimensions each pass draws (<c>n_dims_per_step</c>); 0 or below for all.</param>
    /// <exception cref="ArgumentException">There is no dimension, one is not above 0, or there are not as many weights.</exception>
    public MatryoshkaLoss(SentenceLoss loss, IReadOnlyList<int> dimensions, IReadOnlyList<double>? weights = null, int dimensionsPerStep = -1)
    {
        if (dimensions.Count is 0 or > 64 || dimensions.Any(static d => d < 1) || (weights is not null && weights.Count != dimensions.Count))
        {
            throw new ArgumentException("a Matryoshka loss needs 1 to 64 dimensions above 0, and a weight for each", nameof(dimensions));
        }

        Loss = loss;
        DimensionsPerStep = dimensionsPerStep;

        // From the largest on, as sentence-transformers sorts them: n_dims_per_step draws from this order.
        _dimensions = [.. dimensions.Select((d, i) => (d, (float)(weights?[i] ?? 1))).OrderByDescending(static pair => pair.d)];
    }

    /// <summary>The loss at each dimension.</summary>
    public SentenceLoss Loss { get; }

    /// <summary>How many of the dimensions each pass draws; 0 or below for all.</summary>
    public int DimensionsPerStep { get; }

    /// <summary>The dimensions, the largest first.</summary>
    public IReadOnlyList<int> Dimensions => [.. _dimensions.Select(static d => d.Dimension)];

    /// <inheritdoc/>
    public override LabelKind Labels => Loss.Labels;

    /// <inheritdoc/>
    public override bool TakesPairs => Loss.TakesPairs;

    /// <inheritdoc/>
    public override bool NeedsNegatives => Loss.NeedsNegatives;

    /// <inheritdoc/>
    public override void CheckDimension(int dimension)
    {
        if (_dimensions[0].Dimension > dimension)
        {
            throw new InputException($"loss.matryoshka_dims has {_dimensions[0].Dimension}, but the model's embeddings have only {dimension} dimensions");
        }
    }

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan) => new Planned(this, plan);

    /// <inheritdoc/>
    public bool Equals(MatryoshkaLoss? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MatryoshkaLoss)} {{ {Loss} at {string.Join(", ", _dimensions.Select(static d => FormattableString.Invariant($"{d.Dimension} (x{d.Weight})")))}, {DimensionsPerStep} a step }}");

    private sealed class Planned : PlannedLoss
    {
        private readonly MatryoshkaLoss _loss;
        private readonly PlannedLoss _inner;
        private readonly DeviceArena _memory;
        private readonly Tensor _length;
        private readonly Variable[] _truncated;
        private readonly long _seed;
        private PythonRandom _random;
        private int _drawn;
        private int[] _chosen;

        public Planned(MatryoshkaLoss loss, in LossPlan plan)
        {
            _loss = loss;
            _inner = loss.Loss.Plan(plan);
            if (_inner.Parameters is not null)
            {
                _inner.Dispose();
                throw new ArgumentException($"{loss.Loss.Name} has parameters of one width and can't be wrapped", nameof(loss));
            }

            int sentences = plan.Sentences;
            int largest = loss._dimensions[0].Dimension;
            _memory = plan.Kernels.CreateArena(
                "truncated embeddings", 2 * DeviceArena.BytesOf(ElementType.Float32, sentences, largest) + DeviceArena.BytesOf(ElementType.Float32, sentences, 1));
            Tensor value = _memory.Allocate(ElementType.Float32, sentences, largest);
            Tensor gradient = _memory.Allocate(ElementType.Float32, sentences, largest);
            _length = _memory.Allocate(ElementType.Float32, sentences, 1);

            // One dimension is done before the next begins, so that all lie in the same memory.
            _truncated = [.. loss._dimensions.Select(d => new Variable(value.View(0, sentences, d.Dimension), gradient.View(0, sentences, d.Dimension)))];
            _seed = plan.Seed;
            _random = new PythonRandom(_seed);
            _chosen = [.. Enumerable.Range(0, _truncated.Length)];
        }

        public override long Bytes => _memory.Bytes + _inner.Bytes;

        public override ulong BeginPass(int pass)
        {
            if (_loss.DimensionsPerStep <= 0 || _loss.DimensionsPerStep >= _truncated.Length)
            {
                return 0;
            }

            // A function of seed and pass, so that a resumed run draws what it would have drawn.
            if (pass < _drawn)
            {
                _random = new PythonRandom(_seed);
                _drawn = 0;
            }

            for (; _drawn <= pass; _drawn++)
            {
                _chosen = _random.Sample(_truncated.Length, _loss.DimensionsPerStep);
            }

            Array.Sort(_chosen);
            return _chosen.Aggregate(0UL, static (mask, index) => mask | (1UL << index));
        }

        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss)
        {
            Tensor gradient = GradientOf(pass, embeddings);
            Tensor value = embeddings.Value;
            Tensor length = _length.FirstRows(value.Rows);
            for (int i = 0; i < _chosen.Length; i++)
            {
                Variable truncated = _truncated[_chosen[i]];
                pass.Kernels.TruncateNormalize(value, length, truncated.Begin(value.Rows));
                float weight = batch.Weight * _loss._dimensions[_chosen[i]].Weight;
                _inner.Forward(pass, truncated, batch with { Weight = weight, Add = batch.Add || i > 0 }, loss);
                if (!gradient.IsNone)
                {
                    pass.Kernels.TruncateNormalizeBackward(truncated.Value, length, truncated.Gradient, gradient, addToInputGradient: i > 0);
                }
            }
        }

        protected override void Release()
        {
            _inner.Dispose();
            _memory.Dispose();
        }
    }
}
