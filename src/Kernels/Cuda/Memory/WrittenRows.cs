using MnrEngine.Kernels.Cuda.Compilation;

namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// Which rows of each table's gradient may be other than zero, as marks on the device: a batch uses few of a vocabulary's rows, so that instead of clearing the whole gradient every step
/// (94 MB for BERT) only marked rows are. Being on the device the marks are right when steps are replayed, too.
/// </summary>
/// <remarks>
/// This holds because nothing but the embedding's backward pass writes such a gradient; writes from outside are reported to <see cref="Forget"/>. Marks are made at a table's first
/// backward pass, which is never one that is recorded.
/// </remarks>
internal sealed class WrittenRows(CudaContext context, KernelFunctions kernels) : IDisposable
{
    private const int Threads = 256;
    private const int RowsOfBlock = Threads / 32;

    private readonly List<Table> _tables = [];

    /// <summary>Sets all rows to zero, touching only those that may not be.</summary>
    public void Clear(Tensor gradient)
    {
        Table table = Find(gradient);
        LaunchShape shape = new((gradient.Rows + RowsOfBlock - 1) / RowsOfBlock, Threads);
        context.Launch(kernels.ZeroMarkedRows, shape, gradient, table.Marks.Address, gradient.Rows, gradient.Columns);
    }

    /// <summary>Marks the rows of a batch.</summary>
    /// <param name="gradient">The gradient.</param>
    /// <param name="rows">int: the rows.</param>
    /// <param name="count">int: how many.</param>
    /// <param name="most">The most there can be.</param>
    public void Mark(Tensor gradient, nint rows, nint count, int most)
    {
        Table table = Find(gradient);
        context.Launch(kernels.MarkRows, new LaunchShape((most + Threads - 1) / Threads, Threads), rows, count, table.Marks.Address);
    }

    /// <summary>Somebody else has written here: all rows of gradients that overlap may be other than zero.</summary>
    public void Forget(Tensor written)
    {
        foreach (Table table in _tables)
        {
            Tensor gradient = table.Gradient;
            if (gradient.Arena == written.Arena && gradient.Offset < written.Offset + written.Bytes && written.Offset < gradient.Offset + gradient.Bytes)
            {
                context.SetBytes(table.Marks.Address, 1, table.Marks.Bytes);
            }
        }
    }

    /// <summary>An arena is about to be released, and its gradients with it.</summary>
    public void Release(DeviceArena arena)
    {
        foreach (Table table in _tables.Where(table => table.Gradient.Arena == arena))
        {
            table.Marks.Dispose();
        }

        _tables.RemoveAll(table => table.Gradient.Arena == arena);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Table table in _tables)
        {
            table.Marks.Dispose();
        }

        _tables.Clear();
    }

    private Table Find(Tensor gradient)
    {
        foreach (Table known in _tables)
        {
            if (known.Gradient == gradient)
            {
                return known;
            }
        }

        Table table = new(gradient, new CudaArena(context, "written rows", gradient.Rows));
        context.SetBytes(table.Marks.Address, 1, table.Marks.Bytes);
        _tables.Add(table);
        return table;
    }

    private sealed record Table(Tensor Gradient, CudaArena Marks);
}
