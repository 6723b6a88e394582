using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The softmax classifier's loss on pairs. With x the chosen features of u and v side by side, z = x W^T + b and y the label:
/// <code>
/// loss = mean of log sum exp(z) - z_y;  dz = (softmax(z) - 1 at the label) / pairs;  dW = dz^T x;  db = sum of dz;  dx = dz W
/// du = dx_u + sign(u - v) dx_difference + v dx_product;  dv = dx_v - sign(u - v) dx_difference + u dx_product
/// </code>
/// The label's gradient is minus the share of the other classes, which is exact where that share is tiny.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private NativeBuffer? _pairFeatures;

    public void SoftmaxLoss(
        Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, float weight, Tensor logits, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        int pairs = labels.Columns;
        int width = embeddings.Columns;
        int depth = features.Parts() * width;
        MatrixView input = new(NativeBuffer.Grow(ref _pairFeatures, (long)pairs * depth), pairs, depth);
        _threads.Run(new PairFeaturesJob(embeddings.Floats(), pairs, width, features, input.Data), pairs, LeastElements / depth);
        _gemm.Multiply(
            input, classifier.Weight.Value.Matrix().Transposed, logits.Matrix(), accumulate: false, classifier.Bias.Value.Floats(), default(NoEpilogue));
        double sum = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            sum += CrossEntropy(logits.Floats() + (nint)pair * logits.Columns, logits.Columns, labels.Integers()[pair], (double)weight / pairs);
        }

        AddLoss(loss, weight * sum / pairs, accumulate);
        if (embeddingsGradient.IsNone)
        {
            return;
        }

        _columnSums.Sum(logits.Floats(), pairs, logits.Columns, classifier.Bias.Gradient.Floats(), accumulate);
        _gemm.Multiply(logits.Matrix().Transposed, input, classifier.Weight.Gradient.Matrix(), accumulate);
        _gemm.Multiply(logits.Matrix(), classifier.Weight.Value.Matrix(), input);
        _threads.Run(new PairFeaturesBackwardJob(embeddings.Floats(), pairs, width, features, input.Data, embeddingsGradient.Floats()), pairs, LeastElements / depth);
    }

    private static void AddLoss(Tensor loss, double value, bool accumulate) => *loss.Floats() = accumulate ? *loss.Floats() + (float)value : (float)value;

    /// <summary>One pair's loss; its logits become their gradient.</summary>
    private static double CrossEntropy(float* logits, int classes, int label, double factor)
    {
        float labelLogit = logits[label];
        float largest = labelLogit;
        for (int i = 0; i < classes; i++)
        {
            largest = MathF.Max(largest, logits[i]);
        }

        double others = 0;
        for (int i = 0; i < classes; i++)
        {
            others += i == label ? 0 : Math.Exp((double)logits[i] - largest);
        }

        double total = others + Math.Exp((double)labelLogit - largest);
        for (int i = 0; i < classes; i++)
        {
            logits[i] = (float)(factor * (i == label ? -others / total : Math.Exp((double)logits[i] - largest) / total));
        }

        return (double)largest - labelLogit + Math.Log(total);
    }

    private readonly struct PairFeaturesJob(float* embeddings, int pairs, int width, PairFeatures features, float* output) : IRangeJob
    {
        private readonly float* _embeddings = embeddings;
        private readonly float* _output = output;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            TVector noSign = TVector.BroadcastBits(0x7FFF_FFFF);
            for (int pair = start; pair < end; pair++)
            {
                float* first = _embeddings + (nint)pair * width;
                float* second = first + (nint)pairs * width;
                float* target = _output + (nint)pair * features.Parts() * width;
                if ((features & PairFeatures.Embeddings) != 0)
                {
                    new Span<float>(first, width).CopyTo(new Span<float>(target, width));
                    new Span<float>(second, width).CopyTo(new Span<float>(target + width, width));
                    target += 2 * width;
                }

                if ((features & PairFeatures.Difference) != 0)
                {
                    for (int i = 0; i < width; i += TVector.Count)
                    {
                        Lanes.Store((Lanes.Load<TVector>(first + i, width - i) - Lanes.Load<TVector>(second + i, width - i)) & noSign, target + i, width - i);
                    }

                    target += width;
                }

                if ((features & PairFeatures.Product) != 0)
                {
                    for (int i = 0; i < width; i += TVector.Count)
                    {
                        Lanes.Store(Lanes.Load<TVector>(first + i, width - i) * Lanes.Load<TVector>(second + i, width - i), target + i, width - i);
                    }
                }
            }
        }
    }

    private readonly struct PairFeaturesBackwardJob(float* embeddings, int pairs, int width, PairFeatures features, float* featuresGradient, float* gradient) : IRangeJob
    {
        private readonly float* _embeddings = embeddings;
        private readonly float* _featuresGradient = featuresGradient;
        private readonly float* _gradient = gradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            bool hasEmbeddings = (features & PairFeatures.Embeddings) != 0;
            bool hasDifference = (features & PairFeatures.Difference) != 0;
            bool hasProduct = (features & PairFeatures.Product) != 0;
            for (int pair = start; pair < end; pair++)
            {
                nint row = (nint)pair * width;
                float* first = _embeddings + row;
                float* second = first + (nint)pairs * width;
                float* given = _featuresGradient + row * features.Parts();
                float* difference = hasEmbeddings ? given + 2 * width : given;
                float* product = hasDifference ? difference + width : difference;
                for (int i = 0; i < width; i += TVector.Count)
                {
                    int remaining = width - i;
                    TVector u = Lanes.Load<TVector>(first + i, remaining);
                    TVector v = Lanes.Load<TVector>(second + i, remaining);
                    TVector du = hasEmbeddings ? Lanes.Load<TVector>(given + i, remaining) : TVector.Zero;
                    TVector dv = hasEmbeddings ? Lanes.Load<TVector>(given + width + i, remaining) : TVector.Zero;
                    if (hasDifference)
                    {
                        TVector passed = Lanes.Load<TVector>(difference + i, remaining);
                        TVector sign = TVector.Select(TVector.Less(v, u), passed, TVector.Select(TVector.Less(u, v), TVector.Zero - passed, TVector.Zero));
                        du += sign;
                        dv -= sign;
                    }

                    if (hasProduct)
                    {
                        TVector passed = Lanes.Load<TVector>(product + i, remaining);
                        du = TVector.MultiplyAdd(passed, v, du);
                        dv = TVector.MultiplyAdd(passed, u, dv);
                    }

                    Lanes.Store(du, _gradient + row + i, remaining);
                    Lanes.Store(dv, _gradient + row + (nint)pairs * width + i, remaining);
                }
            }
        }
    }
}
