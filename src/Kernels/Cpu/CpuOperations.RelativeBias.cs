namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// MPNet's relative positions as a bias of attention, for each head h, query i and key j of L:
/// <code>
/// B[h, i, j] = table[bucket(j - i), h];  dtable[b, h] = sum over i, j with bucket(j - i) = b of dB[h, i, j]
/// </code>
/// Along a query's row the buckets are runs of keys, so that the expansion fills and the gradient sums runs. Sums are in double precision, as the far
/// buckets have most of the L^2 elements.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    public void RelativeBias(in Parameter table, Tensor bias)
    {
        int heads = table.Value.Columns;
        _threads.Run(new RelativeBiasJob(table.Value.Floats(), heads, bias.Floats(), bias.Columns), heads, HeadsWorthAThread(bias));
    }

    public void RelativeBiasBackward(in Parameter table, Tensor biasGradient, bool accumulate)
    {
        int heads = table.Value.Columns;
        _threads.Run(
            new RelativeBiasBackwardJob(table.Gradient.Floats(), heads, biasGradient.Floats(), biasGradient.Columns, accumulate), heads, HeadsWorthAThread(biasGradient));
    }

    private static int HeadsWorthAThread(Tensor bias) => (int)Math.Max(1, LeastElements / ((long)bias.Columns * bias.Columns));

    /// <summary>The first key of a bucket in a query's row and the one behind its last.</summary>
    private static (int First, int End) Keys(int bucket, int query, int length)
    {
        (int least, int most) = RelativePositions.Distances(bucket);
        return ((int)Math.Max(0, (long)query + least), (int)Math.Min(length, (long)query + most + 1));
    }

    private readonly struct RelativeBiasJob(float* table, int heads, float* bias, int length) : IRangeJob
    {
        private readonly float* _table = table;
        private readonly float* _bias = bias;

        public void Execute(int thread, int start, int end)
        {
            for (int head = start; head < end; head++)
            {
                for (int query = 0; query < length; query++)
                {
                    float* row = _bias + ((nint)head * length + query) * length;
                    for (int bucket = 0; bucket < RelativePositions.Buckets; bucket++)
                    {
                        (int first, int behind) = Keys(bucket, query, length);
                        if (first < behind)
                        {
                            new Span<float>(row + first, behind - first).Fill(_table[bucket * heads + head]);
                        }
                    }
                }
            }
        }
    }

    private readonly struct RelativeBiasBackwardJob(float* tableGradient, int heads, float* biasGradient, int length, bool accumulate) : IRangeJob
    {
        private readonly float* _tableGradient = tableGradient;
        private readonly float* _biasGradient = biasGradient;

        public void Execute(int thread, int start, int end)
        {
            double* sums = stackalloc double[RelativePositions.Buckets];
            for (int head = start; head < end; head++)
            {
                new Span<double>(sums, RelativePositions.Buckets).Clear();
                for (int query = 0; query < length; query++)
                {
                    float* row = _biasGradient + ((nint)head * length + query) * length;
                    for (int bucket = 0; bucket < RelativePositions.Buckets; bucket++)
                    {
                        (int first, int behind) = Keys(bucket, query, length);
                        double sum = 0;
                        for (int key = first; key < behind; key++)
                        {
                            sum += row[key];
                        }

                        sums[bucket] += sum;
                    }
                }

                for (int bucket = 0; bucket < RelativePositions.Buckets; bucket++)
                {
                    float* target = _tableGradient + bucket * heads + head;
                    *target = (float)(accumulate ? *target + sums[bucket] : sums[bucket]);
                }
            }
        }
    }
}
