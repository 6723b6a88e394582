using MnrEngine.Autograd;
using MnrEngine.Data.Sampling;
using MnrEngine.Kernels;

namespace MnrEngine.Losses;

/// <summary>
/// A linear classifier over both embeddings of a pair and their difference has to name the pair's class: the original SBERT's loss. The classifier is trained
/// by the same optimizer and thrown away with the loss.
/// </summary>
/// <param name="NumLabels">Classes.</param>
/// <param name="Features">What the classifier is given (sentence-transformers' <c>concatenation_sent_*</c>).</param>
public sealed record SoftmaxLoss(int NumLabels, PairFeatures Features = PairFeatures.Embeddings | PairFeatures.Difference) : SentenceLoss
{
    /// <inheritdoc/>
    public override LabelKind Labels => LabelKind.Class;

    /// <inheritdoc/>
    public override PlannedLoss Plan(in LossPlan plan) => new Planned(this, plan);

    private sealed class Planned : PlannedLoss
    {
        private readonly PairFeatures _features;
        private readonly LinearParameters _classifier;
        private readonly DeviceArena _memory;
        private readonly Tensor _logits;

        public Planned(SoftmaxLoss loss, in LossPlan plan)
        {
            _features = loss.Features;
            int inputs = loss.Features.Parts() * plan.Dimension;
            ParameterLayout layout = new();
            int weight = layout.Matrix("classifier.weight", loss.NumLabels, inputs);
            int bias = layout.Vector("classifier.bias", loss.NumLabels);
            Parameters = layout.Build(plan.Kernels, gradients: true);
            _classifier = new LinearParameters(Parameters[weight], Parameters[bias]);
            Initialise(inputs, plan.Seed);
            int pairs = plan.Sentences / plan.Columns;
            _memory = plan.Kernels.CreateArena("logits", DeviceArena.BytesOf(ElementType.Float32, pairs, loss.NumLabels));
            _logits = _memory.Allocate(ElementType.Float32, pairs, loss.NumLabels);
        }

        public override ParameterArena Parameters { get; }

        public override long Bytes => Parameters.Weights.Bytes + Parameters.Gradients.Bytes + _memory.Bytes;

        public override void Forward(Pass pass, Variable embeddings, in LossBatch batch, Tensor loss)
        {
            pass.Kernels.SoftmaxLoss(
                embeddings.Value, batch.Labels, _classifier, _features, batch.Weight, _logits.FirstRows(batch.Rows), loss, GradientOf(pass, embeddings), batch.Add);
            pass.Announce(_classifier);
        }

        protected override void Release()
        {
            Parameters.Dispose();
            _memory.Dispose();
        }

        /// <summary>
        /// As torch's Linear after <c>torch.manual_seed(seed)</c>: uniform within 1 / sqrt(inputs), first the weight, then the bias. The weight's bound goes through
        /// Kaiming's formula, whose last bit may differ.
        /// </summary>
        private void Initialise(int inputs, long seed)
        {
            TorchGenerator random = new(seed);
            double kaiming = Math.Sqrt(3) * (Math.Sqrt(2 / (1 + 5.0)) / Math.Sqrt(inputs));
            foreach (NamedParameter parameter in Parameters.Parameters)
            {
                float bound = (float)(parameter.Shape.Length == 2 ? kaiming : 1 / Math.Sqrt(inputs));
                float[] values = new float[parameter.Length];
                foreach (ref float value in values.AsSpan())
                {
                    value = random.NextUniform(-bound, bound);
                }

                Parameters.Write(parameter, values);
            }

            Parameters.Publish();
        }
    }
}
