using System.Numerics;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Which rows of each table's gradient may be other than zero. A batch uses few of a vocabulary's rows, so that instead of clearing the
/// whole gradient every step (94 MB for BERT) only the rows written since it was last cleared are, and the optimizer need not read the others.
/// </summary>
/// <remarks>
/// This holds because nothing but the embedding's backward pass writes such a gradient. Writes from outside through <see cref="IKernels.Write(Tensor, ReadOnlySpan{float})"/>,
/// <see cref="IKernels.Copy"/> and <see cref="IKernels.Fill"/> are reported to <see cref="Forget"/>; a gradient that is not known is cleared whole.
/// </remarks>
internal sealed class TableGradients
{
    private readonly List<Table> _tables = [];

    /// <summary>Sets all rows to zero, touching only those that may not be.</summary>
    public unsafe void Clear(Tensor gradient)
    {
        float* rows = gradient.Floats();
        if (Find(gradient) is not { } table)
        {
            _tables.RemoveAll(static other => other.Gradient.IsReleased());
            _tables.Add(new Table(gradient));
            for (int row = 0; row < gradient.Rows; row++)
            {
                new Span<float>(rows + (nint)row * gradient.Columns, gradient.Columns).Clear();
            }

            return;
        }

        for (int word = 0; word < table.WrittenRows.Length; word++)
        {
            for (ulong bits = table.WrittenRows[word]; bits != 0; bits &= bits - 1)
            {
                int row = 64 * word + BitOperations.TrailingZeroCount(bits);
                new Span<float>(rows + (nint)row * gradient.Columns, gradient.Columns).Clear();
            }

            table.WrittenRows[word] = 0;
        }
    }

    /// <summary>Notes the rows that a batch has written.</summary>
    /// <param name="gradient">The gradient.</param>
    /// <param name="groups">See <see cref="TokenGroups"/>.</param>
    /// <param name="tokens">Number of entries.</param>
    public unsafe void Mark(Tensor gradient, long* groups, int tokens)
    {
        if (Find(gradient) is { } table)
        {
            for (int i = 0; i < tokens; i++)
            {
                int row = TokenGroups.Row(groups[i]);
                table.WrittenRows[row / 64] |= 1ul << (row % 64);
            }
        }
    }

    /// <summary>Whether some elements of a tensor are known to be zero.</summary>
    public bool AreZero(Tensor tensor, long first, long count)
    {
        foreach (Table table in _tables)
        {
            long offset = first + (tensor.Offset - table.Gradient.Offset) / sizeof(float);
            if (ReferenceEquals(table.Gradient.Arena, tensor.Arena) && offset >= 0 && offset + count <= table.Gradient.Length)
            {
                return table.AreZero((int)(offset / table.Gradient.Columns), (int)((offset + count - 1) / table.Gradient.Columns));
            }
        }

        return false;
    }

    /// <summary>Somebody else has written here: gradients that overlap are no longer known.</summary>
    public void Forget(Tensor written)
    {
        for (int i = _tables.Count - 1; i >= 0; i--)
        {
            if (_tables[i].Gradient.Overlaps(written))
            {
                _tables.RemoveAt(i);
            }
        }
    }

    private Table? Find(Tensor gradient)
    {
        foreach (Table table in _tables)
        {
            if (table.Gradient == gradient)
            {
                return table;
            }
        }

        return null;
    }

    private sealed class Table(Tensor gradient)
    {
        public Tensor Gradient { get; } = gradient;

        public ulong[] WrittenRows { get; } = new ulong[(gradient.Rows + 63) / 64];

        public bool AreZero(int first, int last)
        {
            for (int row = first; row <= last; row++)
            {
                if ((WrittenRows[row / 64] >> (row % 64) & 1) != 0)
                {
                    return false;
                }
            }

            return true;
        }
    }
}
