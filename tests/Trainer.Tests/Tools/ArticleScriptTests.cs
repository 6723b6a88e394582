using System.Diagnostics;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Tools;

/// <summary>examples/article/run.sh with a program that only says what it was asked for.</summary>
[Platform("Linux")]
public sealed class ArticleScriptTests
{
    private static readonly string? Root = Fixtures.RepositoryRoot;

    [TestCase("small", "--scale", "small")]
    [TestCase("small", "--scale=small")]
    [TestCase("full", "--scale=full")]
    [TestCase("full")]
    public void ItTrainsEveryConfigOfItsScaleAndComparesFourModels(string scale, params string[] arguments)
    {
        Outcome outcome = Run(arguments);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        string[] trained = [.. outcome.Output.Split('\n').Where(static line => line.StartsWith("train ", StringComparison.Ordinal)).Select(static line => line["train ".Length..])];
        Assert.That(trained, Is.EquivalentTo(Directory.GetFiles(Path.Combine(Root!, "examples", "article", scale), "*.json")));
        string compared = outcome.Output.Split('\n').Single(static line => line.StartsWith("compare ", StringComparison.Ordinal));
        Assert.That(compared, Does.Contain("MNR, the article's loop=").And.Contain("MNR, fit()=").And.Contain("softmax=").And.Contain("MPNet, MNR="));
        Assert.That(compared, Does.Contain($"/runs/article/{scale}/comparison.png"));
    }

    [TestCase("--scale")]
    [TestCase("--scale=tiny")]
    [TestCase("small")]
    public void AnythingElseIsUsage(params string[] arguments)
    {
        Outcome outcome = Run(arguments);

        Assert.That((outcome.ExitCode, outcome.Output), Is.EqualTo((2, "")));
        Assert.That(outcome.Error, Does.StartWith("usage: ").And.Contain("[--scale small|full]"));
    }

    private static Outcome Run(string[] arguments)
    {
        Assume.That(Root, Is.Not.Null, "the script is run from the repository");
        ProcessStartInfo start = new("bash", [Path.Combine(Root!, "examples", "article", "run.sh"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MNR_ENGINE"] = "/bin/echo";
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error);
    }
}
