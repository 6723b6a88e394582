using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Linear layers and what is fused to them:
/// <code>
/// z = x W^T + b;  y = f(z)
/// dz = dy f'(z);  dW = dz^T x;  db = sum over rows of dz;  dx = dz W
/// </code>
/// The product begins with the bias; the activation is its epilogue. LayerNorm has to see a whole row, so dropout, residual and LayerNorm are one sweep over
/// the rows behind the product.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private NativeBuffer? _linearGradient;

    public void Linear(Tensor input, in LinearParameters parameters, Tensor output) =>
        MultiplyForward(input, parameters, output, default(NoEpilogue));

    public void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        if (!parameters.Bias.IsNone && outputGradient.Columns <= ExactSums.MostElements)
        {
            ExactSums.Columns(outputGradient.Matrix(), parameters.Bias.Gradient.Floats(), accumulate);
        }
        else if (!parameters.Bias.IsNone)
        {
            _columnSums.Sum(outputGradient.Floats(), outputGradient.Rows, outputGradient.Columns, parameters.Bias.Gradient.Floats(), accumulate);
        }

        MultiplyBackward(input, parameters, outputGradient.Floats(), inputGradient, addToInputGradient, accumulate);
    }

    public void LinearActivation(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor output)
    {
        switch (activation)
        {
            case Activation.Gelu:
                LinearActivation<Gelu<TVector>>(input, parameters, preactivation, output);
                break;
            case Activation.GeluTanh:
                LinearActivation<GeluTanh<TVector>>(input, parameters, preactivation, output);
                break;
            case Activation.Relu:
                LinearActivation<Relu<TVector>>(input, parameters, preactivation, output);
                break;
            case Activation.Tanh:
                LinearActivation<Tanh<TVector>>(input, parameters, preactivation, output);
                break;
            case Activation.Sigmoid:
                LinearActivation<Sigmoid<TVector>>(input, parameters, preactivation, output);
                break;
            default:
                LinearActivation<Identity<TVector>>(input, parameters, preactivation, output);
                break;
        }
    }

    public void LinearActivationBackward(
        Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        switch (activation)
        {
            case Activation.Gelu:
                PreactivationGradient<Gelu<TVector>>(preactivation, outputGradient);
                break;
            case Activation.GeluTanh:
                PreactivationGradient<GeluTanh<TVector>>(preactivation, outputGradient);
                break;
            case Activation.Relu:
                PreactivationGradient<Relu<TVector>>(preactivation, outputGradient);
                break;
            case Activation.Tanh:
                PreactivationGradient<Tanh<TVector>>(preactivation, outputGradient);
                break;
            case Activation.Sigmoid:
                PreactivationGradient<Sigmoid<TVector>>(preactivation, outputGradient);
                break;
            default:
                PreactivationGradient<Identity<TVector>>(preactivation, outputGradient);
                break;
        }

        if (!parameters.Bias.IsNone && outputGradient.Columns <= ExactSums.MostElements)
        {
            ExactSums.Columns(outputGradient.Matrix(), parameters.Bias.Gradient.Floats(), accumulate);
        }
        else if (!parameters.Bias.IsNone)
        {
            _columnSums.AddBlocks(0, parameters.Bias.Gradient.Floats(), accumulate);
        }

        MultiplyBackward(input, parameters, outputGradient.Floats(), inputGradient, addToInputGradient, accumulate);
    }

    public void LinearDropoutAddNorm(
        Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output)
    {
        MultiplyForward(input, linear, output, default(NoEpilogue));
        DropoutAddNormJob job = new(
            output.Floats(), output.Columns, new DropoutFactors(dropout), RowScratch(output.Columns), residual.Floats(),
            norm.Weight.Value.Floats(), norm.Bias.Value.Floats(), norm.Epsilon, normalized.Floats(), inverseDeviation.Floats());
        _threads.Run(job, output.Rows, LeastElements / output.Columns);
    }

    public void LinearDropoutAddNormBackward(
        Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation,
        Tensor outputGradient, Tensor inputGradient, Tensor residualGradient, bool accumulate)
    {
        int rows = outputGradient.Rows;
        int columns = outputGradient.Columns;
        float* linearGradient = dropout.IsActive ? NativeBuffer.Grow(ref _linearGradient, outputGradient.Length) : residualGradient.Floats();
        DropoutAddNormBackwardJob job = new(
            outputGradient.Floats(), rows, columns, normalized.Floats(), inverseDeviation.Floats(), norm.Weight.Value.Floats(), new DropoutFactors(dropout),
            RowScratch(columns), residualGradient.Floats(), linearGradient, _columnSums.Reserve(rows, columns, 3));
        _threads.Run(job, ColumnSums<TVector>.Blocks(rows));
        _columnSums.AddBlocks(0, norm.Weight.Gradient.Floats(), accumulate);
        _columnSums.AddBlocks(1, norm.Bias.Gradient.Floats(), accumulate);
        if (!linear.Bias.IsNone)
        {
            _columnSums.AddBlocks(2, linear.Bias.Gradient.Floats(), accumulate);
        }

        MultiplyBackward(input, linear, linearGradient, inputGradient, addToInputGradient: false, accumulate);
    }

    /// <summary>output = epilogue(x W^T + b), with the weight as it is kept packed, if it is.</summary>
    private void MultiplyForward<TEpilogue>(Tensor input, in LinearParameters parameters, Tensor output, in TEpilogue epilogue)
        where TEpilogue : struct, IGemmEpilogue
    {
        Tensor weight = parameters.Weight.Value;
        float* bias = parameters.Bias.Value.Floats();
        if (_packedWeights.TransposeOf(weight) is PackedMatrix<TVector> packed)
        {
            _gemm.Multiply(input.Matrix(), packed, output.Matrix(), accumulate: false, bias, epilogue);
        }
        else
        {
            _gemm.Multiply(input.Matrix(), weight.Matrix().Transposed, output.Matrix(), accumulate: false, bias, epilogue);
        }
    }

    private void MultiplyBackward(Tensor input, in LinearParameters parameters, float* outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate)
    {
        Tensor weight = parameters.Weight.Value;
        MatrixView gradient = new(outputGradient, input.Rows, weight.Rows);
        if (weight.Length <= ExactSums.MostElements)
        {
            ExactSums.Product(gradient.Transposed, input.Matrix(), parameters.Weight.Gradient.Matrix(), accumulate);
        }
        else
        {
            _gemm.Multiply(gradient.Transposed, input.Matrix(), parameters.Weight.Gradient.Matrix(), accumulate);
        }

        if (!inputGradient.IsNone)
        {
            _gemm.Multiply(gradient, weight.Matrix(), inputGradient.Matrix(), addToInputGradient);
        }
    }

    private void LinearActivation<TFunction>(Tensor input, in LinearParameters parameters, Tensor preactivation, Tensor output)
        where TFunction : struct, IActivationFunction<TVector> =>
        MultiplyForward(input, parameters, output, new ActivationEpilogue<TVector, TFunction>(preactivation.Floats(), output.Columns));

    /// <summary>dy becomes dz, whose sums over blocks of rows are left in the column sums.</summary>
    private void PreactivationGradient<TFunction>(Tensor preactivation, Tensor gradient)
        where TFunction : struct, IActivationFunction<TVector>
    {
        float* sums = _columnSums.Reserve(gradient.Rows, gradient.Columns, 1);
        _threads.Run(
            new ActivationBackwardJob<TFunction>(preactivation.Floats(), gradient.Floats(), gradient.Rows, gradient.Columns, sums),
            ColumnSums<TVector>.Blocks(gradient.Rows));
    }

    private readonly struct ActivationBackwardJob<TFunction>(float* preactivation, float* gradient, int rows, int columns, float* sums) : IRangeJob
        where TFunction : struct, IActivationFunction<TVector>
    {
        private readonly float* _preactivation = preactivation;
        private readonly float* _gradient = gradient;
        private readonly float* _sums = sums;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            for (int block = start; block < end; block++)
            {
                float* sums = _sums + (nint)block * columns;
                new Span<float>(sums, columns).Clear();
                for (int row = block * ColumnSums<TVector>.BlockRows; row < Math.Min((block + 1) * ColumnSums<TVector>.BlockRows, rows); row++)
                {
                    float* z = _preactivation + (nint)row * columns;
                    float* dy = _gradient + (nint)row * columns;
                    for (int i = 0; i < columns; i += TVector.Count)
                    {
                        int remaining = columns - i;
                        TVector dz = Lanes.Load<TVector>(dy + i, remaining) * TFunction.Derivative(Lanes.Load<TVector>(z + i, remaining));
                        Lanes.Store(dz, dy + i, remaining);
                        Lanes.Store(Lanes.Load<TVector>(sums + i, remaining) + dz, sums + i, remaining);
                    }
                }
            }
        }
    }

    /// <summary>Rows of x W^T + b, in place, to LayerNorm(dropout(x W^T + b) + residual).</summary>
    private readonly struct DropoutAddNormJob(
        float* output, int columns, DropoutFactors dropout, float* scratch, float* residual,
        float* weight, float* normBias, float epsilon, float* normalized, float* inverseDeviation) : IRangeJob
    {
        private readonly float* _output = output;
        private readonly float* _scratch = scratch;
        private readonly float* _residual = residual;
        private readonly float* _weight = weight;
        private readonly float* _normBias = normBias;
        private readonly float* _normalized = normalized;
        private readonly float* _inverseDeviation = inverseDeviation;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            float* factors = _scratch + (nint)thread * columns;
            for (int row = start; row < end; row++)
            {
                nint offset = (nint)row * columns;
                float* z = _output + offset;
                float* residual = _residual + offset;
                if (dropout.IsActive)
                {
                    dropout.Fill<TVector>(offset, columns, factors);
                }

                TVector sum = TVector.Zero;
                for (int i = 0; i < columns; i += TVector.Count)
                {
                    int remaining = columns - i;
                    TVector value = Lanes.Load<TVector>(z + i, remaining);
                    if (dropout.IsActive)
                    {
                        value *= Lanes.Load<TVector>(factors + i, remaining);
                    }

                    value += Lanes.Load<TVector>(residual + i, remaining);
                    Lanes.Store(value, z + i, remaining);
                    sum += value;
                }

                float* normalized = _normalized == null ? null : _normalized + offset;
                float inverse = LayerNormRow<TVector>.Forward(z, columns, sum, _weight, _normBias, epsilon, normalized);
                if (_inverseDeviation != null)
                {
                    _inverseDeviation[row] = inverse;
                }
            }
        }
    }

    /// <summary>Blocks of rows of dy to the gradients of the residual and of the linear result, and to the sums for LayerNorm's parameters and the bias.</summary>
    private readonly struct DropoutAddNormBackwardJob(
        float* gradient, int rows, int columns, float* normalized, float* inverseDeviation, float* weight, DropoutFactors dropout,
        float* scratch, float* residualGradient, float* linearGradient, float* sums) : IRangeJob
    {
        private readonly float* _gradient = gradient;
        private readonly float* _normalized = normalized;
        private readonly float* _inverseDeviation = inverseDeviation;
        private readonly float* _weight = weight;
        private readonly float* _scratch = scratch;
        private readonly float* _residualGradient = residualGradient;
        private readonly float* _linearGradient = linearGradient;
        private readonly float* _sums = sums;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            float* factors = _scratch + (nint)thread * columns;
            for (int block = start; block < end; block++)
            {
                float* weightSums = _sums + 3 * (nint)block * columns;
                float* normBiasSums = weightSums + columns;
                float* biasSums = normBiasSums + columns;
                new Span<float>(weightSums, 3 * columns).Clear();
                for (int row = block * ColumnSums<TVector>.BlockRows; row < Math.Min((block + 1) * ColumnSums<TVector>.BlockRows, rows); row++)
                {
                    nint offset = (nint)row * columns;
                    float* residualGradient = _residualGradient + offset;
                    float* linearGradient = _linearGradient + offset;
                    LayerNormRow<TVector>.Backward(
                        _gradient + offset, _normalized + offset, _inverseDeviation[row], _weight, columns, weightSums, normBiasSums, residualGradient);
                    if (dropout.IsActive)
                    {
                        dropout.Fill<TVector>(offset, columns, factors);
                    }

                    for (int i = 0; i < columns; i += TVector.Count)
                    {
                        int remaining = columns - i;
                        TVector dz = Lanes.Load<TVector>(residualGradient + i, remaining);
                        if (dropout.IsActive)
                        {
                            dz *= Lanes.Load<TVector>(factors + i, remaining);
                            Lanes.Store(dz, linearGradient + i, remaining);
                        }

                        Lanes.Store(Lanes.Load<TVector>(biasSums + i, remaining) + dz, biasSums + i, remaining);
                    }
                }
            }
        }
    }
}
