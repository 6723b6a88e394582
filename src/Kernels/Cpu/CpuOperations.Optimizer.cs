using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The global norm of the gradients and the Adam step (Kingma and Ba, 2015; AdamW: Loshchilov and Hutter, 2019). Both are bound by memory: one pass over
/// everything they need.
/// <para>
/// The moments of an embedding row that no token uses any more halve every seven steps and after a thousand would stay the smallest denormal number for ever, with
/// which the processor calculates seven times slower. So what is below the normal numbers becomes 0: next to epsilon it changes no weight. Blocks of zeros are remembered
/// (<see cref="IdleMoments"/>): while they have no gradient they cost no more than its reading, and what decay there is. Nor is an embedding's gradient read in stretches where
/// no token of the step has written it (<see cref="TableGradients"/>).
/// </para>
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    /// <summary>Elements of which a thread sums the squares before it takes the next; the sums of such blocks are added in order.</summary>
    private const int NormBlock = 65536;

    /// <summary>Elements whose squares are summed in single precision: with 8 lanes and 4 sums each, 128 a sum.</summary>
    private const int NormRun = 4096;

    /// <summary>Blocks of Adam whose gradient is asked for at a time: some rows of an embedding.</summary>
    private const int BlocksOfGradient = 16;

    private const float SmallestNormal = 1.17549435e-38f;

    private readonly IdleMoments _idleMoments = new();
    private NativeBuffer? _blockSums;

    public void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor)
    {
        int blocks = checked((int)((gradients.Length + NormBlock - 1) / NormBlock));
        double* sums = (double*)NativeBuffer.Grow(ref _blockSums, 2L * blocks);
        _threads.Run(new SquareSumJob(gradients, _tableGradients, sums), blocks);
        double sum = 0;
        for (int block = 0; block < blocks; block++)
        {
            sum += sums[block];
        }

        double root = Math.Sqrt(sum);
        *norm.Floats() = (float)root;
        *clipFactor.Floats() = float.IsPositiveInfinity(maximum) ? 1f : (float)Math.Min(1.0, maximum / (root + 1e-6));
    }

    public void Adam(in AdamState state, in AdamOptions options, Tensor rates, Tensor clipFactor)
    {
        AdamJob job = new(
            state.Weights.Floats(), state.Gradients, state.FirstMoments.Floats(), state.SecondMoments.Floats(), state.BlockDecay.Floats(),
            _idleMoments.Blocks(state), _tableGradients, options, rates.Floats(), *clipFactor.Floats());
        _threads.Run(job, state.BlockDecay.Columns, LeastElements / AdamState.BlockLength);
    }

    private readonly struct SquareSumJob(Tensor gradients, TableGradients tables, double* sums) : IRangeJob
    {
        private readonly float* _values = gradients.Floats();
        private readonly double* _sums = sums;

        public void Execute(int thread, int start, int end)
        {
            for (int block = start; block < end; block++)
            {
                long first = (long)block * NormBlock;
                long last = Math.Min(first + NormBlock, gradients.Length);
                double sum = 0;
                for (long run = first; run < last; run += NormRun)
                {
                    int length = (int)Math.Min(NormRun, last - run);
                    sum += tables.AreZero(gradients, run, length) ? 0 : SumOfSquares(_values + run, length);
                }

                _sums[block] = sum;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float SumOfSquares(float* values, int count)
        {
            TVector sum0 = TVector.Zero;
            TVector sum1 = TVector.Zero;
            TVector sum2 = TVector.Zero;
            TVector sum3 = TVector.Zero;
            int i = 0;
            for (; i + 4 * TVector.Count <= count; i += 4 * TVector.Count)
            {
                TVector value0 = TVector.Load(values + i);
                TVector value1 = TVector.Load(values + i + TVector.Count);
                TVector value2 = TVector.Load(values + i + 2 * TVector.Count);
                TVector value3 = TVector.Load(values + i + 3 * TVector.Count);
                sum0 = TVector.MultiplyAdd(value0, value0, sum0);
                sum1 = TVector.MultiplyAdd(value1, value1, sum1);
                sum2 = TVector.MultiplyAdd(value2, value2, sum2);
                sum3 = TVector.MultiplyAdd(value3, value3, sum3);
            }

            for (; i < count; i += TVector.Count)
            {
                TVector value = Lanes.Load<TVector>(values + i, count - i);
                sum0 = TVector.MultiplyAdd(value, value, sum0);
            }

            return TVector.Sum((sum0 + sum1) + (sum2 + sum3));
        }
    }

    private readonly struct AdamJob(
        float* weights, Tensor gradients, float* firstMoments, float* secondMoments, float* blockDecay, bool[] idle, TableGradients tables, AdamOptions options, float* rates, float clipFactor)
        : IRangeJob
    {
        private readonly float* _weights = weights;
        private readonly float* _gradients = gradients.Floats();
        private readonly float* _firstMoments = firstMoments;
        private readonly float* _secondMoments = secondMoments;
        private readonly float* _blockDecay = blockDecay;
        private readonly float* _rates = rates;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            TVector beta1 = TVector.Broadcast((float)options.Beta1);
            TVector beta2 = TVector.Broadcast((float)options.Beta2);
            TVector rest1 = TVector.Broadcast((float)(1.0 - options.Beta1));
            TVector rest2 = TVector.Broadcast((float)(1.0 - options.Beta2));
            TVector epsilon = TVector.Broadcast((float)options.Epsilon);
            TVector clip = TVector.Broadcast(clipFactor);
            TVector stepSize = TVector.Broadcast(_rates[1]);
            TVector correction = TVector.Broadcast(_rates[2]);
            TVector magnitudeBits = TVector.BroadcastBits(0x7FFF_FFFF);
            TVector smallestNormal = TVector.Broadcast(SmallestNormal);

            // What is added to a weight whose moments are 0: nothing, unless the step is not finite or epsilon is 0.
            bool mayBeIdle = _rates[1] * 0f / (float)options.Epsilon == 0f;
            float* zeros = stackalloc float[AdamState.BlockLength];
            new Span<float>(zeros, AdamState.BlockLength).Clear();
            bool hasGradient = true;
            for (int block = start; block < end; block++)
            {
                nint first = (nint)block * AdamState.BlockLength;
                if (block == start || block % BlocksOfGradient == 0)
                {
                    int blocks = Math.Min(BlocksOfGradient - block % BlocksOfGradient, end - block);
                    hasGradient = !tables.AreZero(gradients, first, (long)blocks * AdamState.BlockLength);
                }

                float* values = hasGradient ? _gradients + first : zeros;
                float decay = _blockDecay[block];
                float shrinking = options.DecoupledDecay ? (float)(1.0 - (double)_rates[0] * decay) : 1f;
                TVector shrink = TVector.Broadcast(shrinking);
                if (mayBeIdle && idle[block] && (options.DecoupledDecay || decay == 0f) && IsZero(values))
                {
                    if (shrinking != 1f)
                    {
                        Scale(_weights + first, shrink);
                    }

                    continue;
                }

                TVector moments = TVector.Zero;
                TVector addedDecay = TVector.Broadcast(options.DecoupledDecay ? 0f : decay);
                for (nint i = first; i < first + AdamState.BlockLength; i += TVector.Count, values += TVector.Count)
                {
                    TVector weight = TVector.Load(_weights + i);
                    TVector gradient = TVector.MultiplyAdd(addedDecay, weight, TVector.Load(values) * clip);
                    TVector first1 = TVector.MultiplyAdd(beta1, TVector.Load(_firstMoments + i), rest1 * gradient);
                    TVector second = TVector.MultiplyAdd(beta2, TVector.Load(_secondMoments + i), rest2 * gradient * gradient);
                    first1 &= TVector.Less(smallestNormal, first1 & magnitudeBits);
                    second &= TVector.Less(smallestNormal, second);
                    TVector.Store(first1, _firstMoments + i);
                    TVector.Store(second, _secondMoments + i);
                    moments |= first1 | second;
                    TVector divisor = TVector.MultiplyAdd(TVector.Sqrt(second), correction, epsilon);
                    TVector.Store(weight * shrink - stepSize * first1 / divisor, _weights + i);
                }

                idle[block] = IsZero(moments);
            }
        }

        /// <summary>Whether a block is zero.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static bool IsZero(float* values)
        {
            TVector bits = TVector.Zero;
            for (int i = 0; i < AdamState.BlockLength; i += TVector.Count)
            {
                bits |= TVector.Load(values + i);
            }

            return IsZero(bits);
        }

        /// <summary>Whether all lanes are zero, of either sign.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static bool IsZero(TVector value) =>
            TVector.Largest(TVector.Select(TVector.Equal(value, TVector.Zero), TVector.Zero, TVector.Broadcast(1f))) == 0f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Scale(float* values, TVector factor)
        {
            for (int i = 0; i < AdamState.BlockLength; i += TVector.Count)
            {
                TVector.Store(factor * TVector.Load(values + i), values + i);
            }
        }
    }
}
