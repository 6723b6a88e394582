using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Pooling of a sentence's l token vectors x_t, t = 0 .. l - 1:
/// <code>
/// cls x_0;  max;  mean sum(x) / l;  mean by root of length sum(x) / sqrt(l);  weighted mean sum((t + 1) x_t) / (l (l + 1) / 2);  last x_(l-1)
/// </code>
/// Threads share sentences.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    public void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled) =>
        _threads.Run(new PoolJob(batch.Offsets.Integers(), modes, hidden.Floats(), hidden.Columns, pooled.Floats(), pooled.Columns), batch.Sentences);

    public void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient) =>
        _threads.Run(
            new PoolBackwardJob(batch.Offsets.Integers(), modes, hidden.Floats(), hidden.Columns, pooledGradient.Floats(), pooledGradient.Columns, hiddenGradient.Floats()),
            batch.Sentences);

    private readonly struct PoolJob(int* offsets, PoolingModes modes, float* hidden, int columns, float* pooled, int pooledColumns) : IRangeJob
    {
        private readonly int* _offsets = offsets;
        private readonly float* _hidden = hidden;
        private readonly float* _pooled = pooled;

        public void Execute(int thread, int start, int end)
        {
            for (int sentence = start; sentence < end; sentence++)
            {
                int length = _offsets[sentence + 1] - _offsets[sentence];
                float* tokens = _hidden + (nint)_offsets[sentence] * columns;
                float* result = _pooled + (nint)sentence * pooledColumns;
                for (int remaining = (int)modes; remaining != 0; remaining &= remaining - 1)
                {
                    PoolOne((PoolingModes)(remaining & -remaining), tokens, length, result);
                    result += columns;
                }
            }
        }

        private void PoolOne(PoolingModes mode, float* tokens, int length, float* result)
        {
            switch (mode)
            {
                case PoolingModes.Cls:
                    new ReadOnlySpan<float>(tokens, columns).CopyTo(new Span<float>(result, columns));
                    break;
                case PoolingModes.LastToken:
                    new ReadOnlySpan<float>(tokens + (nint)(length - 1) * columns, columns).CopyTo(new Span<float>(result, columns));
                    break;
                case PoolingModes.Max:
                    Largest(tokens, length, result);
                    break;
                case PoolingModes.WeightedMean:
                    WeightedSum(tokens, length, 1, WeightOfAll(length), result);
                    break;
                case PoolingModes.MeanSqrtLength:
                    WeightedSum(tokens, length, 0, MathF.Sqrt(length), result);
                    break;
                default:
                    WeightedSum(tokens, length, 0, length, result);
                    break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Largest(float* tokens, int length, float* result)
        {
            for (int i = 0; i < columns; i += TVector.Count)
            {
                int remaining = columns - i;
                TVector largest = Lanes.Load<TVector>(tokens + i, remaining);
                for (int t = 1; t < length; t++)
                {
                    largest = TVector.Max(largest, Lanes.Load<TVector>(tokens + (nint)t * columns + i, remaining));
                }

                Lanes.Store(largest, result + i, remaining);
            }
        }

        /// <summary>The sum of (1 + slope * t) x_t, divided.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void WeightedSum(float* tokens, int length, float slope, float divisor, float* result)
        {
            for (int i = 0; i < columns; i += TVector.Count)
            {
                int remaining = columns - i;
                TVector sum = Lanes.Load<TVector>(tokens + i, remaining);
                for (int t = 1; t < length; t++)
                {
                    sum = TVector.MultiplyAdd(Lanes.Load<TVector>(tokens + (nint)t * columns + i, remaining), TVector.Broadcast(1 + slope * t), sum);
                }

                Lanes.Store(sum / TVector.Broadcast(divisor), result + i, remaining);
            }
        }
    }

    private readonly struct PoolBackwardJob(
        int* offsets, PoolingModes modes, float* hidden, int columns, float* pooledGradient, int pooledColumns, float* hiddenGradient) : IRangeJob
    {
        private readonly int* _offsets = offsets;
        private readonly float* _hidden = hidden;
        private readonly float* _pooledGradient = pooledGradient;
        private readonly float* _hiddenGradient = hiddenGradient;

        public void Execute(int thread, int start, int end)
        {
            for (int sentence = start; sentence < end; sentence++)
            {
                int length = _offsets[sentence + 1] - _offsets[sentence];
                nint first = (nint)_offsets[sentence] * columns;
                float* gradient = _hiddenGradient + first;
                new Span<float>(gradient, length * columns).Clear();
                float* given = _pooledGradient + (nint)sentence * pooledColumns;
                for (int remaining = (int)modes; remaining != 0; remaining &= remaining - 1)
                {
                    AddOne((PoolingModes)(remaining & -remaining), _hidden + first, length, given, gradient);
                    given += columns;
                }
            }
        }

        private void AddOne(PoolingModes mode, float* tokens, int length, float* given, float* gradient)
        {
            switch (mode)
            {
                case PoolingModes.Cls:
                    AddWeighted(1, 0, 1, given, gradient);
                    break;
                case PoolingModes.LastToken:
                    AddWeighted(1, 0, 1, given, gradient + (nint)(length - 1) * columns);
                    break;
                case PoolingModes.Max:
                    AddToLargest(tokens, length, given, gradient);
                    break;
                case PoolingModes.WeightedMean:
                    AddWeighted(length, 1, WeightOfAll(length), given, gradient);
                    break;
                case PoolingModes.MeanSqrtLength:
                    AddWeighted(length, 0, MathF.Sqrt(length), given, gradient);
                    break;
                default:
                    AddWeighted(length, 0, length, given, gradient);
                    break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AddWeighted(int length, float slope, float divisor, float* given, float* gradient)
        {
            for (int t = 0; t < length; t++)
            {
                TVector weight = TVector.Broadcast((1 + slope * t) / divisor);
                float* row = gradient + (nint)t * columns;
                for (int i = 0; i < columns; i += TVector.Count)
                {
                    int remaining = columns - i;
                    Lanes.Store(TVector.MultiplyAdd(Lanes.Load<TVector>(given + i, remaining), weight, Lanes.Load<TVector>(row + i, remaining)), row + i, remaining);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AddToLargest(float* tokens, int length, float* given, float* gradient)
        {
            for (int i = 0; i < columns; i += TVector.Count)
            {
                int remaining = columns - i;
                TVector largest = Lanes.Load<TVector>(tokens + i, remaining);
                TVector place = TVector.Zero;
                for (int t = 1; t < length; t++)
                {
                    TVector value = Lanes.Load<TVector>(tokens + (nint)t * columns + i, remaining);
                    TVector isLarger = TVector.Less(largest, value);
                    largest = TVector.Select(isLarger, value, largest);
                    place = TVector.Select(isLarger, TVector.Broadcast(t), place);
                }

                TVector dy = Lanes.Load<TVector>(given + i, remaining);
                for (int t = 0; t < length; t++)
                {
                    float* target = gradient + (nint)t * columns + i;
                    Lanes.Store(Lanes.Load<TVector>(target, remaining) + (TVector.Equal(place, TVector.Broadcast(t)) & dy), target, remaining);
                }
            }
        }
    }

    /// <summary>1 + 2 + ... + l.</summary>
    private static float WeightOfAll(int length) => 0.5f * length * (length + 1f);
}
