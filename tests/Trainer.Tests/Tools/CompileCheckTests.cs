using System.Diagnostics;
using System.Runtime.Versioning;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>tools/compile-kernels/check.sh, CI's compile check, where NVRTC is not here, or the kernels can't be compiled.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed class CompileCheckTests : IDisposable
{
    private const string NotHere = "echo '1 libs found'";
    private const string Here = "echo 'libnvrtc.so.12 => /usr/lib/libnvrtc.so.12'";

    private readonly TemporaryFolder _folder = new();

    [Test]
    public void WhatCannotBeInstalledIsTriedAgainAndThenSkippedWithAReason()
    {
        Outcome outcome = Run(NotHere, install: $"echo . >>'{_folder.File("tries")}'; echo 'E: no such package'; exit 100");

        Assert.That(outcome.ExitCode, Is.EqualTo(77));
        Assert.That(File.ReadAllLines(_folder.File("tries")), Has.Length.EqualTo(3));
        Assert.That(outcome.Error, Does.Contain("try 3 of 3: E: no such package").And.Contain("skipped: the kernels were not compiled for GPUs"));
    }

    [Test]
    public void AnInstallationThatWorksTheSecondTimeIsUsed()
    {
        Outcome outcome = Run(NotHere, install: $"echo . >>'{_folder.File("tries")}'; [ $(wc -l <'{_folder.File("tries")}') -eq 2 ]", compiler: "echo 'no compiler'; exit 1");

        Assert.That(outcome.ExitCode, Is.EqualTo(1), "the compiler was run, and failed");
        Assert.That(outcome.Output, Does.Contain("no compiler"));
    }

    [Test]
    public void KernelsThatCannotBeCompiledAreAFailure()
    {
        Outcome outcome = Run(Here, install: "exit 100", compiler: "exit 3");

        Assert.That(outcome.ExitCode, Is.EqualTo(3));
        Assert.That(outcome.Error, Does.Not.Contain("skipped"));
    }

    public void Dispose() => _folder.Dispose();

    private Outcome Run(string ldconfig, string install, string compiler = "exit 1")
    {
        Assume.That(Fixtures.RepositoryRoot, Is.Not.Null, "the script is in the repository");
        ProcessStartInfo start = new("bash", [Path.Combine(Fixtures.RepositoryRoot!, "tools", "compile-kernels", "check.sh")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Write("path/ldconfig", ldconfig)}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["CXX"] = Path.Combine(Write("path/compiler", compiler), "compiler");
        start.Environment["MNR_INSTALL_NVRTC"] = Path.Combine(Write("path/install", install), "install");
        start.Environment["MNR_TRIES"] = "3";
        start.Environment["MNR_WAIT"] = "0";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }

    /// <returns>The folder of the program.</returns>
    private string Write(string name, string script)
    {
        string file = _folder.Write(name, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return Path.GetDirectoryName(file)!;
    }
}
