using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>
/// The scripts that build, with pretend tools that say what they were asked for. Those for PowerShell run where it was installed, as .ci/run does:
/// <c>dotnet tool install --tool-path out/pwsh PowerShell</c>.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed class BuildScriptTests : IDisposable
{
    private const string Publish = """
        echo dotnet "$@"
        [ "$1" != publish ] || { mkdir -p out/gpu-bundle/bin; for f in runtimeconfig deps; do echo . >out/gpu-bundle/bin/MnrEngine.Trainer.Tests.$f.json; done; }
        """;

    private readonly TemporaryFolder _folder = new();

    public BuildScriptTests()
    {
        Assume.That(Fixtures.RepositoryRoot, Is.Not.Null, "the scripts are in the repository");
        foreach (string file in (string[])["build.sh", "build.ps1", "tools/gpu-check/bundle_size.sh"])
        {
            Write(Path.Combine("repository", file), File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot!, file)));
        }

        Write("repository/tools/compile-kernels/run.sh", "#!/bin/sh\necho run.sh \"$@\"\n");
        Write("repository/.gitignore", "out/\n");
        Write("path/dotnet", "#!/bin/sh\n" + Publish);
        Write("path/cmake", "#!/bin/sh\necho cmake \"$@\"\n");
        Start("git", ["init", "-q", "."]);
    }

    private static string? PowerShell =>
        Path.Combine(Fixtures.RepositoryRoot!, "out", "pwsh") is string folder && Directory.Exists(folder)
            ? Directory.GetFiles(folder, "pwsh.dll", SearchOption.AllDirectories).FirstOrDefault(static file => file.Contains("/unix/", StringComparison.Ordinal))
            : null;

    private static string Dotnet => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    [TestCase]
    [TestCase("build")]
    [TestCase("test")]
    [TestCase("publish")]
    [TestCase("native")]
    [TestCase("host")]
    [TestCase("check")]
    [TestCase("--gpu-bundle")]
    public void BothScriptsAskForTheSame(params string[] target)
    {
        Outcome shell = Start("bash", ["build.sh", .. target]);
        string[] bundle = Bundle();
        Directory.Delete(Path.Combine(Repository, "out"), recursive: true);
        Outcome power = StartPowerShell(["build.ps1", .. target]);

        Assert.That((shell.ExitCode, power.ExitCode), Is.EqualTo((0, 0)), shell.Error + power.Error);
        Assert.That(Asked(power), Is.Not.Empty.And.EqualTo(Asked(shell)));
        Assert.That(Bundle(), Is.EqualTo(bundle));
    }

    [Test]
    public void AProgramThatFailsEndsBothWithItsExitCode()
    {
        Write("path/dotnet", "#!/bin/sh\nexit 7\n");

        Assert.That((Start("bash", ["build.sh", "test"]).ExitCode, StartPowerShell(["build.ps1", "test"]).ExitCode), Is.EqualTo((7, 7)));
    }

    [Test]
    public void AnotherTargetIsWrongUsageToBoth()
    {
        Outcome shell = Start("bash", ["build.sh", "speed"]);
        Outcome power = StartPowerShell(["build.ps1", "speed"]);

        Assert.That((shell.ExitCode, power.ExitCode), Is.EqualTo((2, 2)));
        Assert.That(power.Error, Does.Contain("'speed' is none of them"));
        Assert.That(power.Error.Replace("build.ps1", "build.sh", StringComparison.Ordinal), Is.EqualTo(shell.Error));
    }

    [TestCase(59_900_000, 0, Description = "what git ignores does not count")]
    [TestCase(60_000_000, 1)]
    public void ABundleThatDoesNotFitWithTheRepositoryIsRefused(long bytes, int exitCode)
    {
        using (FileStream large = File.Create(Path.Combine(Repository, "large")))
        {
            large.SetLength(bytes);
        }

        Directory.CreateDirectory(Path.Combine(Repository, "out"));
        using (FileStream ignored = File.Create(Path.Combine(Repository, "out", "ignored")))
        {
            ignored.SetLength(bytes);
        }

        Outcome outcome = Start("bash", ["build.sh", "--gpu-bundle"]);

        Assert.That(outcome.ExitCode, Is.EqualTo(exitCode), outcome.Error);
        if (exitCode != 0)
        {
            Assert.That(outcome.Error, Does.Match(@"^out/gpu-bundle.tar.gz \(\d+ bytes\) and the repository \(\d+ bytes\) are \d+ bytes together, but no more than 60000000 can be taken"));
            Assert.That(StartPowerShell(["build.ps1", "--gpu-bundle"]).ExitCode, Is.EqualTo(exitCode));
        }
    }

    public void Dispose() => _folder.Dispose();

    private string Repository => _folder.File("repository");

    private static string[] Asked(Outcome outcome) =>
        [.. outcome.Output.Split('\n').Where(static line => line.StartsWith("dotnet ", StringComparison.Ordinal) || line.StartsWith("cmake ", StringComparison.Ordinal) || line.StartsWith("run.sh", StringComparison.Ordinal)).Select(static line => line.TrimEnd())];

    /// <summary>What is in the bundle, if there is one.</summary>
    private string[] Bundle()
    {
        Directory.CreateDirectory(Path.Combine(Repository, "out"));
        string bundle = Path.Combine(Repository, "out", "gpu-bundle.tar.gz");
        return File.Exists(bundle) ? [.. Start("tar", ["-tzf", bundle]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)] : [];
    }

    private Outcome StartPowerShell(string[] arguments)
    {
        Assume.That(PowerShell, Is.Not.Null, "PowerShell is not in out/pwsh: dotnet tool install --tool-path out/pwsh PowerShell");
        Assume.That(File.Exists(Dotnet), Is.True, $"{Dotnet} is not there");
        return Start(Dotnet, [PowerShell!, "-NoProfile", "-File", .. arguments]);
    }

    private Outcome Start(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository };
        start.Environment["PATH"] = $"{_folder.File("path")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["NO_COLOR"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }

    private void Write(string name, string text) =>
        File.SetUnixFileMode(_folder.Write(name, text), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
