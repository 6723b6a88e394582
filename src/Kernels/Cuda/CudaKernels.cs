using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Cuda.Interop;
using MnrEngine.Kernels.Cuda.Memory;

namespace MnrEngine.Kernels.Cuda;

/// <summary>
/// The operations on an NVIDIA GPU: the kernels of Native/, compiled for the GPU at hand, and cuBLASLt's matrix products, launched through the driver. One file a family; Native/README.md says
/// how each operation is put together.
/// </summary>
/// <remarks>
/// Everything runs on one stream in the order of the calls. Not for use from several threads at once. What the GPU or its libraries refuse is a <see cref="CudaException"/>; an error inside an
/// operation may only be reported by a later call that waits.
/// </remarks>
public sealed unsafe partial class CudaKernels : IKernels
{
    private readonly Operands _operands;
    private readonly CudaOptions _options;
    private readonly CublasComputeType _layerProducts;
    private readonly CudaContext _context;
    private readonly KernelModule _module;
    private readonly KernelFunctions _kernels;
    private readonly MatrixProducts _products;
    private readonly StepGraphs _graphs;
    private readonly Workspace _workspace;
    private readonly PinnedRing _ring;
    private readonly BatchSlots _slots;
    private readonly WrittenRows _writtenRows;
    private readonly HalfWeights _halfWeights;
    private readonly Stack<IDisposable> _owned = new();
    private bool _isPlanned;
    private int _longestPlanned;
    private bool _runsBackward;

    /// <summary>Opens a GPU: finds the libraries, and compiles the kernels if that was not done before.</summary>
    /// <exception cref="CudaException">A library is missing, there is no such GPU, or it can't be used; the message says what to do.</exception>
    /// <exception cref="OutOfMemoryException">Its memory is full.</exception>
    public CudaKernels(CudaOptions options)
    {
        _options = options;
        ActivationType = options.Precision == CudaPrecision.BFloat16 ? ElementType.BFloat16 : ElementType.Float32;
        _operands = new Operands(ActivationType, typeof(CudaArena));
        _layerProducts = options.Precision == CudaPrecision.TensorFloat32 ? CublasComputeType.Float32FastTf32 : CublasComputeType.Float32;
        try
        {
            _context = Own(new CudaContext(options.Device));
            if (_context.Device.ComputeCapability < CudaDevice.OldestCapability)
            {
                throw new CudaException($"{_context.Device} has compute capability {_context.Device.ComputeCapability}, but {CudaDevice.OldestCapability} is the least that the kernels need");
            }

            _module = Own(KernelModule.Load(_context));
            _kernels = new KernelFunctions(_module, halves: ActivationType == ElementType.BFloat16);
            _products = Own(new MatrixProducts(_context, _kernels));
            _graphs = Own(new StepGraphs(_context));
            _workspace = Own(new Workspace(_context, _graphs.Clear));
            _ring = Own(new PinnedRing(_context));
            _slots = Own(new BatchSlots(_context, _ => _graphs.Clear()));
            _writtenRows = Own(new WrittenRows(_context, _kernels));
            _halfWeights = Own(new HalfWeights(_context, _kernels, ElementwiseShape));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Tells where the kernels for a GPU would come from; compiles nothing.</summary>
    /// <exception cref="CudaException">The GPU can't be used.</exception>
    public static KernelFinding FindKernels(CudaDevice device) => KernelModule.Find(device);

    /// <inheritdoc/>
    public string Description =>
        $"{_context.Device}, compute capability {_context.Device.ComputeCapability}, {Precision}, kernels {_module.Origin}";

    /// <inheritdoc/>
    public string Precision => _options.Precision switch { CudaPrecision.BFloat16 => "bf16", CudaPrecision.TensorFloat32 => "tf32", _ => "fp32" };

    /// <summary>Device memory for what operations need while they run.</summary>
    public long WorkspaceBytes => _workspace.Bytes;

    /// <inheritdoc/>
    public ElementType ActivationType { get; }

    /// <inheritdoc/>
    public int TokenRows(int tokens) => (tokens + _options.TokenBucket - 1) / _options.TokenBucket * _options.TokenBucket;

    /// <inheritdoc/>
    public DeviceArena CreateArena(string label, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new CudaArena(_context, label, bytes, Released);
    }

    /// <inheritdoc/>
    public void Plan(in StepLimits limits)
    {
        int rows = TokenRows(limits.Tokens);
        _runsBackward |= limits.Backward;
        _isPlanned = true;
        _longestPlanned = Math.Max(_longestPlanned, limits.SentenceLength);
        _slots.Reserve(rows, limits.Sentences);
        if (limits.Backward)
        {
            _workspace.Reserve(Math.Max(PairBytes(limits.Sentences / 2), BackwardBytes(limits, rows)));
        }
    }

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<float> source)
    {
        _operands.Write(destination, source);
        Forget(destination);
        if (destination.Type == ElementType.Float32)
        {
            _ring.Write(destination.Address, MemoryMarshal.AsBytes(source));
            return;
        }

        const int Piece = 4096;
        Span<ushort> halves = stackalloc ushort[Piece];
        nint address = destination.Address;
        for (int first = 0; first < source.Length; first += Piece)
        {
            ReadOnlySpan<float> piece = source[first..Math.Min(first + Piece, source.Length)];
            BFloat16Conversion.Narrow(piece, halves);
            _ring.Write(address, MemoryMarshal.AsBytes(halves[..piece.Length]));
            address += piece.Length * sizeof(ushort);
        }
    }

    /// <inheritdoc/>
    public void Write(Tensor destination, ReadOnlySpan<int> source)
    {
        _operands.Write(destination, source);
        _ring.Write(destination.Address, MemoryMarshal.AsBytes(source));
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        _operands.Read(source, destination);
        if (source.Type == ElementType.Float32)
        {
            fixed (float* pointer = destination)
            {
                _context.Read(pointer, source.Address, source.Bytes);
            }

            return;
        }

        // The halves go to the upper end of their place and are widened from the lower end on, where each is read before it is overwritten.
        Span<ushort> halves = MemoryMarshal.Cast<float, ushort>(destination)[destination.Length..];
        fixed (ushort* pointer = halves)
        {
            _context.Read(pointer, source.Address, source.Bytes);
        }

        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
        }
    }

    /// <inheritdoc/>
    public void Copy(Tensor source, Tensor destination)
    {
        _operands.Copy(source, destination);
        Forget(destination);
        _context.Copy(destination.Address, source.Address, source.Bytes);
    }

    /// <inheritdoc/>
    public void Fill(Tensor destination, float value)
    {
        _operands.Fill(destination);
        Forget(destination);
        _context.Launch(_kernels.Fill[destination.Type], ElementwiseShape(destination.Length), destination, value, destination.Length);
    }

    /// <inheritdoc/>
    public DeviceBatch Upload(PackedBatch batch)
    {
        Operands.Upload(batch);
        return _slots.Upload(batch, TokenRows(batch.Tokens), LengthOf(batch), backward: _runsBackward || !_isPlanned);
    }

    /// <inheritdoc/>
    public void PublishWeights(Tensor weights)
    {
        if (ActivationType == ElementType.BFloat16)
        {
            _halfWeights.Publish(weights);
        }
    }

    /// <inheritdoc/>
    public void GradientReady(Tensor gradient)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    /// <summary>The longest sentence, rounded up to whole tiles of attention where shapes are rounded at all, but not beyond what buffers were made for.</summary>
    private int LengthOf(PackedBatch batch)
    {
        int longest = batch.LongestSentence;
        int rounded = _options.TokenBucket > 1 ? (longest + AttentionTile - 1) / AttentionTile * AttentionTile : longest;
        return Math.Min(rounded, Math.Max(longest, _longestPlanned));
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    /// <summary>Whatever was derived from this region is no longer right.</summary>
    private void Forget(Tensor written)
    {
        _writtenRows.Forget(written);
        _halfWeights.Forget(written);
    }

    /// <summary>An arena's memory is about to be given back: recorded steps may hold its addresses.</summary>
    private void Released(CudaArena arena)
    {
        _graphs.Clear();
        _writtenRows.Release(arena);
        _halfWeights.Release(arena);
    }

    /// <summary>As many blocks as keep the GPU busy, or as few as there is work for.</summary>
    private int Blocks(long wanted, int ofMultiprocessor) => (int)Math.Clamp(wanted, 1, (long)_context.Device.Multiprocessors * ofMultiprocessor);

    /// <summary>For kernels that take four elements a thread, or one, and go on while there are more.</summary>
    private LaunchShape ElementwiseShape(long elements) => new(Blocks((elements + 1023) / 1024, 8), 256);
}
