using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Optimizers;

namespace MnrEngine.Training;

/// <summary>
/// One optimizer step: batches to the device, forward, loss, backward, clipping, optimizer. All buffers are made once, unless a batch turns out larger than was
/// guessed for data that are tokenised meanwhile; a step allocates nothing and does not wait for the device.
/// </summary>
internal sealed class StepRunner : IDisposable
{
    private static readonly LayerName LossName = new("loss");

    // A network planned anew has room for more than the batch that asked for it, so that this does not come often.
    private const double Headroom = 1.25;

    private readonly IKernels _kernels;
    private readonly SentenceEncoder _encoder;
    private readonly TrainingData _data;
    private readonly DropoutRates _dropout;
    private readonly long _seed;
    private readonly PlannedLoss _loss;
    private readonly BatchLabels? _labels;
    private readonly Dictionary<(int, ulong), int> _kinds = [];
    private readonly PackedBatch _packed = new();
    private readonly int _firstPosition;
    private readonly DeviceArena _scalars;
    private readonly Tensor _dropoutState;
    private readonly long _encoderBytes;

    public StepRunner(SentenceEncoder encoder, TrainingData data, TrainingOptions options, int largestBatch)
    {
        _kernels = encoder.Kernels;
        _encoder = encoder;
        _data = data;
        _dropout = encoder.DropoutRates(options.Dropout);
        _seed = options.Seed;
        _firstPosition = encoder.FirstPosition;
        _encoderBytes = encoder.Parameters.Weights.Bytes + encoder.Parameters.Gradients.Bytes;
        _scalars = _kernels.CreateArena("step scalars", 2 * DeviceArena.Alignment);
        Loss = _scalars.Allocate(ElementType.Float32, 1, 1);
        _dropoutState = _scalars.Allocate(ElementType.Int32, 1, 4);
        int sentences = checked(largestBatch * data.Columns);
        int tokens = Math.Max(data.LargestBatchTokens(largestBatch), encoder.Description.MaxSequenceLength);
        Network = encoder.PlanNetwork(tokens, sentences, backward: true, _dropout, _dropoutState);
        _loss = options.Loss.Plan(new LossPlan(_kernels, sentences, data.Columns, Network.Output.Columns, options.Seed));
        _labels = options.Loss.Labels == LabelKind.None ? null : new BatchLabels(_kernels, data.Labels!, largestBatch);
        Optimizer = new AdamOptimizer(_kernels, encoder.Parameters, options.Optimizer, _loss.Parameters);
    }

    /// <summary>The network with its buffers; evaluation uses it too. It may be another one after a step.</summary>
    public SentenceNetwork Network { get; private set; }

    /// <summary>The optimizer with its moments.</summary>
    public AdamOptimizer Optimizer { get; }

    /// <summary>Device memory of weights, gradients, moments and activations.</summary>
    public long DeviceBytes => Network.BufferBytes + Optimizer.Bytes + _encoderBytes + _loss.Bytes;

    /// <summary>The loss's own parameters, or null.</summary>
    public ParameterArena? LossParameters => _loss.Parameters;

    /// <summary>The loss of the last step, (1, 1).</summary>
    public Tensor Loss { get; }

    /// <summary>Training passes run so far, which is the step number that dropout draws its masks with.</summary>
    public int Passes { get; set; }

    /// <summary>Runs a step.</summary>
    /// <param name="microBatches">Row numbers of each batch whose gradients are averaged.</param>
    /// <param name="step">The number of this step, counted from 1.</param>
    /// <param name="learningRate">Its learning rate.</param>
    /// <returns>The tokens of all batches.</returns>
    public int Run(IReadOnlyList<int[]> microBatches, int step, double learningRate)
    {
        _kernels.Marks?.BeginStep(step);
        Optimizer.Prepare(step, learningRate);
        float weight = 1f / microBatches.Count;
        int tokens = 0;
        for (int i = 0; i < microBatches.Count; i++)
        {
            _kernels.Marks?.EnterPhase(StepPhase.Upload);
            Pack(microBatches[i]);
            if (_packed.Tokens > Network.Limits.Tokens)
            {
                PlanFor(_packed.Tokens);
            }

            tokens += _packed.Tokens;
            DeviceBatch batch = _kernels.Upload(_packed);
            _kernels.Write(_dropoutState, [unchecked((int)_seed), unchecked((int)(_seed >> 32)), Passes, 0]);
            bool last = i == microBatches.Count - 1;
            Tensor labels = _labels?.Write(microBatches[i]) ?? Tensor.None;
            StepKey key = new(KindOf(i, microBatches.Count, _loss.BeginPass(Passes)), batch.TokenRows, batch.Sentences, batch.LongestSentence, batch.Slot, Network);
            if (_kernels.BeginStep(key))
            {
                Pass pass = Network.Pass;
                pass.BeginTraining(batch, accumulate: i > 0, completesGradients: last);
                Variable embeddings = Network.Forward();
                pass.Enter(LossName);
                _loss.Forward(pass, embeddings, new LossBatch(microBatches[i].Length, labels, weight, Add: i > 0), Loss);
                pass.Tape.Backward(pass);
                if (last)
                {
                    Optimizer.Step();
                }
            }

            _kernels.EndStep();
            Passes++;
        }

        _kernels.Marks?.EndStep();
        return tokens;
    }

    public void Dispose()
    {
        Network.Dispose();
        Optimizer.Dispose();
        _loss.Dispose();
        _labels?.Dispose();
        _scalars.Dispose();
    }

    /// <summary>What a recorded step consists of, besides its shapes; see <see cref="StepKey.Kind"/>. Each combination met gets the next number.</summary>
    private int KindOf(int microBatch, int microBatches, ulong variant)
    {
        (int, ulong) combination = ((microBatches << 1) | (microBatch == 0 ? 1 : 0) | (microBatch == microBatches - 1 ? 1 << 30 : 0), variant);
        if (!_kinds.TryGetValue(combination, out int kind))
        {
            kind = _kinds.Count;
            _kinds.Add(combination, kind);
        }

        return kind;
    }

    private void Pack(int[] rows)
    {
        _packed.Clear();
        for (int column = 0; column < _data.Columns; column++)
        {
            foreach (int row in rows)
            {
                _packed.Add(_data[column, row], _firstPosition);
            }
        }
    }

    /// <summary>Makes the network's buffers larger. What they hold is needed no longer: gradients that are being added up lie with the weights.</summary>
    private void PlanFor(int tokens)
    {
        StepLimits limits = Network.Limits;
        Network.Dispose();
        Network = _encoder.PlanNetwork(
            (int)Math.Max(tokens, Math.Min(Headroom * limits.Tokens, (double)limits.Sentences * limits.SentenceLength)), limits.Sentences, backward: true, _dropout, _dropoutState);
    }
}
