using System.Diagnostics;
using System.Globalization;
using MnrEngine.Kernels.Cpu;

namespace MnrEngine.Kernels.Bench;

/// <summary>
/// Times the matrix products of a training step (forward, and both of the backward pass) beside the fused-multiply-add peak of the same threads and
/// beside OpenBLAS. All take turns, so that what else the machine is doing falls on each of them; what is printed is best over best.
/// </summary>
internal static unsafe class GemmBench<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    private const int Attempts = 40;

    // (outputs, inputs): the four linear layers of a block of MiniLM and of BERT-base.
    private static readonly (int Outputs, int Inputs)[] Shapes =
        [(1152, 384), (384, 384), (1536, 384), (384, 1536), (2304, 768), (768, 768), (3072, 768), (768, 3072)];

    public static void Run(CpuThreads threads, int tokens)
    {
        OpenBlas? peer = OpenBlas.Load(threads.Count);
        Console.WriteLine($"{TVector.InstructionSet.Name()}, {threads.Count} threads, {tokens} tokens; peer: {peer?.Description ?? "no OpenBLAS found"}");
        Console.WriteLine("outputs x inputs   product      GFLOP/s   of peak   OpenBLAS   ratio");
        foreach ((int outputs, int inputs) in Shapes)
        {
            using NativeBuffer x = Numbers(tokens * inputs);
            using NativeBuffer w = Numbers(outputs * inputs);
            using NativeBuffer y = Numbers(tokens * outputs);
            MatrixView input = new(x.Floats, tokens, inputs);
            MatrixView weight = new(w.Floats, outputs, inputs);
            MatrixView output = new(y.Floats, tokens, outputs);
            using Gemm<TVector> gemm = new(threads);
            string shape = $"{outputs,7} x {inputs,-6}";
            Time(threads, peer, gemm, $"{shape}   y = x W^T ", input, weight.Transposed, output);
            Time(threads, peer, gemm, $"{shape}   dx = dy W ", output, weight, input);
            Time(threads, peer, gemm, $"{shape}   dW = dy^T x", output.Transposed, input, weight);
        }
    }

    private static void Time(CpuThreads threads, OpenBlas? peer, Gemm<TVector> gemm, string name, MatrixView left, MatrixView right, MatrixView result)
    {
        double operations = 2.0 * left.Rows * left.Columns * right.Columns;
        double best = 0;
        double peerBest = 0;
        double peak = 0;
        gemm.Multiply(left, right, result);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            peak = Math.Max(peak, FmaPeak.Measure(threads, TVector.InstructionSet));
            best = Math.Max(best, operations / Seconds(() => gemm.Multiply(left, right, result)));
            if (peer is not null)
            {
                peerBest = Math.Max(peerBest, operations / Seconds(() => peer.Multiply(left, right, result)));
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-30} {best / 1e9,9:F1} {best / peak,9:P1} {peerBest / 1e9,10:F1} {(peerBest > 0 ? best / peerBest : 0),7:F2}"));
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
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
