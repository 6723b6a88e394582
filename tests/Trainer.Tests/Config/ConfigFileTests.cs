using MnrEngine.Trainer.Config;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Config;

public sealed class ConfigFileTests
{
    private const string Smallest = """{ "model": "m", "data": "d.tsv", "output": "o" }""";

    [Test]
    public void TheSmallestConfigNamesModelDataAndOutput()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("m"));

        TrainingConfig config = Load(folder, Smallest);

        Assert.Multiple(() =>
        {
            Assert.That(config.Model.Path, Is.EqualTo(folder.File("m")));
            Assert.That(config.Data.Files.Single().Path, Is.EqualTo(folder.File("d.tsv")));
            Assert.That(config.Output, Is.EqualTo(folder.File("o")));
        });
    }

    [Test]
    public void CommentsAndTrailingCommasAreAllowed()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """
            // A comment.
            { "model": "m", /* another */ "data": ["d.tsv", { "path": "e.csv", "labels": "entailment", },], "output": "o", }
            """);

        Assert.That(config.Data.Files.Select(static file => Path.GetFileName(file.Path)), Is.EqualTo(["d.tsv", "e.csv"]));
        Assert.That(config.Data.Files[1].Labels, Is.EqualTo(["entailment"]));
    }

    [Test]
    public void WithoutARecipeTheDefaultsAreTodaysTrainers()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, Smallest);

        Assert.Multiple(() =>
        {
            Assert.That(config.Recipe, Is.EqualTo(Recipe.Trainer));
            Assert.That((config.BatchSize, config.Epochs, config.LearningRate, config.WeightDecay, config.MaxGradNorm, config.Seed), Is.EqualTo((8, 3, 5e-5, 0.0, 1.0, 42L)));
            Assert.That((config.AdamBeta1, config.AdamBeta2, config.AdamEpsilon), Is.EqualTo((0.9, 0.999, 1e-8)));
            Assert.That((config.Optimizer, config.LrSchedulerType, config.BatchSampler), Is.EqualTo((OptimizerName.AdamW, SchedulerType.Linear, BatchSampler.Shuffled)));
            Assert.That((config.WarmupSteps, config.WarmupRatio, config.MaxSteps), Is.EqualTo(((int?)null, (double?)null, (int?)null)));
        });
    }

    [Test]
    public void ALossHasSentenceTransformersDefaults()
    {
        using TemporaryFolder folder = new();

        LossConfig ranking = Load(folder, Smallest).Loss;
        LossConfig softmax = Load(folder, With(""" "loss": "SoftmaxLoss" """)).Loss;
        LossConfig cosent = Load(folder, With(""" "loss": { "type": "CoSENTLoss", "scale": 10 } """)).Loss;
        LossConfig matryoshka = Load(folder, With(""" "loss": { "type": "MatryoshkaLoss", "matryoshka_dims": [64, 8], "loss": "CoSENTLoss" } """)).Loss;

        Assert.Multiple(() =>
        {
            Assert.That((ranking.Type, ranking.Scale, ranking.SimilarityFct), Is.EqualTo((LossName.MultipleNegativesRankingLoss, 20.0, SimilarityFunction.Cosine)));
            Assert.That(ranking.Directions, Is.EqualTo([RankingDirection.QueryToDoc]));
            Assert.That((ranking.PartitionMode, ranking.HardnessMode, ranking.HardnessStrength), Is.EqualTo((PartitionMode.Joint, (HardnessMode?)null, 0.0)));
            Assert.That((softmax.NumLabels, softmax.Scale), Is.EqualTo(((int?)null, (double?)null)));
            Assert.That(
                (softmax.ConcatenationSentRep, softmax.ConcatenationSentDifference, softmax.ConcatenationSentMultiplication), Is.EqualTo((true, true, false)));
            Assert.That((cosent.Scale, cosent.SimilarityFct), Is.EqualTo((10.0, SimilarityFunction.PairwiseCosine)));
            Assert.That((matryoshka.Loss!.Type, matryoshka.Loss.Scale, matryoshka.NDimsPerStep), Is.EqualTo((WrappedLossName.CoSENTLoss, 20.0, -1)));
            Assert.That(matryoshka.MatryoshkaDims, Is.EqualTo([64, 8]));
        });
    }

    [Test]
    public void ALossMayStillBeCalledByName()
    {
        using TemporaryFolder folder = new();

        LossConfig loss = Load(folder, With(""" "loss": { "name": "MultipleNegativesRankingLoss", "scale": 30 } """)).Loss;

        Assert.That((loss.Type, loss.Scale), Is.EqualTo((LossName.MultipleNegativesRankingLoss, 30.0)));
    }

    [Test]
    public void TheOldFitClipsTheClassifierToo()
    {
        using TemporaryFolder folder = new();

        Assert.That(Load(folder, With(""" "recipe": "fit" """)).ClipLossParameters);
        Assert.That(Load(folder, Smallest).ClipLossParameters, Is.False);
    }

    private static string With(string more) => Smallest.Replace("}", $", {more} }}");

    [Test]
    public void TheArticlesRecipeHasItsQuirks()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "recipe": "article", "model": "m", "data": "d.tsv", "output": "o" }""");

        Assert.Multiple(() =>
        {
            Assert.That((config.BatchSampler, config.DropLast, config.BatchSize, config.Epochs), Is.EqualTo((BatchSampler.InOrder, false, 32, 1)));
            Assert.That((config.Optimizer, config.LearningRate, config.WeightDecay, config.MaxGradNorm), Is.EqualTo((OptimizerName.Adam, 2e-5, 0.0, (double?)null)));
            Assert.That((config.WarmupRatio, config.WarmupRounding, config.WarmupOf), Is.EqualTo(((double?)0.1, Rounding.Down, WarmupBasis.FullBatches)));
            Assert.That(config.ScheduleShortenedByWarmup);
            Assert.That(config.Model.MaxSeqLength, Is.EqualTo(128));
        });
    }

    [Test]
    public void TheFitRecipeIsTheOldFit()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "recipe": "fit", "model": "m", "data": "d.tsv", "output": "o" }""");

        Assert.Multiple(() =>
        {
            Assert.That((config.BatchSampler, config.DropLast), Is.EqualTo((BatchSampler.NoDuplicatesLegacy, true)));
            Assert.That((config.Optimizer, config.LearningRate, config.WeightDecay, config.MaxGradNorm), Is.EqualTo((OptimizerName.AdamW, 2e-5, 0.01, (double?)1)));
            Assert.That(config.WarmupSteps, Is.EqualTo(10000));
        });
    }

    [Test]
    public void AConfigOverridesItsRecipeWithNullToo()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "recipe": "fit", "max_grad_norm": null, "loss": { "scale": 10 }, "model": "m", "data": "d.tsv", "output": "o" }""");

        Assert.That(config.MaxGradNorm, Is.Null);
        Assert.That((config.Loss.Scale, config.Loss.SimilarityFct), Is.EqualTo((10.0, SimilarityFunction.Cosine)));
    }

    [Test]
    public void AWarmupRatioReplacesTheRecipesWarmupSteps()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "recipe": "fit", "warmup_ratio": 0.1, "model": "m", "data": "d.tsv", "output": "o" }""");

        Assert.That((config.WarmupSteps, config.WarmupRatio), Is.EqualTo(((int?)null, (double?)0.1)));
    }

    [Test]
    public void SettingsGoOverTheConfigInOrder()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(
            folder,
            """{ "warmup_ratio": 0.2, "model": "m", "data": "d.tsv", "output": "o" }""",
            "batch_size=16", "batch_size=24", "loss.scale=5", "warmup_steps=7", "recipe=article", "model.max_seq_length=32", "data.files.1=e.csv", "data.files[1].format=tsv");

        Assert.Multiple(() =>
        {
            Assert.That((config.BatchSize, config.Loss.Scale, config.Recipe), Is.EqualTo((24, 5.0, Recipe.Article)));
            Assert.That((config.WarmupSteps, config.WarmupRatio), Is.EqualTo(((int?)7, (double?)null)));
            Assert.That((Path.GetFileName(config.Model.Path), config.Model.MaxSeqLength), Is.EqualTo(("m", 32)));
            Assert.That(config.Data.Files.Select(static file => (Path.GetFileName(file.Path), file.Format)), Is.EqualTo(new (string?, FileFormat?)[] { ("d.tsv", null), ("e.csv", FileFormat.Tsv) }));
        });
    }

    [Test]
    public void PathsCountFromTheConfigsFolderAndThoseOfSettingsFromTheCurrentOne()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder.File("m"));

        TrainingConfig config = Load(folder, Smallest, "output=here/out");

        Assert.That(config.Model.Path, Is.EqualTo(folder.File("m")));
        Assert.That(Path.GetFullPath(config.Output), Is.EqualTo(Path.Combine(Directory.GetCurrentDirectory(), "here", "out")));
    }

    [Test]
    public void WhatIsNotOnTheDiskAndLooksLikeAnIdStaysAsItIs()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "model": "bert-base-uncased", "data": ["owner/rows", "owner/rows.tsv", "a/b/c"], "output": "o" }""");

        Assert.That(config.Model.Path, Is.EqualTo("bert-base-uncased"));
        Assert.That(config.Data.Files.Select(static file => file.Path), Is.EqualTo(["owner/rows", folder.File("owner", "rows.tsv"), folder.File("a", "b", "c")]));
    }

    [Test]
    public void OneObjectWithAPathIsOneFile()
    {
        using TemporaryFolder folder = new();

        TrainingConfig config = Load(folder, """{ "model": "m", "data": { "path": "owner/rows", "subset": "pair", "split": "dev", "revision": "v1" }, "output": "o" }""");

        Assert.That(config.Data.Files, Is.EqualTo([new DataFileConfig { Path = "owner/rows", Subset = "pair", Split = "dev", Revision = "v1" }]));
    }

    [Test]
    public void AWrittenConfigReadsBackTheSame()
    {
        using TemporaryFolder folder = new();
        TrainingConfig config = Load(folder, """{ "recipe": "article", "max_steps": 5, "max_grad_norm": 2, "adam_epsilon": 1e-6, "warmup_ratio": null, "resume": "auto", "model": "m", "data": "d.tsv", "output": "o" }""");

        string text = ConfigFile.Text(config, folder.Path);
        TrainingConfig again = Load(folder, text);

        Assert.That(ConfigFile.Text(again, folder.Path), Is.EqualTo(text));
        Assert.That((again.Model.Path, again.Output, again.MaxSteps, again.WarmupRatio), Is.EqualTo((config.Model.Path, config.Output, (int?)5, (double?)null)));
    }

    [TestCase("trainer")]
    [TestCase("fit")]
    [TestCase("article")]
    public void ARecipeDecidesTheSameKeysAsTheOthers(string recipe)
    {
        string[] keys = [.. RecipeDefaults.Of(recipe).Select(static pair => pair.Key).Where(static key => key != "model")];

        Assert.That(keys, Is.EquivalentTo(RecipeDefaults.Of("trainer").Select(static pair => pair.Key)));
    }

    [Test]
    public void TheExamplesAreValid()
    {
        string? root = MnrEngine.Testing.Fixtures.RepositoryRoot;
        if (root is null)
        {
            Assert.Ignore("the suite runs outside the repository");
        }

        string[] examples = Directory.GetFiles(Path.Combine(root!, "examples"), "*.json", SearchOption.AllDirectories);

        Assert.That(examples, Is.Not.Empty);
        foreach (string example in examples)
        {
            Assert.That(() => ConfigFile.Load(example, []), Throws.Nothing, example);
        }
    }

    internal static TrainingConfig Load(TemporaryFolder folder, string json, params string[] settings) =>
        ConfigFile.Load(folder.Write("config.json", json), settings);
}
