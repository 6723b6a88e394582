using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Losses that compare the similarity s of each pair (u, v) with a label y. Under cosine, with the lengths |u| and |v|:
/// <code>
/// s = u . v / (|u| |v|);  du = ds (v / |v| - s u / |u|) / |u|, and the same with u and v exchanged
/// cosine similarity: mean of (s - y)^2;  ds = 2 (s - y) / pairs;  with a transform t of s and an error e, mean of e(t(s) - y), ds = e' t' / pairs
/// CoSENT: L = log(1 + sum over y_i &lt; y_j of e^(scale (s_i - s_j)))
///   ds_i = scale (sum over y_j &gt; y_i of e^(scale (s_i - s_j) - L) - sum over y_k &lt; y_i of e^(scale (s_k - s_i) - L))
/// </code>
/// Both sums of a pair are taken relative to their own largest term, so that nothing overflows and no exponent is a difference of large numbers; the
/// pairs' sums are put together in double precision, in order. Beyond embeddings and gradients the memory is a few numbers a pair.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    // The arrays of a pair's numbers: similarity, label, gradient, the two inverse lengths, and the two logarithms of sums, which are doubles.
    private const int FloatsOfPair = 9;

    private NativeBuffer? _pairs;

    public void CosineSimilarityLoss(Tensor embeddings, Tensor labels, in CosineLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        int pairs = labels.Columns;
        PairNumbers numbers = ReservePairs(pairs);
        Compare(embeddings, pairs, Similarity.Cosine, numbers);
        double sum = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            (double transformed, double ofTransform) = Transformed(options.Transform, numbers.Similarities[pair]);
            (double error, double ofError) = Error(options.Error, transformed - labels.Floats()[pair]);
            sum += error;
            numbers.Gradients[pair] = (float)(ofError * ofTransform * weight / pairs);
        }

        AddLoss(loss, weight * sum / pairs, accumulate);
        CompareBackward(embeddings, pairs, Similarity.Cosine, numbers, embeddingsGradient);
    }

    public void CosentLoss(Tensor embeddings, Tensor labels, float scale, Similarity similarity, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        int pairs = labels.Columns;
        PairNumbers numbers = ReservePairs(pairs);
        Compare(embeddings, pairs, similarity, numbers);
        new ReadOnlySpan<float>(labels.Floats(), pairs).CopyTo(new Span<float>(numbers.Labels, pairs));
        _threads.Run(new CosentJob(numbers, scale), pairs, LeastElements / pairs);

        double largest = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            largest = Math.Max(largest, numbers.LogAbove[pair]);
        }

        double sum = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            sum += Math.Exp(numbers.LogAbove[pair] - largest);
        }

        // The 1 under the logarithm is e^-largest by now; where it is the largest term, a tiny sum must not vanish in it.
        double logTotal = largest == 0 ? double.LogP1(sum) : largest + Math.Log(sum + Math.Exp(-largest));
        for (int pair = 0; pair < pairs; pair++)
        {
            numbers.Gradients[pair] = (float)((double)scale * weight * (Math.Exp(numbers.LogAbove[pair] - logTotal) - Math.Exp(numbers.LogBelow[pair] - logTotal)));
        }

        AddLoss(loss, weight * logTotal, accumulate);
        CompareBackward(embeddings, pairs, similarity, numbers, embeddingsGradient);
    }

    /// <summary>A cosine's transform and its derivative.</summary>
    private static (double Value, double Derivative) Transformed(CosineTransform transform, double cosine)
    {
        switch (transform)
        {
            case CosineTransform.Sigmoid:
                double sigmoid = 1 / (1 + Math.Exp(-cosine));
                return (sigmoid, sigmoid * (1 - sigmoid));
            case CosineTransform.Tanh:
                double tanh = Math.Tanh(cosine);
                return (tanh, 1 - (tanh * tanh));
            case CosineTransform.Relu:
                return (Math.Max(0, cosine), cosine > 0 ? 1 : 0);
            default:
                return (cosine, 1);
        }
    }

    /// <summary>The error of a difference and its derivative.</summary>
    private static (double Value, double Derivative) Error(PairError error, double difference) => error switch
    {
        PairError.Absolute => (Math.Abs(difference), Math.Sign(difference)),
        PairError.Huber when Math.Abs(difference) < 1 => (difference * difference / 2, difference),
        PairError.Huber => (Math.Abs(difference) - 0.5, Math.Sign(difference)),
        _ => (difference * difference, 2 * difference),
    };

    private void PlanPairs(in StepLimits limits) => ReservePairs((limits.Sentences + 1) / 2);

    private PairNumbers ReservePairs(int pairs)
    {
        int stride = (pairs + TVector.Count - 1) / TVector.Count * TVector.Count;
        return new PairNumbers(NativeBuffer.Grow(ref _pairs, (long)FloatsOfPair * stride), pairs, stride);
    }

    private void Compare(Tensor embeddings, int pairs, Similarity similarity, PairNumbers numbers) =>
        _threads.Run(new CompareJob(embeddings.Floats(), pairs, embeddings.Columns, similarity, numbers), pairs, LeastElements / embeddings.Columns);

    private void CompareBackward(Tensor embeddings, int pairs, Similarity similarity, PairNumbers numbers, Tensor gradient)
    {
        if (!gradient.IsNone)
        {
            _threads.Run(
                new CompareBackwardJob(embeddings.Floats(), pairs, embeddings.Columns, similarity, numbers, gradient.Floats()), pairs, LeastElements / embeddings.Columns);
        }
    }

    /// <summary>What is known of each pair. The arrays are filled up to whole registers; the similarities and labels that fill them are NaN, which no label is below or above.</summary>
    private readonly struct PairNumbers
    {
        public PairNumbers(float* memory, int pairs, int stride)
        {
            Stride = stride;
            LogAbove = (double*)memory;
            LogBelow = LogAbove + stride;
            Similarities = memory + 4 * stride;
            Labels = Similarities + stride;
            Gradients = Labels + stride;
            InverseLengths = Gradients + stride;
            new Span<float>(Labels + pairs, stride - pairs).Fill(float.NaN);
            new Span<float>(Similarities + pairs, stride - pairs).Fill(float.NaN);
        }

        public int Stride { get; }

        /// <summary>log of the sum over y_j above y_i of e^(scale (s_i - s_j)), -infinity where there is none.</summary>
        public double* LogAbove { get; }

        /// <summary>log of the sum over y_k below y_i of e^(scale (s_k - s_i)), -infinity where there is none.</summary>
        public double* LogBelow { get; }

        public float* Similarities { get; }

        public float* Labels { get; }

        public float* Gradients { get; }

        /// <summary>1 / |u| for each pair, then 1 / |v|; 0 for a row too short to have a direction.</summary>
        public float* InverseLengths { get; }
    }

    private readonly struct CompareJob(float* embeddings, int pairs, int width, Similarity similarity, PairNumbers numbers) : IRangeJob
    {
        private readonly float* _embeddings = embeddings;

        public void Execute(int thread, int start, int end)
        {
            for (int pair = start; pair < end; pair++)
            {
                float* first = _embeddings + (nint)pair * width;
                float* second = first + (nint)pairs * width;
                float product = Dot(first, second, width);
                if (similarity == Similarity.Cosine)
                {
                    double inverseFirst = Inverse(Dot(first, first, width));
                    double inverseSecond = Inverse(Dot(second, second, width));
                    numbers.InverseLengths[pair] = (float)inverseFirst;
                    numbers.InverseLengths[numbers.Stride + pair] = (float)inverseSecond;
                    product = (float)(product * inverseFirst * inverseSecond);
                }

                numbers.Similarities[pair] = product;
            }
        }

        private static double Inverse(float squares)
        {
            double length = Math.Sqrt(squares);
            return length < ShortestLength ? 0 : 1 / length;
        }
    }

    private readonly struct CompareBackwardJob(float* embeddings, int pairs, int width, Similarity similarity, PairNumbers numbers, float* gradient) : IRangeJob
    {
        private readonly float* _embeddings = embeddings;
        private readonly float* _gradient = gradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            for (int pair = start; pair < end; pair++)
            {
                nint first = (nint)pair * width;
                nint second = first + (nint)pairs * width;
                float given = numbers.Gradients[pair];
                float ofFirst = 0;
                float ofSecond = 0;
                if (similarity == Similarity.Cosine)
                {
                    float inverseFirst = numbers.InverseLengths[pair];
                    float inverseSecond = numbers.InverseLengths[numbers.Stride + pair];
                    float along = given * numbers.Similarities[pair];
                    ofFirst = along * inverseFirst * inverseFirst;
                    ofSecond = along * inverseSecond * inverseSecond;
                    given *= inverseFirst * inverseSecond;
                }

                TVector across = TVector.Broadcast(given);
                TVector alongFirst = TVector.Broadcast(ofFirst);
                TVector alongSecond = TVector.Broadcast(ofSecond);
                for (int i = 0; i < width; i += TVector.Count)
                {
                    int remaining = width - i;
                    TVector u = Lanes.Load<TVector>(_embeddings + first + i, remaining);
                    TVector v = Lanes.Load<TVector>(_embeddings + second + i, remaining);
                    Lanes.Store(across * v - alongFirst * u, _gradient + first + i, remaining);
                    Lanes.Store(across * u - alongSecond * v, _gradient + second + i, remaining);
                }
            }
        }
    }

    /// <summary>Each pair against all pairs with a larger label, and against all with a smaller one.</summary>
    private readonly struct CosentJob(PairNumbers numbers, float scale) : IRangeJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            TVector infinity = TVector.Broadcast(float.PositiveInfinity);
            TVector nothing = TVector.Zero - infinity;
            TVector scales = TVector.Broadcast(scale);
            for (int pair = start; pair < end; pair++)
            {
                TVector label = TVector.Broadcast(numbers.Labels[pair]);
                TVector smallest = infinity;
                TVector largest = nothing;
                for (int i = 0; i < numbers.Stride; i += TVector.Count)
                {
                    TVector labels = TVector.Load(numbers.Labels + i);
                    TVector similarities = TVector.Load(numbers.Similarities + i);
                    smallest = TVector.Min(smallest, TVector.Select(TVector.Less(label, labels), similarities, infinity));
                    largest = TVector.Max(largest, TVector.Select(TVector.Less(labels, label), similarities, nothing));
                }

                float smallestAbove = -TVector.Largest(TVector.Zero - smallest);
                float largestBelow = TVector.Largest(largest);
                TVector reference = TVector.Broadcast(smallestAbove);
                TVector otherReference = TVector.Broadcast(largestBelow);
                TVector above = TVector.Zero;
                TVector below = TVector.Zero;
                for (int i = 0; i < numbers.Stride; i += TVector.Count)
                {
                    TVector labels = TVector.Load(numbers.Labels + i);
                    TVector similarities = TVector.Load(numbers.Similarities + i);
                    above += TVector.Less(label, labels) & VectorMath.Exp(scales * (reference - similarities));
                    below += TVector.Less(labels, label) & VectorMath.Exp(scales * (similarities - otherReference));
                }

                double similarity = numbers.Similarities[pair];
                numbers.LogAbove[pair] = Log(scale * (similarity - smallestAbove), TVector.Sum(above));
                numbers.LogBelow[pair] = Log(scale * (largestBelow - similarity), TVector.Sum(below));
            }
        }

        private static double Log(double largest, float sum) => sum == 0 ? double.NegativeInfinity : largest + Math.Log(sum);
    }
}
