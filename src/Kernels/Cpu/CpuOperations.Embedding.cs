using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The embedding: y = dropout(LayerNorm(word[id] + position[p] + tokenType[0])), one sweep over the tokens.
/// <para>
/// Backward, a sweep turns dy into the gradient dx of the sum of the three rows. A table's gradient is then the sum of dx over the tokens of each row:
/// tokens are sorted by row, in packed order inside a row, and each row is summed by one thread. That costs what the batch's tokens cost, whatever the
/// vocabulary; see <see cref="TableGradients"/> for the rows that no token uses.
/// </para>
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private readonly TableGradients _tableGradients = new();
    private NativeBuffer? _tokenGroups;

    public void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        EmbedNormJob job = new(
            batch.TokenIds.Integers(), batch.Positions.Integers(), parameters.Word.Value.Floats(), parameters.Position.Value.Floats(), parameters.TokenType.Value.Floats(),
            parameters.Norm.Weight.Value.Floats(), parameters.Norm.Bias.Value.Floats(), parameters.Norm.Epsilon, new DropoutFactors(dropout),
            RowScratch(output.Columns), normalized.Floats(), inverseDeviation.Floats(), output.Floats(), output.Columns);
        _threads.Run(job, batch.Tokens, LeastElements / output.Columns);
    }

    public void EmbedNormBackward(
        in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, bool accumulate)
    {
        int tokens = batch.Tokens;
        int hidden = outputGradient.Columns;
        float* gradient = outputGradient.Floats();
        EmbedNormBackwardJob job = new(
            gradient, tokens, hidden, normalized.Floats(), inverseDeviation.Floats(), parameters.Norm.Weight.Value.Floats(), new DropoutFactors(dropout),
            RowScratch(hidden), _columnSums.Reserve(tokens, hidden, 3));
        _threads.Run(job, ColumnSums<TVector>.Blocks(tokens));
        _columnSums.AddBlocks(0, parameters.Norm.Weight.Gradient.Floats(), accumulate);
        _columnSums.AddBlocks(1, parameters.Norm.Bias.Gradient.Floats(), accumulate);
        if (!parameters.TokenType.IsNone)
        {
            Tensor tokenType = parameters.TokenType.Gradient;
            _columnSums.AddBlocks(2, tokenType.Floats(), accumulate);
            if (!accumulate)
            {
                FillFloats(tokenType.Floats() + hidden, tokenType.Length - hidden, 0);
            }
        }

        AddTableRows(parameters.Position.Gradient, batch.Positions.Integers(), tokens, gradient, -1, accumulate);
        AddTableRows(parameters.Word.Gradient, batch.TokenIds.Integers(), tokens, gradient, parameters.PaddingId, accumulate);
    }

    private void AddTableRows(Tensor table, int* rows, int tokens, float* gradient, int rowWithout, bool accumulate)
    {
        long* groups = TokenGroups.Sort(ref _tokenGroups, rows, tokens);
        if (!accumulate)
        {
            _tableGradients.Clear(table);
        }

        _threads.Run(new TableRowsJob(groups, tokens, gradient, table.Columns, table.Floats(), rowWithout, accumulate), tokens, LeastElements / table.Columns);
        _tableGradients.Mark(table, groups, tokens);
    }

    private readonly struct EmbedNormJob(
        int* tokenIds, int* positions, float* word, float* position, float* tokenType, float* weight, float* bias, float epsilon, DropoutFactors dropout,
        float* scratch, float* normalized, float* inverseDeviation, float* output, int hidden) : IRangeJob
    {
        private readonly int* _tokenIds = tokenIds;
        private readonly int* _positions = positions;
        private readonly float* _word = word;
        private readonly float* _position = position;
        private readonly float* _tokenType = tokenType;
        private readonly float* _weight = weight;
        private readonly float* _bias = bias;
        private readonly float* _scratch = scratch;
        private readonly float* _normalized = normalized;
        private readonly float* _inverseDeviation = inverseDeviation;
        private readonly float* _output = output;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            float* factors = _scratch + (nint)thread * hidden;
            for (int token = start; token < end; token++)
            {
                nint offset = (nint)token * hidden;
                float* word = _word + (nint)_tokenIds[token] * hidden;
                float* position = _position + (nint)_positions[token] * hidden;
                float* output = _output + offset;
                TVector sum = TVector.Zero;
                for (int i = 0; i < hidden; i += TVector.Count)
                {
                    int remaining = hidden - i;
                    TVector value = Lanes.Load<TVector>(word + i, remaining);
                    if (_tokenType != null)
                    {
                        value += Lanes.Load<TVector>(_tokenType + i, remaining);
                    }

                    value += Lanes.Load<TVector>(position + i, remaining);
                    Lanes.Store(value, output + i, remaining);
                    sum += value;
                }

                float* normalized = _normalized == null ? null : _normalized + offset;
                float inverse = LayerNormRow<TVector>.Forward(output, hidden, sum, _weight, _bias, epsilon, normalized);
                if (_inverseDeviation != null)
                {
                    _inverseDeviation[token] = inverse;
                }

                if (dropout.IsActive)
                {
                    dropout.Fill<TVector>(offset, hidden, factors);
                    Multiply(output, factors, hidden);
                }
            }
        }
    }

    private readonly struct EmbedNormBackwardJob(
        float* gradient, int tokens, int hidden, float* normalized, float* inverseDeviation, float* weight, DropoutFactors dropout, float* scratch, float* sums) : IRangeJob
    {
        private readonly float* _gradient = gradient;
        private readonly float* _normalized = normalized;
        private readonly float* _inverseDeviation = inverseDeviation;
        private readonly float* _weight = weight;
        private readonly float* _scratch = scratch;
        private readonly float* _sums = sums;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            float* factors = _scratch + (nint)thread * hidden;
            for (int block = start; block < end; block++)
            {
                float* weightSums = _sums + 3 * (nint)block * hidden;
                float* biasSums = weightSums + hidden;
                float* rowSums = biasSums + hidden;
                new Span<float>(weightSums, 3 * hidden).Clear();
                for (int token = block * ColumnSums<TVector>.BlockRows; token < Math.Min((block + 1) * ColumnSums<TVector>.BlockRows, tokens); token++)
                {
                    nint offset = (nint)token * hidden;
                    float* gradient = _gradient + offset;
                    if (dropout.IsActive)
                    {
                        dropout.Fill<TVector>(offset, hidden, factors);
                        Multiply(gradient, factors, hidden);
                    }

                    LayerNormRow<TVector>.Backward(gradient, _normalized + offset, _inverseDeviation[token], _weight, hidden, weightSums, biasSums, gradient);
                    for (int i = 0; i < hidden; i += TVector.Count)
                    {
                        int remaining = hidden - i;
                        Lanes.Store(Lanes.Load<TVector>(rowSums + i, remaining) + Lanes.Load<TVector>(gradient + i, remaining), rowSums + i, remaining);
                    }
                }
            }
        }
    }

    /// <summary>A part sums the rows whose first token, in sorted order, lies in its run.</summary>
    private readonly struct TableRowsJob(long* groups, int tokens, float* gradient, int hidden, float* table, int rowWithout, bool accumulate) : IRangeJob
    {
        private readonly long* _groups = groups;
        private readonly float* _gradient = gradient;
        private readonly float* _table = table;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            int first = start;
            while (first < end)
            {
                int row = TokenGroups.Row(_groups[first]);
                int last = first + 1;
                while (last < tokens && TokenGroups.Row(_groups[last]) == row)
                {
                    last++;
                }

                bool isMine = first == 0 || TokenGroups.Row(_groups[first - 1]) != row;
                if (isMine && row != rowWithout)
                {
                    AddRow(_table + (nint)row * hidden, first, last);
                }

                first = last;
            }
        }

        private void AddRow(float* target, int first, int last)
        {
            for (int i = 0; i < hidden; i += TVector.Count)
            {
                int remaining = hidden - i;
                TVector sum = accumulate ? Lanes.Load<TVector>(target + i, remaining) : TVector.Zero;
                for (int t = first; t < last; t++)
                {
                    sum += Lanes.Load<TVector>(_gradient + (nint)TokenGroups.Token(_groups[t]) * hidden + i, remaining);
                }

                Lanes.Store(sum, target + i, remaining);
            }
        }
    }

    private static void Multiply(float* row, float* factors, int columns)
    {
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            Lanes.Store(Lanes.Load<TVector>(row + i, remaining) * Lanes.Load<TVector>(factors + i, remaining), row + i, remaining);
        }
    }
}
