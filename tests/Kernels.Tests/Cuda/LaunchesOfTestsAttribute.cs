using System.Diagnostics;
using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Tests.Cuda;
using NUnit.Framework;
using NUnit.Framework.Interfaces;

[assembly: LaunchesOfTests]

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>
/// With MNR_LAUNCHES=FILE, notes in the file which kernels each test launched, as lines of test, milliseconds and kernels, with tabs between them; a line of the test <c>*</c> names all kernels that
/// the engine has. tools/gpu-check/sanitizer.sh counts with it, and sanitizer_tests.py chooses with it. What other tests started before (one implementation is kept for all) is not in a test's line.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class LaunchesOfTestsAttribute : Attribute, ITestAction
{
    private static readonly string? File = Environment.GetEnvironmentVariable("MNR_LAUNCHES");

    private static int s_found;

    private long _start;

    /// <inheritdoc/>
    public ActionTargets Targets => ActionTargets.Test;

    /// <inheritdoc/>
    public void BeforeTest(ITest test)
    {
        if (File is { Length: > 0 })
        {
            KernelUse.Found ??= [];
            KernelUse.Launched = [];
            _start = Stopwatch.GetTimestamp();
        }
    }

    /// <inheritdoc/>
    public void AfterTest(ITest test)
    {
        ArgumentNullException.ThrowIfNull(test);
        if (File is not { Length: > 0 } || KernelUse.Launched!.IsEmpty || TestContext.CurrentContext.Result.Outcome.Status != TestStatus.Passed)
        {
            return;
        }

        string line = $"{test.FullName}\t{Stopwatch.GetElapsedTime(_start).TotalMilliseconds:F0}\t{Names(KernelUse.Launched)}\n";
        if (s_found != KernelUse.Found!.Count)
        {
            s_found = KernelUse.Found.Count;
            line = $"*\t0\t{Names(KernelUse.Found)}\n{line}";
        }

        System.IO.File.AppendAllText(File, line);
    }

    private static string Names(IEnumerable<KeyValuePair<string, bool>> kernels) => string.Join(' ', kernels.Select(static kernel => kernel.Key).Order(StringComparer.Ordinal));
}
