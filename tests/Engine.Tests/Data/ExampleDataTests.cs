using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data;

/// <summary>The data that the repository carries is what its README says.</summary>
public sealed class ExampleDataTests
{
    [Test]
    public void TheTrainingPairsAreSeventeenThousandEntailments()
    {
        TextDataset pairs = TextDataset.Load(new DatasetSource(Example("nli-entailment.tsv.gz")));
        Assert.That(pairs.Count, Is.EqualTo(17_943));
        Assert.That(pairs.ColumnNames, Is.EqualTo(["premise", "hypothesis"]));
        Assert.That(pairs.Labels, Is.Null);
        Assert.That(pairs.Columns.SelectMany(column => column), Has.None.Empty);
    }

    [Test]
    public void TheLabelledPairsAreThoseThatTheEntailmentsWereTakenFrom()
    {
        TextDataset labelled = TextDataset.Load(new DatasetSource(Example("nli.tsv.gz")));
        TextDataset kept = TextDataset.Load(new DatasetSource(Example("nli.tsv.gz")) { Labels = ["entailment"] });
        TextDataset pairs = TextDataset.Load(new DatasetSource(Example("nli-entailment.tsv.gz")));
        Assert.Multiple(() =>
        {
            Assert.That(labelled.Labels!.CountBy(static label => label).OrderByDescending(static c => c.Value), Is.EqualTo(
                new KeyValuePair<string, int>[] { new("entailment", 17_943), new("contradiction", 17_395), new("neutral", 16_933) }).AsCollection);
            Assert.That(kept.Columns[0], Is.EqualTo(pairs.Columns[0]).AsCollection);
            Assert.That(kept.Columns[1], Is.EqualTo(pairs.Columns[1]).AsCollection);
        });
    }

    /// <summary>A quotation mark that is read as opening a field, though none closes it, makes one text of many rows.</summary>
    [TestCase("nli.tsv.gz")]
    [TestCase("nli-entailment.tsv.gz")]
    public void NoTextIsMadeOfSeveralRows(string name)
    {
        TextDataset pairs = TextDataset.Load(new DatasetSource(Example(name)));
        Assert.That(pairs.Columns.SelectMany(static column => column).Max(static text => text.Length), Is.LessThan(2_000));
    }

    [Test]
    public void TheEvaluationPairsAreStsbDev()
    {
        StsDataset pairs = StsDataset.Load(new DatasetSource(Example("stsb-en-dev.csv")), scale: 5);
        Assert.That(pairs.Count, Is.EqualTo(1_500));
        Assert.That(pairs.Scores, Has.All.InRange(0.0, 1.0));
        Assert.That(pairs.Sentences1[0], Is.EqualTo("A man with a hard hat is dancing."));
        Assert.That(pairs.Sentences2[0], Is.EqualTo("A man wearing a hard hat is dancing."));
        Assert.That(pairs.Scores[1], Is.EqualTo(4.75 / 5));
    }

    private static string Example(string name)
    {
        if (Fixtures.RepositoryRoot is null)
        {
            Assert.Ignore("the suite runs outside the repository");
        }

        return Path.Combine(Fixtures.RepositoryRoot!, "examples", "data", name);
    }
}
