using MnrEngine.Kernels.Cuda.Interop;

namespace MnrEngine.Kernels.Cuda;

/// <summary>Linear layers: products by cuBLASLt, and what stands around them (Native/activation.cuh, Native/layer_norm.cuh).</summary>
public sealed unsafe partial class CudaKernels
{
    private const int WarpThreads = 32;
    private const int MostNormWarps = 4;

    /// <summary>What a block may have of shared memory without asking for more.</summary>
    private const int ModestSharedBytes = 48 * 1024;

    /// <summary>Warps of a block of the kernels that sum columns, each of which takes rows of its own.</summary>
    private const int ColumnSumWarps = 8;

    /// <summary>Blocks that a grid may have along y.</summary>
    private const int MostGridRows = 65_535;

    /// <inheritdoc/>
    public void Linear(Tensor input, in LinearParameters parameters, Tensor output)
    {
        _operands.Linear(input, parameters, output);
        Tensor bias = parameters.Bias.Value;
        _products.Multiply(
            new ProductOperand(input), WeightOperand(parameters.Weight.Value, input.Type).Transposed, new ProductOperand(output), output.Rows, output.Columns, input.Columns,
            Computing(input.Type), bias.IsNone ? 0 : WeightOperand(bias, input.Type).Address);
    }

    /// <inheritdoc/>
    public void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        _operands.LinearBackward(input, parameters, outputGradient, inputGradient);
        if (!parameters.Bias.IsNone)
        {
            LaunchShape shape = ColumnSumShape(outputGradient.Rows, outputGradient.Columns, outputGradient.Type);
            nint partials = _workspace.Take(ColumnPartialBytes(shape, outputGradient.Columns));
            _context.Launch(_kernels.ColumnSums[outputGradient.Type], shape, outputGradient, partials, outputGradient.Rows, outputGradient.Columns);
            ReducePartials(partials, shape.GridY, 1, outputGradient.Columns, parameters.Bias.Gradient, Tensor.None, Tensor.None, accumulate);
        }

        ProductsBackward(input, parameters.Weight, new ProductOperand(outputGradient), inputGradient, addToInputGradient, accumulate);
    }

    /// <inheritdoc/>
    public void LinearActivation(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor output)
    {
        _operands.LinearActivation(input, parameters, activation, preactivation, output);
        Product(input, parameters.Weight.Value, output);
        long packs = (output.Length + PackOf(output) - 1) / PackOf(output);
        _context.Launch(
            _kernels.ActivationForward[output.Type], new LaunchShape(Blocks((packs + 255) / 256, 8), 256),
            output, parameters.Bias.Value, (int)activation, preactivation, output, output.Rows, output.Columns);
    }

    /// <inheritdoc/>
    public void LinearActivationBackward(
        Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        _operands.LinearActivationBackward(input, parameters, activation, preactivation, outputGradient, inputGradient);
        bool hasBias = !parameters.Bias.IsNone;
        LaunchShape shape = ColumnSumShape(outputGradient.Rows, outputGradient.Columns, outputGradient.Type);
        nint partials = hasBias ? _workspace.Take(ColumnPartialBytes(shape, outputGradient.Columns)) : 0;
        _context.Launch(
            _kernels.ActivationBackward[outputGradient.Type], shape,
            preactivation, (int)activation, outputGradient, partials, outputGradient.Rows, outputGradient.Columns);
        if (hasBias)
        {
            ReducePartials(partials, shape.GridY, 1, outputGradient.Columns, parameters.Bias.Gradient, Tensor.None, Tensor.None, accumulate);
        }

        ProductsBackward(input, parameters.Weight, new ProductOperand(outputGradient), inputGradient, addToInputGradient, accumulate);
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        _operands.LinearDropoutAddNorm(input, linear, dropout, residual, norm, normalized, inverseDeviation, output);
        Product(input, linear.Weight.Value, output);
        DropoutArguments mask = new(dropout);
        _context.Launch(
            _kernels.AddNormForward[output.Type], NormForwardShape(output.Rows, output.Columns),
            output, linear.Bias.Value, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, residual, norm.Weight.Value, norm.Bias.Value, norm.Epsilon, normalized, inverseDeviation,
            output, output.Rows, output.Columns);
    }

    /// <inheritdoc/>
    public void LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation,
        Tensor outputGradient, Tensor inputGradient, Tensor residualGradient, bool accumulate)
    {
        _operands.LinearDropoutAddNormBackward(input, linear, dropout, norm, normalized, inverseDeviation, outputGradient, inputGradient, residualGradient);
        int columns = outputGradient.Columns;
        LaunchShape shape = NormBackwardShape(outputGradient.Rows, columns);
        (nint linearGradient, nint partials) = _workspace.Take(outputGradient.Bytes, NormPartialBytes(shape, columns));
        DropoutArguments mask = new(dropout);
        _context.Launch(
            _kernels.AddNormBackward[outputGradient.Type], shape,
            outputGradient, normalized, inverseDeviation, norm.Weight.Value, mask.State, mask.Site, mask.KeepBelow, mask.KeepScale, residualGradient, linearGradient, partials,
            outputGradient.Rows, columns);
        ReducePartials(partials, shape.GridX, 3, columns, norm.Weight.Gradient, norm.Bias.Gradient, linear.Bias.Gradient, accumulate);
        ProductsBackward(input, linear.Weight, new ProductOperand(linearGradient, outputGradient.Type, columns), inputGradient, addToInputGradient: false, accumulate);
    }

    /// <summary>y = x W^T.</summary>
    private void Product(Tensor input, Tensor weight, Tensor output) =>
        _products.Multiply(
            new ProductOperand(input), WeightOperand(weight, input.Type).Transposed, new ProductOperand(output), output.Rows, output.Columns, input.Columns, Computing(input.Type));

    /// <summary>dW = dy^T x and dx = dy W.</summary>
    private void ProductsBackward(Tensor input, in Parameter weight, in ProductOperand outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        int outputs = weight.Value.Rows;
        _products.Multiply(
            outputGradient.Transposed, new ProductOperand(input), new ProductOperand(weight.Gradient), outputs, input.Columns, input.Rows, Computing(input.Type), adds: accumulate);
        if (!inputGradient.IsNone)
        {
            _products.Multiply(
                outputGradient, WeightOperand(weight.Value, input.Type), new ProductOperand(inputGradient), input.Rows, input.Columns, outputs, Computing(input.Type), adds: addToInputGradient);
        }
    }

    /// <summary>Weights as a product with inputs of a type reads them.</summary>
    private ProductOperand WeightOperand(Tensor weight, ElementType inputs) =>
        inputs == ElementType.BFloat16 ? new ProductOperand(_halfWeights.Of(weight), ElementType.BFloat16, weight.Columns) : new ProductOperand(weight);

    private CublasComputeType Computing(ElementType inputs) => inputs == ElementType.BFloat16 ? CublasComputeType.Float32 : _layerProducts;

    /// <summary>Adds rows of partial sums in order, for up to three sums of the same width side by side.</summary>
    private void ReducePartials(nint partials, int count, int sums, int width, Tensor first, Tensor second, Tensor third, bool accumulate) =>
        _context.Launch(
            _kernels.ReducePartials, new LaunchShape(((sums * width) + WarpThreads - 1) / WarpThreads, 256),
            partials, count, sums * width, width, first, second, third, accumulate);

    /// <summary>A warp takes a row, which stands in shared memory as floats.</summary>
    private LaunchShape NormForwardShape(int rows, int columns)
    {
        int warps = Math.Clamp(ModestSharedBytes / (sizeof(float) * columns), 1, MostNormWarps);
        return new LaunchShape(Blocks((rows + warps - 1) / warps, 8), WarpThreads * warps, warps * columns * sizeof(float));
    }

    /// <summary>Beside its row, a warp keeps the sums of its rows for three parameters.</summary>
    private LaunchShape NormBackwardShape(int rows, int columns)
    {
        int warps = Math.Clamp(ModestSharedBytes / (4 * sizeof(float) * columns), 1, MostNormWarps);
        return new LaunchShape(Blocks((rows + warps - 1) / warps, 4), WarpThreads * warps, 4 * warps * columns * sizeof(float));
    }

    private static long NormPartialBytes(in LaunchShape shape, int columns) => (long)shape.GridX * 3 * columns * sizeof(float);

    /// <summary>
    /// A block takes 32 packs of columns and a slab of rows, so many slabs that the GPU is busy. Where columns are few, what one of them sums to may be little beside its terms: then each warp has
    /// one row, as far as a grid may be high, and all sums are the exact ones of reduce_partials.
    /// </summary>
    private LaunchShape ColumnSumShape(int rows, int columns, ElementType type)
    {
        int pack = 16 / type.Bytes();
        int columnsOfBlock = WarpThreads * (columns % pack == 0 ? pack : 1);
        int across = (columns + columnsOfBlock - 1) / columnsOfBlock;
        int mostSlabs = Math.Min((rows + ColumnSumWarps - 1) / ColumnSumWarps, MostGridRows);
        int slabs = columns <= MatrixProducts.MostSmallElements ? mostSlabs : Math.Clamp(_context.Device.Multiprocessors * 4 / across, 1, mostSlabs);
        return new LaunchShape(across, slabs, 1, WarpThreads * ColumnSumWarps, 0);
    }

    private static long ColumnPartialBytes(in LaunchShape shape, int columns) => (long)shape.GridY * columns * sizeof(float);

    /// <summary>Elements that a thread takes at a time.</summary>
    private static int PackOf(Tensor tensor) => 16 / tensor.Type.Bytes() is int pack && tensor.Columns % pack == 0 ? pack : 1;

    /// <summary>The workspace of the largest operation of a backward pass through layers.</summary>
    private long BackwardBytes(in StepLimits limits, int rows)
    {
        int widest = Math.Max(limits.Hidden, limits.Intermediate);
        long norm = Memory.Workspace.Padded((long)rows * limits.Hidden * ActivationType.Bytes()) + NormPartialBytes(NormBackwardShape(rows, limits.Hidden), limits.Hidden);
        long activation = ColumnPartialBytes(ColumnSumShape(rows, widest, ActivationType), widest);
        long columns = ColumnPartialBytes(ColumnSumShape(rows, 3 * limits.Hidden, ActivationType), 3 * limits.Hidden);
        long attention = Memory.Workspace.Padded((long)rows * limits.Heads * sizeof(float)) + MostBiasCopyBytes;
        return Math.Max(Math.Max(norm, activation), Math.Max(columns, attention));
    }
}
