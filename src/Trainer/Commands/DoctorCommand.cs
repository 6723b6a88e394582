using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using MnrEngine.Kernels.Cpu;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary><c>doctor</c>: what this machine has that matters here.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        Option<int> threads = new("--threads") { Description = "Threads to measure with; 0 for one a core." };
        Command command = new("doctor", "Says what hardware and libraries were found.") { threads };
        command.SetAction(parsed => Run(parsed.GetValue(threads), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(int threads, TextWriter output)
    {
        if (threads is < 0 or > 4096)
        {
            throw new InputException($"--threads is {threads}, but has to be from 0 to 4096");
        }

        foreach ((string what, string found) in Findings(threads))
        {
            output.WriteLine($"{what,-18}{found}");
        }

        foreach ((string what, string found) in CudaSupport.Findings())
        {
            output.WriteLine($"{what,-18}{found}");
        }

        output.WriteLine(CudaSupport.Sentence());
    }

    private static IEnumerable<(string What, string Found)> Findings(int threads)
    {
        yield return ("program", typeof(DoctorCommand).Assembly.GetName().Version!.ToString(3));
        yield return ("system", $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}");
        yield return ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        yield return ("processor", CpuName.Find());
        yield return ("threads", $"{Environment.ProcessorCount} that this process may use");
        yield return ("instructions", Instructions());
        yield return ("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:0.0} GB"));
        using CpuThreads pool = new(threads);
        yield return ("multiply-add peak", string.Create(CultureInfo.InvariantCulture, $"{FmaPeak.Measure(pool) / 1e9:N0} GFLOP/s in single precision with {pool.Count} threads"));
    }

    private static string Instructions()
    {
        CpuInstructionSet[] all = [CpuInstructionSet.Avx512, CpuInstructionSet.Avx2, CpuInstructionSet.Portable];
        return $"{CpuInstructionSets.Selected().Name()} is used, of {string.Join(", ", all.Where(CpuInstructionSets.IsSupported).Select(static set => set.Name()))} ({CpuInstructionSets.OverrideVariable} chooses)";
    }
}
