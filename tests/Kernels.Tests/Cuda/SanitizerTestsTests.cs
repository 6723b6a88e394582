using System.Diagnostics;
using System.Runtime.Versioning;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>tools/gpu-check/sanitizer-tests.txt, which compute-sanitizer runs on a GPU: its tests launch every kernel that the engine has.</summary>
[Platform("Linux")]
[SupportedOSPlatform("linux")]
internal sealed class SanitizerTestsTests
{
    private static string? Root => Fixtures.RepositoryRoot;

    [Test]
    public void TheyLaunchEveryKernel()
    {
        Assume.That(Root, Is.Not.Null, "the list is in the repository");
        Assume.That(Environment.GetEnvironmentVariable(CudaTarget.Variable), Is.Null.Or.Empty.Or.EqualTo("host"), "they are counted on the host");
        Assume.That(HostCuda.Folder, Is.Not.Null, HostCuda.Reason);
        string list = Path.Combine(Root!, "tools", "gpu-check", "sanitizer-tests.txt");
        int tests = File.ReadLines(list).Count(static line => !line.StartsWith('#'));

        string launches = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            string filter = Output("bash", [Path.Combine(Root!, "tools", "gpu-check", "sanitizer_filter.sh"), "host"]);
            string said = Output(
                Path.Combine(AppContext.BaseDirectory, "MnrEngine.Kernels.Tests"), ["--filter", filter.Trim()], ("MNR_LAUNCHES", launches), (CudaTarget.Variable, "host"));

            Assert.That(said, Does.Match($@"succeeded: {tests}\b"), $"a test of {list} is not there, or does not pass");
            string[][] lines = [.. File.ReadLines(launches).Select(static line => line.Split('\t'))];
            IEnumerable<string> Kernels(bool all) => lines.Where(line => line[0] == "*" == all).SelectMany(static line => line[2].Split(' ')).Distinct();
            Assert.That(Kernels(all: true), Has.Some.EndsWith("_bf16").And.Some.EndsWith("_f32"));
            Assert.That(Kernels(all: true).Except(Kernels(all: false)), Is.Empty, "kernels that no test of the list launches: sanitizer_tests.py says how it is made anew");
        }
        finally
        {
            File.Delete(launches);
        }
    }

    private static string Output(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string inherited in start.Environment.Keys.Where(static name => name.StartsWith("TESTINGPLATFORM", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(inherited);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, output + error.Result);
        return output;
    }
}
