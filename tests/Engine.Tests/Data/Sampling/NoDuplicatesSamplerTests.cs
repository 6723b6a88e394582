using MnrEngine.Data;
using MnrEngine.Data.Sampling;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data.Sampling;

public sealed class NoDuplicatesSamplerTests
{
    [Test]
    public void NoTextOccursInTwoRowsOfABatch()
    {
        string[][] columns = RandomColumns(rows: 2_000, columns: 3, texts: 700, seed: 1);
        foreach (int[] batch in new NoDuplicatesSampler(columns, 16, seed: 5, dropLast: false).Epoch(0))
        {
            string[] texts = [.. batch.SelectMany(row => columns.Select(column => column[row]).Distinct())];
            Assert.That(texts, Is.Unique);
        }
    }

    [Test]
    public void EveryRowIsGivenOnceWhenShortBatchesAreKept()
    {
        string[][] columns = RandomColumns(rows: 2_000, columns: 2, texts: 50, seed: 2);
        IEnumerable<int> rows = new NoDuplicatesSampler(columns, 16, seed: 5, dropLast: false).Epoch(3).SelectMany(batch => batch);
        Assert.That(rows.Order(), Is.EqualTo(Enumerable.Range(0, 2_000)));
    }

    [Test]
    public void ARowWhoseAnchorIsItsOwnPositiveIsAllowed()
    {
        NoDuplicatesSampler sampler = new([["a", "b"], ["a", "c"]], 2, seed: 0, dropLast: true);
        Assert.That(sampler.Epoch(0).Single(), Is.EquivalentTo([0, 1]));
    }

    [Test]
    public void TextsThatDifferInCaseOrBlanksAreDifferent()
    {
        NoDuplicatesSampler sampler = new([["a", "A"], ["a ", " a"]], 2, seed: 0, dropLast: true);
        Assert.That(sampler.Epoch(0).Single(), Is.EquivalentTo([0, 1]));
    }

    [Test]
    public void NothingIsGivenWhenNoBatchCanBeFilled()
    {
        NoDuplicatesSampler sampler = new([["a", "a", "a"], ["b", "c", "d"]], 2, seed: 0, dropLast: true);
        Assert.That(sampler.Epoch(0), Is.Empty);
        Assert.That(sampler.Length, Is.EqualTo(1));
    }

    [Test]
    public void AnEpochDependsOnNothingButSeedAndNumber()
    {
        string[][] columns = RandomColumns(rows: 300, columns: 2, texts: 100, seed: 3);
        int[][] third = [.. new NoDuplicatesSampler(columns, 8, seed: 7, dropLast: false).Epoch(2)];
        NoDuplicatesSampler used = new(columns, 8, seed: 7, dropLast: false);
        Assert.That(used.Epoch(0).First(), Is.Not.EqualTo(third[0]));
        Assert.That(used.Epoch(2).ToArray(), Is.EqualTo(third));
    }

    [Test]
    public void TheQueueGivesWhatAScanOfAllRowsGives(
        [Values(1, 2, 3, 5)] int columns, [Values(2, 3, 7, 40, 400, 5_000)] int texts, [Values(1, 2, 5, 32, 300)] int batchSize)
    {
        string[][] rows = RandomColumns(600, columns, texts, seed: (columns * 1_000) + texts + batchSize);
        int[] order = new TorchGenerator(9).RandPerm(600);
        ConflictQueue queue = new(new ConflictTree(new TextNumbers(rows)), order);
        List<int[]> batches = [];
        while (!queue.IsEmpty)
        {
            batches.Add(queue.TakeBatch(batchSize));
        }

        Assert.That(batches, Is.EqualTo(ScanForBatches(rows, order, batchSize)));
    }

    /// <summary>Row sets in which a scan of all rows for every batch would take hours.</summary>
    [TestCase("one anchor for half of the rows")]
    [TestCase("three anchors for all rows")]
    [TestCase("ten texts in all pairings")]
    [TestCase("a thousand texts in all pairings")]
    [TestCase("twenty labels as positives and negatives of repeated anchors")]
    [TestCase("texts in three or four rows each")]
    [TestCase("all rows alike")]
    public void AMillionRowsOfManyConflictsAreNoTrouble(string kind)
    {
        const int rows = 1_000_000;
        Func<int, string[]> row = kind switch
        {
            "one anchor for half of the rows" => i => i % 2 == 0 ? ["hot", $"p{i}"] : [$"a{i}", $"p{i}"],
            "three anchors for all rows" => i => [$"a{i % 3}", $"p{i}"],
            "ten texts in all pairings" => i => [$"t{i % 10}", $"t{i / 10 % 10}"],
            "a thousand texts in all pairings" => i => [$"a{i % 1_000}", $"p{i / 1_000}"],
            "texts in three or four rows each" => i => [$"a{i % 300_000}", $"p{i % 250_000}"],
            "all rows alike" => _ => ["a", "p"],
            _ => i => [$"text {i / 2}", $"label {i % 20}", $"label {((i % 20) + 1 + (i / 20 % 19)) % 20}"],
        };
        string[][] columns = [.. Enumerable.Range(0, row(0).Length).Select(_ => new string[rows])];
        for (int i = 0; i < rows; i++)
        {
            string[] texts = row(i);
            for (int column = 0; column < columns.Length; column++)
            {
                columns[column][i] = texts[column];
            }
        }

        NoDuplicatesSampler sampler = new(columns, 64, seed: 1, dropLast: false);
        Assert.That(sampler.Epoch(0).Sum(batch => batch.Length), Is.EqualTo(rows));
    }

    private static string[][] RandomColumns(int rows, int columns, int texts, int seed)
    {
        // Squared, so that some texts occur far more often than others.
        Random random = new(seed);
        return [.. Enumerable.Range(0, columns).Select(_ =>
            Enumerable.Range(0, rows).Select(_ => $"t{(int)(texts * random.NextDouble() * random.NextDouble())}").ToArray())];
    }

    /// <summary>The rule itself: go through all rows left, taking each that shares no text with those taken.</summary>
    private static List<int[]> ScanForBatches(string[][] columns, int[] order, int batchSize)
    {
        List<int> left = [.. order];
        List<int[]> batches = [];
        while (left.Count > 0)
        {
            HashSet<string> used = [];
            List<int> batch = [];
            foreach (int row in left)
            {
                if (batch.Count < batchSize && !columns.Any(column => used.Contains(column[row])))
                {
                    batch.Add(row);
                    used.UnionWith(columns.Select(column => column[row]));
                }
            }

            left.RemoveAll(batch.Contains);
            batches.Add([.. batch]);
        }

        return batches;
    }
}
