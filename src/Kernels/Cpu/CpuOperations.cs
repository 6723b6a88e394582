using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The operations in one instruction set, one file a family, with the maths in its header. Operands have been checked by
/// <see cref="CpuKernels"/>.
/// </summary>
/// <remarks>
/// Two rules make results the same for any number of threads: threads share elements of a result, never the terms of one sum; and where a
/// sum over rows has to be shared, it is cut into blocks of fixed size whose sums are added in order. Working memory is native, kept from
/// call to call and grown when it is too small, which <see cref="Plan"/> does ahead of the first step.
/// </remarks>
internal sealed unsafe partial class CpuOperations<TVector> : IKernels
    where TVector : struct, IFloatVector<TVector>
{
    /// <summary>Elements worth a thread in loops that do little more than load and store.</summary>
    private const int LeastElements = 16384;

    private readonly CpuThreads _threads;
    private readonly Gemm<TVector> _gemm;
    private readonly PackedWeights<TVector> _packedWeights;
    private readonly ColumnSums<TVector> _columnSums;
    private readonly StagingSlots _staging = new();
    private NativeBuffer? _rows;

    public CpuOperations(CpuThreads threads)
    {
        _threads = threads;
        _gemm = new Gemm<TVector>(_threads);
        _packedWeights = new PackedWeights<TVector>(_threads);
        _columnSums = new ColumnSums<TVector>(_threads);
    }

    public string Description
    {
        get
        {
            string set = TVector.InstructionSet switch
            {
                CpuInstructionSet.Avx512 => "AVX-512",
                CpuInstructionSet.Avx2 => "AVX2",
                _ => "portable vectors",
            };
            return $"CPU, {set}, {_threads.Count} {(_threads.Count == 1 ? "thread" : "threads")}";
        }
    }

    public ElementType ActivationType => ElementType.Float32;

    public DeviceArena CreateArena(string label, long bytes) => new CpuArena(label, bytes);

    public void Plan(in StepLimits limits)
    {
        _staging.Reserve(limits.Tokens, limits.Sentences);
        int widest = Math.Max(limits.Hidden, limits.Intermediate);
        RowScratch(Math.Max(widest, limits.SentenceLength));
        PlanAttention(limits);
        PlanPairs(limits);
        if (limits.Backward)
        {
            _columnSums.Reserve(limits.Tokens, Math.Max(3 * limits.Hidden, widest), 1);
            _columnSums.Reserve(limits.Tokens, limits.Hidden, 3);
            NativeBuffer.Grow(ref _linearGradient, (long)limits.Tokens * limits.Hidden);
            TokenGroups.Reserve(ref _tokenGroups, limits.Tokens);
        }
    }

    public void Write(Tensor destination, ReadOnlySpan<float> source)
    {
        Written(destination);
        if (destination.Type == ElementType.Float32)
        {
            source.CopyTo(new Span<float>(destination.Floats(), source.Length));
            return;
        }

        BFloat16Conversion.Narrow(source, new Span<ushort>((void*)destination.Address, source.Length));
    }

    public void Write(Tensor destination, ReadOnlySpan<int> source) => source.CopyTo(new Span<int>(destination.Integers(), source.Length));

    public void Read(Tensor source, Span<float> destination)
    {
        if (source.Type == ElementType.Float32)
        {
            new ReadOnlySpan<float>(source.Floats(), destination.Length).CopyTo(destination);
            return;
        }

        ushort* upper = (ushort*)source.Address;
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
        }
    }

    public void Copy(Tensor source, Tensor destination)
    {
        Written(destination);
        NativeMemory.Copy((void*)source.Address, (void*)destination.Address, (nuint)source.Bytes);
    }

    public void Fill(Tensor destination, float value)
    {
        Written(destination);
        if (destination.Type == ElementType.Float32)
        {
            FillFloats(destination.Floats(), destination.Length, value);
            return;
        }

        ushort upper = BFloat16Conversion.Narrow(value);
        ushort* elements = (ushort*)destination.Address;
        for (long i = 0; i < destination.Length; i++)
        {
            elements[i] = upper;
        }
    }

    public DeviceBatch Upload(PackedBatch batch) => _staging.Upload(batch);

    public bool BeginStep(in StepKey key) => true;

    public void EndStep()
    {
    }

    public void PublishWeights(Tensor weights) => _packedWeights.Publish(weights);

    public void GradientReady(Tensor gradient)
    {
    }

    public void Dispose()
    {
        _gemm.Dispose();
        _packedWeights.Dispose();
        _columnSums.Dispose();
        _staging.Dispose();
        _rows?.Dispose();
        _tokenGroups?.Dispose();
        _linearGradient?.Dispose();
        _attention?.Dispose();
        _units?.Dispose();
        _similarities?.Dispose();
        _queryLosses?.Dispose();
        _blockSums?.Dispose();
        _pairFeatures?.Dispose();
        _pairs?.Dispose();
    }

    /// <summary>Memory has been written from outside of the operations: what is known of its contents no longer holds.</summary>
    private void Written(Tensor destination)
    {
        _tableGradients.Forget(destination);
        _idleMoments.Forget(destination);
    }

    private static void FillFloats(float* elements, long count, float value)
    {
        for (long done = 0; done < count;)
        {
            int length = (int)Math.Min(count - done, 1 << 30);
            new Span<float>(elements + done, length).Fill(value);
            done += length;
        }
    }

    /// <summary>A row of floats for each thread, one behind the other at this distance.</summary>
    private float* RowScratch(int width) => NativeBuffer.Grow(ref _rows, (long)width * _threads.Count);
}
