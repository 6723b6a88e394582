using MnrEngine.Kernels.Cuda.Compilation;

namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>
/// The bf16 copies of weights that products read: for each arena that weights were published from, a second one half as large with the same layout. Adam writes the copies in its
/// own pass, so that publishing behind it has only the rest to do.
/// </summary>
internal sealed class HalfWeights(CudaContext context, KernelFunctions kernels, Func<long, LaunchShape> shape) : IDisposable
{
    private readonly List<(DeviceArena Weights, CudaArena Copies)> _arenas = [];
    private Tensor _fresh;

    /// <summary>Makes the copies of a region anew.</summary>
    public void Publish(Tensor weights)
    {
        nint copies = CopiesOf(weights.Arena!).Address;
        long end = weights.Offset + weights.Bytes;
        bool isPartlyFresh = !_fresh.IsNone && _fresh.Arena == weights.Arena && _fresh.Offset >= weights.Offset && _fresh.Offset + _fresh.Bytes <= end;
        if (isPartlyFresh)
        {
            Cast(weights.Offset, _fresh.Offset);
            Cast(_fresh.Offset + _fresh.Bytes, end);
        }
        else
        {
            Cast(weights.Offset, end);
        }

        _fresh = Tensor.None;

        void Cast(long from, long to)
        {
            if (to > from)
            {
                long count = (to - from) / sizeof(float);
                context.Launch(kernels.CastToHalf, shape(count), weights.Arena!.Address + (nint)from, copies + (nint)(from / 2), count);
            }
        }
    }

    /// <summary>The address of the copy of weights.</summary>
    /// <exception cref="InvalidOperationException">They were never published.</exception>
    public nint Of(Tensor weights)
    {
        foreach ((DeviceArena arena, CudaArena copies) in _arenas)
        {
            if (arena == weights.Arena)
            {
                return copies.Address + (nint)(weights.Offset / 2);
            }
        }

        throw new InvalidOperationException($"weights {weights} were never published");
    }

    /// <summary>The address at which Adam writes the copies of these weights; zero where there are none yet. They count as published then, until something else changes them.</summary>
    public nint WrittenByOptimizer(Tensor weights)
    {
        foreach ((DeviceArena arena, CudaArena copies) in _arenas)
        {
            if (arena == weights.Arena)
            {
                _fresh = weights;
                return copies.Address + (nint)(weights.Offset / 2);
            }
        }

        return 0;
    }

    /// <summary>Somebody else has written here.</summary>
    public void Forget(Tensor written)
    {
        if (written.Arena == _fresh.Arena)
        {
            _fresh = Tensor.None;
        }
    }

    /// <summary>An arena is about to be released.</summary>
    public void Release(DeviceArena arena)
    {
        Forget(new Tensor(arena, 0, ElementType.Float32, 0, 0));
        foreach ((DeviceArena weights, CudaArena copies) in _arenas)
        {
            if (weights == arena)
            {
                copies.Dispose();
            }
        }

        _arenas.RemoveAll(pair => pair.Weights == arena);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, CudaArena copies) in _arenas)
        {
            copies.Dispose();
        }

        _arenas.Clear();
    }

    private CudaArena CopiesOf(DeviceArena weights)
    {
        foreach ((DeviceArena arena, CudaArena copies) in _arenas)
        {
            if (arena == weights)
            {
                return copies;
            }
        }

        CudaArena made = new(context, $"bf16 copies of '{weights.Label}'", (weights.Bytes + 1) / 2);
        _arenas.Add((weights, made));
        return made;
    }
}
