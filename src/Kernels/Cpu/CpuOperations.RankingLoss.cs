using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The multiple-negatives-ranking loss. With S the similarities (see <see cref="RankingLayout"/>), L = scale S + hardness * S where that is asked for
/// (without gradient), -infinity where a row meets itself or its own documents, and p_i = L at the own positive:
/// <code>
/// loss = mean over i of log sum exp(L_i) - p_i;   dL = (softmax(L) - 1 at the positive) / b;   dS = scale dL
/// </code>
/// The positive's exponential is kept apart from the sum of the others, N: the loss is then log(1 + N / e^p) and the positive's gradient -N / (N + e^p),
/// without a difference of nearly equal numbers. The cosine is the dot product of normalised copies, whose gradient goes through
/// <see cref="NormalizeBackward(Tensor, Tensor, Tensor, Tensor)"/>.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private NativeBuffer? _units;
    private NativeBuffer? _similarities;
    private NativeBuffer? _queryLosses;

    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        int count = embeddings.Rows;
        int width = embeddings.Columns;
        float* units = embeddings.Floats();
        float* lengths = null;
        bool isCosine = options.Similarity == Similarity.Cosine;
        if (isCosine)
        {
            units = NativeBuffer.Grow(ref _units, (long)count * (width + 1));
            lengths = units + embeddings.Length;
            Normalize(embeddings.Floats(), count, width, lengths, units);
        }

        RankingLayout layout = new(count, queries, options.Directions, TVector.Count);
        float* similarities = NativeBuffer.Grow(ref _similarities, (long)layout.Rows * layout.Stride);
        MatrixView rows = new(units, layout.Rows, width);
        MatrixView columns = new(units + (nint)layout.FirstColumn * width, layout.Columns, width);
        MatrixView products = new(similarities, layout.Rows, layout.Columns, layout.Stride);
        _gemm.Multiply(rows, columns.Transposed, products);

        double* queryLosses = (double*)NativeBuffer.Grow(ref _queryLosses, 2L * queries);
        RankingJob job = new(layout, options, similarities, weight, queryLosses);
        _threads.Run(job, queries, LeastElements / layout.Stride);
        double sum = 0;
        for (int query = 0; query < queries; query++)
        {
            sum += queryLosses[query];
        }

        float result = (float)(weight * sum / queries);
        *loss.Floats() = accumulate ? *loss.Floats() + result : result;
        if (embeddingsGradient.IsNone)
        {
            return;
        }

        float* gradient = embeddingsGradient.Floats();
        FillFloats(gradient, (long)layout.FirstColumn * width, 0);
        _gemm.Multiply(products.Transposed, rows, new MatrixView(gradient + (nint)layout.FirstColumn * width, layout.Columns, width));
        _gemm.Multiply(products, columns, new MatrixView(gradient, layout.Rows, width), accumulate: true);
        if (isCosine)
        {
            NormalizeBackward(units, count, width, lengths, gradient, gradient);
        }
    }

    public void PlanRankingLoss(int embeddings, int queries, int width, in RankingLossOptions options)
    {
        RankingLayout layout = new(embeddings, queries, options.Directions, TVector.Count);
        NativeBuffer.Grow(ref _units, (long)embeddings * (width + 1));
        NativeBuffer.Grow(ref _similarities, (long)layout.Rows * layout.Stride);
        NativeBuffer.Grow(ref _queryLosses, 2L * queries);
    }

    /// <summary>Queries' similarities to the gradient of the loss by them, in place.</summary>
    private readonly struct RankingJob(RankingLayout layout, RankingLossOptions options, float* similarities, float weight, double* losses) : IRangeJob
    {
        private readonly float* _similarities = similarities;
        private readonly double* _losses = losses;

        public void Execute(int thread, int start, int end)
        {
            bool isSplit = options.Partition == RankingPartition.PerDirection && layout.HasPositives;
            double share = (isSplit ? 0.5 : 1.0) / layout.Queries;
            float factor = (float)(share * weight * options.Scale);
            for (int query = start; query < end; query++)
            {
                float* upper = _similarities + (nint)query * layout.Stride;
                float* lower = layout.HasPositives ? upper + (nint)layout.Queries * layout.Stride : null;
                FillUpper(upper, query);
                if (lower != null)
                {
                    FillLower(lower, query);
                }

                if (isSplit)
                {
                    // In the other direction the own query is the positive: the same similarity, so that its gradient may stand there.
                    _losses[query] = 0.5 * (Softmax(upper, null, layout.FirstDocument + query, factor) + Softmax(lower, null, query, factor));
                }
                else
                {
                    _losses[query] = Softmax(upper, lower, layout.FirstDocument + query, factor);
                }
            }
        }

        /// <summary>A query against queries and documents: similarities to logits.</summary>
        private void FillUpper(float* row, int query)
        {
            if (layout.FirstDocument > 0)
            {
                if (layout.Has(RankingDirections.QueryToQuery))
                {
                    Scale(row, layout.Queries, options.Scale);
                    row[query] = float.NegativeInfinity;
                }
                else
                {
                    Exclude(row, 0, layout.Queries);
                }
            }

            bool penalizesOthers = options.Hardness is RankingHardness.InBatchNegatives or RankingHardness.AllNegatives;
            bool penalizesOwn = options.Hardness is RankingHardness.HardNegatives or RankingHardness.AllNegatives;
            float penalized = options.Scale + options.HardnessStrength;
            for (int column = 0; column < layout.DocumentColumns; column++)
            {
                float* documents = row + layout.FirstDocument + column * layout.Queries;
                float own = documents[query];
                Scale(documents, layout.Queries, penalizesOthers ? penalized : options.Scale);
                documents[query] = own * (penalizesOwn && column > 0 ? penalized : options.Scale);
            }

            Exclude(row, layout.Columns, layout.Stride);
        }

        /// <summary>A query's positive against queries and documents: similarities to logits.</summary>
        private void FillLower(float* row, int query)
        {
            if (layout.FirstDocument > 0)
            {
                if (layout.Has(RankingDirections.DocumentToQuery))
                {
                    Scale(row, layout.Queries, options.Scale);
                }
                else
                {
                    Exclude(row, 0, layout.Queries);
                }
            }

            if (layout.Has(RankingDirections.DocumentToDocument))
            {
                Scale(row + layout.FirstDocument, layout.Columns - layout.FirstDocument, options.Scale);
                for (int own = layout.FirstDocument + query; own < layout.Columns; own += layout.Queries)
                {
                    row[own] = float.NegativeInfinity;
                }
            }
            else
            {
                Exclude(row, layout.FirstDocument, layout.Columns);
            }

            Exclude(row, layout.Columns, layout.Stride);
        }

        /// <summary>One softmax over one or two rows of logits, which become the gradient.</summary>
        /// <returns>The loss.</returns>
        private double Softmax(float* row, float* second, int positive, float factor)
        {
            float positiveLogit = row[positive];
            row[positive] = float.NegativeInfinity;
            float largest = MathF.Max(positiveLogit, Largest(row));
            if (second != null)
            {
                largest = MathF.Max(largest, Largest(second));
            }

            double others = Exponentials(row, largest);
            if (second != null)
            {
                others += Exponentials(second, largest);
            }

            double total = others + Math.Exp((double)positiveLogit - largest);
            float share = (float)(factor / total);
            Scale(row, layout.Stride, share);
            if (second != null)
            {
                Scale(second, layout.Stride, share);
            }

            row[positive] = (float)(-factor * (others / total));
            return (double)largest - positiveLogit + Math.Log(total);
        }

        private static void Exclude(float* row, int start, int end) => new Span<float>(row + start, end - start).Fill(float.NegativeInfinity);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scale(float* row, int count, float factor)
        {
            TVector factors = TVector.Broadcast(factor);
            for (int i = 0; i < count; i += TVector.Count)
            {
                Lanes.Store(Lanes.Load<TVector>(row + i, count - i) * factors, row + i, count - i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private float Largest(float* row)
        {
            TVector largest = TVector.Broadcast(float.NegativeInfinity);
            for (int i = 0; i < layout.Stride; i += TVector.Count)
            {
                largest = TVector.Max(largest, TVector.Load(row + i));
            }

            return TVector.Largest(largest);
        }

        /// <summary>Logits to exponentials of what they are above the largest.</summary>
        /// <returns>Their sum.</returns>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private float Exponentials(float* row, float largest)
        {
            TVector maximum = TVector.Broadcast(largest);
            TVector sum = TVector.Zero;
            for (int i = 0; i < layout.Stride; i += TVector.Count)
            {
                TVector exponential = VectorMath.Exp(TVector.Load(row + i) - maximum);
                TVector.Store(exponential, row + i);
                sum += exponential;
            }

            return TVector.Sum(sum);
        }
    }
}
