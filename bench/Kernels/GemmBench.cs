using System.Diagnostics;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Bench;

/// <summary>
/// Times the matrix products of a MiniLM step beside the fused-multiply-add peak of the same threads. Peak and product take turns, so that
/// what else the machine is doing falls on both; the share printed is best over best.
/// </summary>
internal static unsafe class GemmBench<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const int Attempts = 40;

    public static void Run(CpuThreads threads, int tokens)
    {
        Console.WriteLine($"{TVector.InstructionSet.Name()}, {threads.Count} threads, {tokens} tokens");
        foreach ((int outputs, int inputs) in ((int, int)[])[(1152, 384), (384, 384), (1536, 384), (384, 1536)])
        {
            using NativeBuffer x = Numbers(tokens * inputs);
            using NativeBuffer w = Numbers(outputs * inputs);
            using NativeBuffer y = Numbers(tokens * outputs);
            MatrixView input = new(x.Floats, tokens, inputs);
            MatrixView weight = new(w.Floats, outputs, inputs);
            MatrixView output = new(y.Floats, tokens, outputs);
            using Gemm<TVector> gemm = new(threads);
            using PackedMatrix<TVector> packed = new();
            string shape = $"{outputs,5} x {inputs,-5}";
            Time(threads, $"{shape} y = x W^T       ", input, weight.Transposed, () => gemm.Multiply(input, weight.Transposed, output));
            packed.Pack(weight.Transposed, threads);
            Time(threads, $"{shape} y = x W^T packed", input, weight.Transposed, () => gemm.Multiply(input, packed, output, false, default(NoEpilogue)));
            Time(threads, $"{shape} dx = dy W       ", output, weight, () => gemm.Multiply(output, weight, input));
            packed.Pack(weight, threads);
            Time(threads, $"{shape} dx = dy W packed", output, weight, () => gemm.Multiply(output, packed, input, false, default(NoEpilogue)));
            Time(threads, $"{shape} dW = dy^T x     ", output.Transposed, input, () => gemm.Multiply(output.Transposed, input, weight));
        }
    }

    private static void Time(CpuThreads threads, string name, MatrixView left, MatrixView right, Action multiply)
    {
        double operations = 2.0 * left.Rows * left.Columns * right.Columns;
        double best = 0;
        double peak = 0;
        multiply();
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            peak = Math.Max(peak, FmaPeak.Measure(threads, TVector.InstructionSet));
            long start = Stopwatch.GetTimestamp();
            multiply();
            best = Math.Max(best, operations / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Console.WriteLine($"{name} {best / 1e9,7:F1} GFLOP/s of {peak / 1e9,6:F1}: {best / peak,6:P1}");
    }

    private static NativeBuffer Numbers(int count)
    {
        NativeBuffer buffer = new((nuint)count * sizeof(float));
        Random random = new(1);
        for (int i = 0; i < count; i++)
        {
            buffer.Floats[i] = random.NextSingle() - 0.5f;
        }

        return buffer;
    }
}
