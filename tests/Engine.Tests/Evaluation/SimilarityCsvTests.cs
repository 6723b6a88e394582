using MnrEngine.Evaluation;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Evaluation;

public sealed class SimilarityCsvTests
{
    private static readonly SimilarityScores Scores = new(new(0.5, 0.25), new(0.125, 1), new(-0.5, 0.75), new(0.00001, double.NaN));

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void TheHeaderIsWrittenOnceAndLinesAreAppended()
    {
        string path = _folder.Path("eval", SimilarityCsv.FileName("sts-dev"));
        SimilarityCsv.Append(path, null, null, Scores, [SimilarityFunction.Cosine]);
        SimilarityCsv.Append(path, 0.5, 140, Scores, [SimilarityFunction.Cosine]);
        SimilarityCsv.Append(path, 1, 280, Scores, [SimilarityFunction.Cosine]);
        Assert.That(File.ReadAllText(path), Is.EqualTo(
            "epoch,steps,cosine_pearson,cosine_spearman\r\n-1,-1,0.5,0.25\r\n0.5,140,0.5,0.25\r\n1.0,280,0.5,0.25\r\n"));
    }

    [Test]
    public void SeveralFunctionsComeInTheirOrderWithoutAMaximum()
    {
        string path = _folder.Path("scores.csv");
        SimilarityCsv.Append(path, null, null, Scores, SimilarityScores.AllFunctions);
        Assert.That(File.ReadAllText(path), Is.EqualTo(
            "epoch,steps,cosine_pearson,cosine_spearman,dot_pearson,dot_spearman,euclidean_pearson,euclidean_spearman,manhattan_pearson,manhattan_spearman\r\n" +
            "-1,-1,0.5,0.25,0.125,1.0,-0.5,0.75,1e-05,nan\r\n"));
    }

    [Test]
    public void TheOldFileHasDotLastAndWholeEpochs()
    {
        string path = _folder.Path("scores.csv");
        SimilarityCsv.AppendLegacy(path, 0, null, Scores);
        Assert.That(File.ReadAllText(path), Is.EqualTo(
            "epoch,steps,cosine_pearson,cosine_spearman,euclidean_pearson,euclidean_spearman,manhattan_pearson,manhattan_spearman,dot_pearson,dot_spearman\r\n" +
            "0,-1,0.5,0.25,-0.5,0.75,1e-05,nan,0.125,1.0\r\n"));
    }

    [TestCase(280, "0.0,0,0.5,0.25\r\n0.5,140,0.5,0.25\r\n1.0,280,0.5,0.25\r\n")]
    [TestCase(279, "0.0,0,0.5,0.25\r\n0.5,140,0.5,0.25\r\n")]
    [TestCase(0, "0.0,0,0.5,0.25\r\n")]
    public void WhatCameAfterTheStepThatARunGoesOnFromIsCutOff(int step, string kept)
    {
        string path = _folder.Path("scores.csv");
        SimilarityCsv.Append(path, 0, 0, Scores, [SimilarityFunction.Cosine]);
        SimilarityCsv.Append(path, 0.5, 140, Scores, [SimilarityFunction.Cosine]);
        SimilarityCsv.Append(path, 1, 280, Scores, [SimilarityFunction.Cosine]);
        File.AppendAllText(path, "1.5,42");

        SimilarityCsv.CutAfter(path, step);

        Assert.That(File.ReadAllText(path), Is.EqualTo("epoch,steps,cosine_pearson,cosine_spearman\r\n" + kept));
    }

    [Test]
    public void AHeaderThatWasOnlyHalfWrittenIsRemoved()
    {
        string path = _folder.Write("scores.csv", "epoch,ste");

        SimilarityCsv.CutAfter(path, 5);

        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public void TheFileIsNamedAfterTheEvaluator()
    {
        Assert.That(SimilarityCsv.FileName("sts-dev"), Is.EqualTo("similarity_evaluation_sts-dev_results.csv"));
        Assert.That(SimilarityCsv.FileName(""), Is.EqualTo("similarity_evaluation_results.csv"));
    }
}
