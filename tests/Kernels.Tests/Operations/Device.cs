namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The kernels under test and an arena: uploads operands, reads results back.</summary>
internal sealed class Device : IDisposable
{
    public const long UsualBytes = 16L << 20;

    private readonly DeviceArena _arena;
    private readonly bool _ownsKernels;

    public Device(KernelTarget target, long bytes = UsualBytes)
        : this(target.Create(), ownsKernels: !target.IsCuda, bytes)
    {
    }

    public Device(IKernels kernels, bool ownsKernels = true, long bytes = UsualBytes)
    {
        Kernels = kernels;
        _ownsKernels = ownsKernels;
        _arena = kernels.CreateArena("test", bytes);
    }

    public IKernels Kernels { get; }

    /// <summary>A Float32 tensor that holds something an operation has to overwrite.</summary>
    public Tensor Output(int rows, int columns)
    {
        Tensor tensor = _arena.Allocate(ElementType.Float32, rows, columns);
        Kernels.Fill(tensor, float.NaN);
        return tensor;
    }

    public Tensor Float(float[] values, int rows, int columns)
    {
        Tensor tensor = _arena.Allocate(ElementType.Float32, rows, columns);
        Kernels.Write(tensor, values);
        return tensor;
    }

    public Tensor Float(Array2 values) => Float(values.Floats(), values.Rows, values.Columns);

    public Tensor Integers(int[] values)
    {
        Tensor tensor = _arena.Allocate(ElementType.Int32, 1, values.Length);
        Kernels.Write(tensor, values);
        return tensor;
    }

    public Tensor Scalar(float value) => Float([value], 1, 1);

    public Tensor Zeros(int rows, int columns) => Float(new Array2(rows, columns));

    /// <summary>A tensor of activations in the type that the kernels keep them in, rounded to it.</summary>
    public Tensor Activations(Array2 values)
    {
        Tensor tensor = _arena.Allocate(Kernels.ActivationType, values.Rows, values.Columns);
        Kernels.Write(tensor, values.Floats());
        return tensor;
    }

    /// <summary>Activations that hold something an operation has to overwrite.</summary>
    public Tensor ActivationOutput(int rows, int columns)
    {
        Tensor tensor = _arena.Allocate(Kernels.ActivationType, rows, columns);
        Kernels.Fill(tensor, float.NaN);
        return tensor;
    }

    /// <summary>A parameter whose weights have been published.</summary>
    public Parameter PublishedParameter(Array2 values)
    {
        Parameter parameter = Parameter(values);
        Kernels.PublishWeights(parameter.Value);
        return parameter;
    }

    /// <summary>A parameter with a gradient that holds something.</summary>
    public Parameter Parameter(Array2 values) => new(Float(values), Output(values.Rows, values.Columns));

    public Dropout Dropout(float probability, int site, ulong seed, int step)
    {
        if (probability == 0)
        {
            return MnrEngine.Kernels.Dropout.None;
        }

        Tensor state = _arena.Allocate(ElementType.Int32, 1, 4);
        Kernels.Write(state, [unchecked((int)seed), unchecked((int)(seed >> 32)), step, 0]);
        return new Dropout(probability, site, state);
    }

    /// <summary>Sentences of these lengths; their ids are drawn below <paramref name="vocabulary"/>.</summary>
    public DeviceBatch Batch(int[] lengths, int vocabulary = 1, int seed = 1)
    {
        Random random = new(seed);
        return Batch([.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(vocabulary)).ToArray())]);
    }

    public DeviceBatch Batch(int[][] sentences)
    {
        PackedBatch batch = new();
        foreach (int[] sentence in sentences)
        {
            batch.Add(sentence);
        }

        return Kernels.Upload(batch);
    }

    public Array2 Read(Tensor tensor)
    {
        float[] values = new float[tensor.Length];
        Kernels.Read(tensor, values);
        return new Array2(tensor.Rows, tensor.Columns, Array.ConvertAll(values, value => (double)value));
    }

    public void Dispose()
    {
        _arena.Dispose();
        if (_ownsKernels)
        {
            Kernels.Dispose();
        }
    }
}
