using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Rows divided by their length:
/// <code>
/// y = x / max(|x|, 1e-12);  dx = (dy - y (y . dy)) / |x|
/// </code>
/// A row shorter than the limit has no direction and passes no gradient. The rows of x may be longer than those of y: only their first elements count.
/// </summary>
internal sealed unsafe partial class CpuOperations<TVector>
{
    private const float ShortestLength = 1e-12f;

    public void Normalize(Tensor input, Tensor length, Tensor output) =>
        Normalize(input.Floats(), input.Rows, input.Columns, length.Floats(), output.Floats());

    public void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient) =>
        NormalizeBackward(output.Floats(), output.Rows, output.Columns, length.Floats(), outputGradient.Floats(), inputGradient.Floats());

    public void TruncateNormalize(Tensor input, Tensor length, Tensor output) =>
        _threads.Run(new NormalizeJob(input.Floats(), input.Columns, output.Columns, length.Floats(), output.Floats()), input.Rows, LeastElements / output.Columns);

    public void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient) =>
        _threads.Run(
            new NormalizeBackwardJob(
                output.Floats(), output.Columns, length.Floats(), outputGradient.Floats(), inputGradient.Floats(), inputGradient.Columns, addToInputGradient),
            output.Rows, LeastElements / output.Columns);

    private void Normalize(float* input, int rows, int columns, float* length, float* output) =>
        _threads.Run(new NormalizeJob(input, columns, columns, length, output), rows, LeastElements / columns);

    private void NormalizeBackward(float* output, int rows, int columns, float* length, float* outputGradient, float* inputGradient) =>
        _threads.Run(new NormalizeBackwardJob(output, columns, length, outputGradient, inputGradient, columns, add: false), rows, LeastElements / columns);

    private static float Dot(float* left, float* right, int columns)
    {
        TVector sum = TVector.Zero;
        for (int i = 0; i < columns; i += TVector.Count)
        {
            int remaining = columns - i;
            sum = TVector.MultiplyAdd(Lanes.Load<TVector>(left + i, remaining), Lanes.Load<TVector>(right + i, remaining), sum);
        }

        return TVector.Sum(sum);
    }

    private readonly struct NormalizeJob(float* input, int stride, int columns, float* length, float* output) : IRangeJob
    {
        private readonly float* _input = input;
        private readonly float* _length = length;
        private readonly float* _output = output;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            for (int row = start; row < end; row++)
            {
                float* x = _input + (nint)row * stride;
                float* y = _output + (nint)row * columns;
                float length = MathF.Sqrt(Dot(x, x, columns));
                if (_length != null)
                {
                    _length[row] = length;
                }

                TVector divisor = TVector.Broadcast(MathF.Max(length, ShortestLength));
                for (int i = 0; i < columns; i += TVector.Count)
                {
                    int remaining = columns - i;
                    Lanes.Store(Lanes.Load<TVector>(x + i, remaining) / divisor, y + i, remaining);
                }
            }
        }
    }

    private readonly struct NormalizeBackwardJob(float* output, int columns, float* length, float* outputGradient, float* inputGradient, int stride, bool add) : IRangeJob
    {
        private readonly float* _output = output;
        private readonly float* _length = length;
        private readonly float* _outputGradient = outputGradient;
        private readonly float* _inputGradient = inputGradient;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int thread, int start, int end)
        {
            for (int row = start; row < end; row++)
            {
                float* y = _output + (nint)row * columns;
                float* dy = _outputGradient + (nint)row * columns;
                float* dx = _inputGradient + (nint)row * stride;
                if (!add)
                {
                    new Span<float>(dx + columns, stride - columns).Clear();
                }

                if (_length[row] < ShortestLength)
                {
                    if (!add)
                    {
                        new Span<float>(dx, columns).Clear();
                    }

                    continue;
                }

                TVector along = TVector.Broadcast(Dot(y, dy, columns));
                TVector length = TVector.Broadcast(_length[row]);
                for (int i = 0; i < columns; i += TVector.Count)
                {
                    int remaining = columns - i;
                    TVector gradient = (Lanes.Load<TVector>(dy + i, remaining) - Lanes.Load<TVector>(y + i, remaining) * along) / length;
                    Lanes.Store(add ? Lanes.Load<TVector>(dx + i, remaining) + gradient : gradient, dx + i, remaining);
                }
            }
        }
    }
}
