namespace MnrEngine.Kernels.Cpu;

/// <summary>Where batches lie: two places, taken in turn, so that a batch can be handed over while the one before it is still in use.</summary>
internal sealed class StagingSlots : IDisposable
{
    private readonly DeviceArena?[] _arenas = new DeviceArena?[2];
    private int _last = 1;

    /// <summary>Makes room for batches of this size.</summary>
    public void Reserve(int tokens, int sentences)
    {
        for (int slot = 0; slot < _arenas.Length; slot++)
        {
            Grow(slot, BytesOf(tokens, sentences));
        }
    }

    /// <summary>Copies a batch to the place that was not used last.</summary>
    public DeviceBatch Upload(PackedBatch batch)
    {
        int slot = 1 - _last;
        _last = slot;
        DeviceArena arena = Grow(slot, BytesOf(batch.Tokens, batch.Sentences));
        long offset = 0;
        Tensor tokenIds = Put(arena, ref offset, batch.TokenIds);
        Tensor positions = Put(arena, ref offset, batch.Positions);
        Tensor offsets = Put(arena, ref offset, batch.Offsets);
        return new DeviceBatch(tokenIds, positions, offsets, batch.Tokens, batch.Tokens, batch.Sentences, batch.LongestSentence, slot);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DeviceArena? arena in _arenas)
        {
            arena?.Dispose();
        }
    }

    private static long BytesOf(int tokens, int sentences) =>
        2 * DeviceArena.BytesOf(ElementType.Int32, 1, tokens) + DeviceArena.BytesOf(ElementType.Int32, 1, sentences + 1);

    private static unsafe Tensor Put(DeviceArena arena, ref long offset, ReadOnlySpan<int> values)
    {
        Tensor tensor = new(arena, offset, ElementType.Int32, 1, values.Length);
        values.CopyTo(new Span<int>(tensor.Integers(), values.Length));
        offset += DeviceArena.BytesOf(ElementType.Int32, 1, values.Length);
        return tensor;
    }

    private DeviceArena Grow(int slot, long bytes)
    {
        if (_arenas[slot] is not { } arena || arena.Bytes < bytes)
        {
            _arenas[slot]?.Dispose();
            arena = new CpuArena("batches", bytes);
            _arenas[slot] = arena;
        }

        return arena;
    }
}
