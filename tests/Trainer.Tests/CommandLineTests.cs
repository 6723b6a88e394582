using NUnit.Framework;

namespace MnrEngine.Trainer.Tests;

public sealed class CommandLineTests
{
    [TestCase("there is no command frobnicate", "frobnicate")]
    [TestCase("there is no option or argument --frobnicate", "doctor", "--frobnicate")]
    [TestCase("there is no option --markdwn", "compare", "model", "--markdwn", "table.md", "--sts", "sts.csv")]
    [TestCase("there is no option --histgram", "prepare", "rows.tsv", "--to", "pairs", "-o", "out.tsv", "--histgram", "none")]
    [TestCase("Required argument .model. missing", "tokenize")]
    [TestCase("Required command was not provided")]
    public void WrongUsageIsOneSentenceAndExitCode2(string sentence, params string[] arguments)
    {
        Outcome outcome = Program.Run(arguments);

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Match(sentence).And.Contain("--help"));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void ABadInputHasAStackTraceOnlyWithVerbose()
    {
        Outcome brief = Program.Run("tokenize", "no-such-model");
        Outcome verbose = Program.Run("tokenize", "no-such-model", "--verbose");

        Assert.That((brief.ExitCode, verbose.ExitCode), Is.EqualTo((2, 2)));
        Assert.That(brief.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(verbose.Error, Does.StartWith(brief.Error.TrimEnd()).And.Contain("   at "));
    }

    [Test]
    public void HelpNamesTheCommands()
    {
        Outcome help = Program.Run("--help");

        Assert.That(help.ExitCode, Is.Zero);
        Assert.That(help.Output, Does.Contain("tokenize").And.Contain("doctor").And.Not.Contain("schema"));
    }

    [Test]
    public void DoctorNamesWhatItFound()
    {
        Outcome doctor = Program.Run("doctor", "--threads", "1");

        Assert.That(doctor.ExitCode, Is.Zero);
        Assert.That(doctor.Output, Does.Contain("processor").And.Contain("instructions").And.Contain("GFLOP/s").And.Contain("CUDA"));
    }
}
