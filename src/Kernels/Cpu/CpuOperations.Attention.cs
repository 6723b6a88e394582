using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Self-attention inside each sentence, for each head of width d, with M the factors of dropout (all 1 without it):
/// <code>
/// S = Q K^T / sqrt(d) + B;  P = softmax(S);  O = (P M) V
/// dV = (P M)^T dO;  dP = (dO V^T) M;  dS = P (dP - rowsum(dO O));  dB += dS;  dQ = dS K / sqrt(d);  dK = dS^T Q / sqrt(d)
/// </code>
/// The products P M, (..) M and P (..) are element by element. The backward pass computes P again, as exp(S - logSumExp), so that nothing that
/// grows with the square of the length is kept (Dao et al., "FlashAttention", 2022). A task is one head of one sentence: it copies the head's strided
/// rows into registers' widths and then works through the queries in tiles. Meanwhile it fetches its share of the next sentence, whose rows lie one behind the
/// other: head by head the processor does not foresee them.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private NativeBuffer? _attention;

    public void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context)
    {
        int headDim = context.Columns / heads;
        AttentionTasks tasks = new(batch.Offsets.Integers(), batch.Sentences, heads, Math.Min(_threads.UsefulParts, batch.Sentences * heads));
        long size = AttentionScratch<TVector>.Size(batch.LongestSentence, headDim);
        float* scratch = NativeBuffer.Grow(ref _attention, size * _threads.Count);
        _threads.Run(
            new AttentionJob(tasks, heads, headDim, queryKeyValue.Floats(), bias.Floats(), bias.Columns, new DropoutFactors(dropout), scratch, size, logSumExp.Floats(), context.Floats()),
            tasks.Parts);
    }

    public void AttentionBackward(
        in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient,
        Tensor queryKeyValueGradient, Tensor biasGradient)
    {
        int headDim = context.Columns / heads;
        int parts = Math.Min(_threads.UsefulParts, biasGradient.IsNone ? batch.Sentences * heads : heads);
        AttentionTasks tasks = new(batch.Offsets.Integers(), batch.Sentences, heads, parts);
        long size = AttentionScratch<TVector>.Size(batch.LongestSentence, headDim);
        float* scratch = NativeBuffer.Grow(ref _attention, size * _threads.Count);
        _threads.Run(
            new AttentionBackwardJob(
                tasks, batch.Sentences, heads, headDim, queryKeyValue.Floats(), bias.Floats(), bias.Columns, new DropoutFactors(dropout), scratch, size,
                logSumExp.Floats(), contextGradient.Floats(), queryKeyValueGradient.Floats(), biasGradient.Floats()),
            parts);
    }

    private void PlanAttention(in StepLimits limits) =>
        NativeBuffer.Grow(ref _attention, AttentionScratch<TVector>.Size(limits.SentenceLength, limits.Hidden / limits.Heads) * _threads.Count);

    /// <summary>Rows of a head as the right operand of products: where they are, or for sentences of several tiles, and heads that end within a register, a dense copy.</summary>
    private readonly struct HeadRows(float* rows, nint stride)
    {
        private readonly float* _rows = rows;

        /// <summary>Elements from one row to the next.</summary>
        public nint Stride => stride;

        /// <summary>Finds or makes the rows.</summary>
        /// <param name="source">The head's column of the first token.</param>
        /// <param name="sourceStride">Elements from one token to the next.</param>
        /// <param name="length">Tokens.</param>
        /// <param name="headDim">Columns of the head.</param>
        /// <param name="copy">Room for a copy.</param>
        /// <param name="copyStride">Elements from one of its rows to the next.</param>
        public static HeadRows Of(float* source, nint sourceStride, int length, int headDim, float* copy, int copyStride)
        {
            if (length <= AttentionScratch<TVector>.TileQueries && headDim % TVector.Count == 0)
            {
                return new HeadRows(source, sourceStride);
            }

            CopyHead(source, sourceStride, length, headDim, copy, copyStride);
            return new HeadRows(copy, copyStride);
        }

        /// <summary>A row.</summary>
        public float* Row(int token) => _rows + token * stride;
    }

    /// <summary>
    /// During one task of a sentence, brings its share of the rows behind the sentence into the second-level cache: as many as the sentence has, since neighbours
    /// are mostly alike. Of long sentences nothing, which would not stay there.
    /// </summary>
    /// <param name="tasks">The tasks.</param>
    /// <param name="sentence">The sentence under way.</param>
    /// <param name="head">The task.</param>
    /// <param name="matrix">Rows of all tokens, dense.</param>
    /// <param name="columns">Columns of the matrix.</param>
    private static void FetchShare(in AttentionTasks tasks, int sentence, int head, float* matrix, int columns)
    {
        int rows = tasks.Length(sentence);
        if (rows > AttentionScratch<TVector>.TileQueries)
        {
            return;
        }

        (int start, int end) = CpuThreads.Range(rows * columns, Prefetch.Line, head, tasks.Heads);
        float* first = matrix + (nint)tasks.FirstToken(sentence + 1) * columns;
        for (int i = start; i < end; i += Prefetch.Line)
        {
            Prefetch.Far(first + i);
        }
    }

    /// <summary>Copies rows of a head and fills them up to whole registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyHead(float* source, nint sourceStride, int length, int headDim, float* target, int targetStride)
    {
        for (int row = 0; row < length; row++)
        {
            for (int i = 0; i < headDim; i += TVector.Count)
            {
                TVector.Store(Lanes.Load<TVector>(source + i, headDim - i), target + i);
            }

            source += sourceStride;
            target += targetStride;
        }
    }

    /// <summary>Copies the transpose of rows of a head, times a factor. What lies beyond the sentence's length up to a whole register is set to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeHead(float* source, nint sourceStride, int length, int headDim, float factor, float* target, int targetStride)
    {
        int wholeTokens = length & ~3;
        int wholeColumns = headDim & ~3;
        int last = (length - 1) / TVector.Count * TVector.Count;
        for (int column = 0; column < headDim; column++)
        {
            TVector.Store(TVector.Zero, target + (nint)column * targetStride + last);
        }

        for (int token = 0; token < wholeTokens; token += 4)
        {
            int column = 0;
            for (; column + Prefetch.Line <= wholeColumns; column += Prefetch.Line)
            {
                GemmPacking.TransposeSixteen(source + token * sourceStride + column, sourceStride, target + (nint)column * targetStride + token, targetStride);
            }

            for (; column < wholeColumns; column += 4)
            {
                GemmPacking.TransposeFour(source + token * sourceStride + column, sourceStride, target + (nint)column * targetStride + token, targetStride);
            }
        }

        for (int token = wholeTokens; token < length; token++)
        {
            for (int column = 0; column < wholeColumns; column++)
            {
                target[(nint)column * targetStride + token] = source[token * sourceStride + column];
            }
        }

        for (int column = wholeColumns; column < headDim; column++)
        {
            for (int token = 0; token < length; token++)
            {
                target[(nint)column * targetStride + token] = source[token * sourceStride + column];
            }
        }

        if (factor != 1f)
        {
            TVector factors = TVector.Broadcast(factor);
            for (int column = 0; column < headDim; column++)
            {
                float* row = target + (nint)column * targetStride;
                for (int i = 0; i < length; i += TVector.Count)
                {
                    TVector.Store(factors * TVector.Load(row + i), row + i);
                }
            }
        }
    }

    private readonly struct AttentionJob(
        AttentionTasks tasks, int heads, int headDim, float* queryKeyValue, float* bias, int biasLength, DropoutFactors dropout, float* scratch, long scratchSize,
        float* logSumExp, float* context) : IParallelJob
    {
        private readonly float* _queryKeyValue = queryKeyValue;
        private readonly float* _bias = bias;
        private readonly float* _scratch = scratch;
        private readonly float* _logSumExp = logSumExp;
        private readonly float* _context = context;

        public void Execute(int part, int thread)
        {
            (int sentence, int head) = tasks.First(part);
            (int lastSentence, int lastHead) = tasks.First(part + 1);
            long element = dropout.IsActive ? tasks.FirstElement(sentence) : 0;
            for (; sentence < lastSentence || (sentence == lastSentence && head < lastHead); sentence++)
            {
                int length = tasks.Length(sentence);
                int end = sentence == lastSentence ? lastHead : heads;
                for (; head < end; head++)
                {
                    AttentionScratch<TVector> memory = new(_scratch + thread * scratchSize, length, headDim);
                    FetchShare(tasks, sentence, head, _queryKeyValue, 3 * heads * headDim);
                    FetchShare(tasks, sentence, head, _context, heads * headDim);
                    Head(memory, tasks.FirstToken(sentence), length, head, element + (long)head * length * length);
                }

                head = 0;
                element += (long)heads * length * length;
            }
        }

        private void Head(in AttentionScratch<TVector> memory, int firstToken, int length, int head, long element)
        {
            int hidden = heads * headDim;
            int stride = 3 * hidden;
            float* queries = _queryKeyValue + (nint)firstToken * stride + head * headDim;
            TransposeHead(queries + hidden, stride, length, headDim, 1f / MathF.Sqrt(headDim), memory.KeysTransposed, memory.KeyStride);
            HeadRows values = HeadRows.Of(queries + 2 * hidden, stride, length, headDim, memory.Values, memory.HeadStride);
            for (int first = 0; first < length; first += AttentionScratch<TVector>.TileQueries)
            {
                int count = Math.Min(AttentionScratch<TVector>.TileQueries, length - first);
                SmallProduct<TVector>.Multiply(
                    queries + (nint)first * stride, stride, 1, memory.KeysTransposed, memory.KeyStride,
                    memory.Probabilities, memory.KeyStride, count, memory.WholeLength, headDim, accumulate: false);
                if (dropout.IsActive)
                {
                    dropout.Fill<TVector>(element + (long)first * length, count * length, memory.Factors);
                }

                Softmax(memory, _bias == null ? null : _bias + ((nint)head * biasLength + first) * biasLength, biasLength, dropout.IsActive, length, count);
                if (_logSumExp != null)
                {
                    StoreLogSums(memory, _logSumExp + (nint)(firstToken + first) * heads + head, count);
                }

                SmallProduct<TVector>.Multiply(
                    memory.Probabilities, memory.KeyStride, 1, values.Row(0), values.Stride,
                    _context + (nint)(firstToken + first) * hidden + head * headDim, hidden, count, headDim, length, accumulate: false);
            }
        }

        private void StoreLogSums(in AttentionScratch<TVector> memory, float* logSumExp, int count)
        {
            for (int i = 0; i < count; i += TVector.Count)
            {
                TVector.Store(TVector.Load(memory.Maxima + i) + VectorMath.Log(TVector.Load(memory.Sums + i)), memory.Sums + i);
            }

            for (int query = 0; query < count; query++)
            {
                logSumExp[(nint)query * heads] = memory.Sums[query];
            }
        }

        /// <summary>A tile of scores to probabilities after dropout, in place; leaves each row's largest score and sum of exponentials beside it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Softmax(in AttentionScratch<TVector> memory, float* bias, int biasLength, bool drops, int length, int count)
        {
            // Lanes beyond the sentence must not win the maximum nor enter the sum. They are not set to -infinity, because an exponential that
            // underflows costs a hundred times one that does not.
            int last = memory.WholeLength - TVector.Count;
            int remaining = length - last;
            float* lanes = stackalloc float[TVector.Count];
            for (int lane = 0; lane < TVector.Count; lane++)
            {
                lanes[lane] = lane;
            }

            TVector isToken = TVector.Less(TVector.Load(lanes), TVector.Broadcast(remaining));
            TVector lowest = TVector.Broadcast(float.NegativeInfinity);
            float* scores = memory.Probabilities;
            float* factors = memory.Factors;
            for (int query = 0; query < count; query++)
            {
                // The last register of the row stays one: short sentences have no other.
                TVector end = TVector.Load(scores + last);
                if (bias != null)
                {
                    end += Lanes.Load<TVector>(bias + last, remaining);
                    for (int i = 0; i < last; i += TVector.Count)
                    {
                        TVector.Store(TVector.Load(scores + i) + TVector.Load(bias + i), scores + i);
                    }

                    bias += biasLength;
                }

                TVector largest = TVector.Select(isToken, end, lowest);
                for (int i = 0; i < last; i += TVector.Count)
                {
                    largest = TVector.Max(largest, TVector.Load(scores + i));
                }

                float maximum = TVector.Largest(largest);
                TVector maxima = TVector.Broadcast(maximum);
                end = VectorMath.Exp(end - maxima) & isToken;
                TVector sum = end;
                for (int i = 0; i < last; i += TVector.Count)
                {
                    TVector exponential = VectorMath.Exp(TVector.Load(scores + i) - maxima);
                    TVector.Store(exponential, scores + i);
                    sum += exponential;
                }

                float total = TVector.Sum(sum);
                memory.Maxima[query] = maximum;
                memory.Sums[query] = total;
                TVector inverse = TVector.Broadcast(1f / total);
                end *= inverse;
                if (drops)
                {
                    for (int i = 0; i < last; i += TVector.Count)
                    {
                        TVector.Store(TVector.Load(scores + i) * inverse * TVector.Load(factors + i), scores + i);
                    }

                    end *= Lanes.Load<TVector>(factors + last, remaining);
                    factors += length;
                }
                else
                {
                    for (int i = 0; i < last; i += TVector.Count)
                    {
                        TVector.Store(TVector.Load(scores + i) * inverse, scores + i);
                    }
                }

                TVector.Store(end, scores + last);
                scores += memory.KeyStride;
            }
        }
    }

    private readonly struct AttentionBackwardJob(
        AttentionTasks tasks, int sentences, int heads, int headDim, float* queryKeyValue, float* bias, int biasLength, DropoutFactors dropout, float* scratch, long scratchSize,
        float* logSumExp, float* contextGradient, float* queryKeyValueGradient, float* biasGradient) : IParallelJob
    {
        private readonly float* _queryKeyValue = queryKeyValue;
        private readonly float* _bias = bias;
        private readonly float* _scratch = scratch;
        private readonly float* _logSumExp = logSumExp;
        private readonly float* _contextGradient = contextGradient;
        private readonly float* _queryKeyValueGradient = queryKeyValueGradient;
        private readonly float* _biasGradient = biasGradient;

        public void Execute(int part, int thread)
        {
            if (_biasGradient == null)
            {
                (int firstSentence, int firstHead) = tasks.First(part);
                (int lastSentence, int lastHead) = tasks.First(part + 1);
                for (int sentence = firstSentence; sentence < sentences; sentence++)
                {
                    Sentence(thread, sentence, sentence == firstSentence ? firstHead : 0, sentence == lastSentence ? lastHead : heads);
                    if (sentence == lastSentence)
                    {
                        break;
                    }
                }
            }
            else
            {
                (int firstHead, int lastHead) = CpuThreads.Range(heads, 1, part, tasks.Parts);
                for (int sentence = 0; sentence < sentences; sentence++)
                {
                    Sentence(thread, sentence, firstHead, lastHead);
                }
            }
        }

        private void Sentence(int thread, int sentence, int firstHead, int lastHead)
        {
            int length = tasks.Length(sentence);
            long element = dropout.IsActive ? tasks.FirstElement(sentence) : 0;
            AttentionScratch<TVector> memory = new(_scratch + thread * scratchSize, length, headDim);
            for (int head = firstHead; head < lastHead; head++)
            {
                if (_biasGradient == null)
                {
                    // Else a thread keeps to its heads, and the other shares are brought to other threads.
                    FetchShare(tasks, sentence, head, _queryKeyValue, 3 * heads * headDim);
                    FetchShare(tasks, sentence, head, _queryKeyValueGradient, 3 * heads * headDim);
                    FetchShare(tasks, sentence, head, _contextGradient, heads * headDim);
                }

                Head(memory, tasks.FirstToken(sentence), length, head, element + (long)head * length * length);
            }
        }

        private void Head(in AttentionScratch<TVector> memory, int firstToken, int length, int head, long element)
        {
            int hidden = heads * headDim;
            float scale = 1f / MathF.Sqrt(headDim);
            nint column = (nint)head * headDim;
            nint stride = 3 * hidden;
            float* sentence = _queryKeyValue + firstToken * stride + column;
            float* sentenceGradient = _queryKeyValueGradient + firstToken * stride + column;
            float* contextGradient = _contextGradient + (nint)firstToken * hidden + column;
            HeadRows queries = HeadRows.Of(sentence, stride, length, headDim, memory.Queries, memory.HeadStride);
            HeadRows keys = HeadRows.Of(sentence + hidden, stride, length, headDim, memory.Keys, memory.HeadStride);
            HeadRows gradients = HeadRows.Of(contextGradient, hidden, length, headDim, memory.ContextGradient, memory.HeadStride);
            TransposeHead(sentence + hidden, stride, length, headDim, scale, memory.KeysTransposed, memory.KeyStride);
            TransposeHead(sentence + 2 * hidden, stride, length, headDim, 1f, memory.ValuesTransposed, memory.KeyStride);
            for (int first = 0; first < length; first += AttentionScratch<TVector>.TileQueries)
            {
                int count = Math.Min(AttentionScratch<TVector>.TileQueries, length - first);
                SmallProduct<TVector>.Multiply(
                    queries.Row(first), queries.Stride, 1, memory.KeysTransposed, memory.KeyStride, memory.Probabilities, memory.KeyStride, count, memory.WholeLength, headDim, accumulate: false);
                SmallProduct<TVector>.Multiply(
                    gradients.Row(first), gradients.Stride, 1, memory.ValuesTransposed, memory.KeyStride, memory.ScoreGradient, memory.KeyStride, count, memory.WholeLength, headDim, accumulate: false);
                if (dropout.IsActive)
                {
                    dropout.Fill<TVector>(element + (long)first * length, count * length, memory.Factors);
                }

                for (int query = first; query < first + count; query++)
                {
                    nint biasRow = ((nint)head * biasLength + query) * biasLength;
                    Query(
                        memory.Probabilities + (nint)(query - first) * memory.KeyStride,
                        memory.ScoreGradient + (nint)(query - first) * memory.KeyStride,
                        dropout.IsActive ? memory.Factors + (nint)(query - first) * length : null,
                        _bias == null ? null : _bias + biasRow,
                        _biasGradient == null ? null : _biasGradient + biasRow,
                        _logSumExp[(nint)(firstToken + query) * heads + head], scale, length);
                }

                bool add = first > 0;
                SmallProduct<TVector>.Multiply(
                    memory.ScoreGradient, memory.KeyStride, 1, keys.Row(0), keys.Stride, sentenceGradient + first * stride, stride, count, headDim, length, accumulate: false);
                SmallProduct<TVector>.Multiply(
                    memory.ScoreGradient, 1, memory.KeyStride, queries.Row(first), queries.Stride, sentenceGradient + hidden, stride, length, headDim, count, add);
                SmallProduct<TVector>.Multiply(
                    memory.Probabilities, 1, memory.KeyStride, gradients.Row(first), gradients.Stride, sentenceGradient + 2 * hidden, stride, length, headDim, count, add);
            }
        }

        /// <summary>
        /// One query's scores to probabilities after dropout, and the gradients of those to the gradients of the scores, times
        /// 1 / sqrt(d), in place. What the softmax takes off a row's gradients is their own mean by P: read from the context, which is the same number but for rounding, a sentence of one token would have a gradient.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Query(float* scores, float* gradients, float* factors, float* bias, float* biasGradient, float logSumExp, float scale, int length)
        {
            TVector logSum = TVector.Broadcast(logSumExp);
            TVector sum = TVector.Zero;
            for (int i = 0; i < length; i += TVector.Count)
            {
                TVector score = TVector.Load(scores + i);
                if (bias != null)
                {
                    score += Lanes.Load<TVector>(bias + i, length - i);
                }

                TVector probability = VectorMath.Exp(score - logSum);
                TVector gradient = TVector.Load(gradients + i);
                if (factors != null)
                {
                    gradient *= Lanes.Load<TVector>(factors + i, length - i);
                    TVector.Store(gradient, gradients + i);
                }

                // Read again without what lies behind the row, which may be infinite.
                TVector.Store(probability, scores + i);
                sum = TVector.MultiplyAdd(Lanes.Load<TVector>(scores + i, length - i), gradient, sum);
            }

            TVector mean = TVector.Broadcast(TVector.Sum(sum));
            TVector scales = TVector.Broadcast(scale);
            for (int i = 0; i < length; i += TVector.Count)
            {
                TVector probability = TVector.Load(scores + i);
                TVector gradient = probability * (TVector.Load(gradients + i) - mean);
                TVector.Store(gradient * scales, gradients + i);
                if (factors != null)
                {
                    TVector.Store(probability * Lanes.Load<TVector>(factors + i, length - i), scores + i);
                }

                if (biasGradient != null)
                {
                    Lanes.Store(Lanes.Load<TVector>(biasGradient + i, length - i) + gradient, biasGradient + i, length - i);
                }
            }
        }
    }
}
