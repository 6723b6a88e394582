using System.Diagnostics;
using System.IO.Compression;
using MnrEngine.Testing;
using NUnit.Framework;
using SkiaSharp;

namespace MnrEngine.Trainer.Tests.Commands;

/// <summary>The prepare command: its table, its picture, its exit codes, and what is left of one that is cut short.</summary>
public sealed class PrepareCommandTests
{
    [Test]
    public void TheTableSaysWhatBecameOfTheRowsAndThePictureHowLongTheyAre()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run(
            "prepare", Fixtures.Path("data", "snli-style.parquet"), Fixtures.Path("data", "all-nli-pair.parquet"), "--to", "pairs", "-o", folder.File("pairs.tsv.gz"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Match("source +read +no label +no entailment +kept"));
        Assert.That(outcome.Output, Does.Match("3,000 +31 +1,922 +1,047").And.Match("1,047 +0 +0 +1,047").And.Match("all +4,047 +31 +1,922 +2,094"));
        Assert.That(outcome.Output, Does.Contain("1,047 duplicates, written all the same (--drop-duplicates leaves them out)"));
        Assert.That(outcome.Output, Does.Match("tokens of a text, in a sample of 2,094 rows: median [0-9]+, 95 % at most [0-9]+, 99 % at most [0-9]+, longest [0-9]+"));
        Assert.That(outcome.Output, Does.Match(@"2,094 rows \(anchor, positive\) in .* rows read/s: .*pairs.tsv.gz"));
        using SKBitmap picture = SKBitmap.Decode(folder.File("pairs.tokens.png"));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((1200, 700)));
        Assert.That(picture.Pixels.Distinct().Count(), Is.GreaterThan(50));
    }

    [Test]
    public void WhatItWritesCanBeTrainedOn()
    {
        using Runs.TinyRun run = new();
        Outcome prepared = Program.Run("prepare", Fixtures.Path("data", "snli-style.jsonl.gz"), "--to", "pairs", "-o", run.Folder.File("made.parquet"), "--histogram", "none");
        run.Config["data"] = "made.parquet";
        run.Config["max_steps"] = 2;

        Outcome trained = run.Train();

        Assert.That((prepared.ExitCode, trained.ExitCode), Is.EqualTo((0, 0)), prepared.Error + trained.Error);
        Assert.That(trained.Output, Does.Contain("training: 1,047 rows"));
        Assert.That(Directory.GetFiles(run.Folder.Path, "*.png"), Is.Empty);
    }

    [Test]
    public void TheTokenizerAndThePicturesPlaceCanBeNamed()
    {
        using TemporaryFolder folder = new();
        string input = folder.Write("sts.csv", "a plane,a plane,5\nb,c,1\n");

        Outcome outcome = Program.Run(
            "prepare", input, "--to", "sts", "-o", folder.File("sts.jsonl"), "--tokenizer", Fixtures.Path("models", "tiny-bert"), "--histogram", folder.File("lengths.png"));

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(outcome.Output, Does.Contain($"scores were divided by 5: {input}"));
        Assert.That(File.ReadAllText(folder.File("sts.jsonl")), Is.EqualTo("{\"sentence1\":\"a plane\",\"sentence2\":\"a plane\",\"score\":1}\n{\"sentence1\":\"b\",\"sentence2\":\"c\",\"score\":0.2}\n"));
        Assert.That(File.Exists(folder.File("lengths.png")));
    }

    [TestCase("rows.tsv", "premise\thypothesis\tlabel\na\tb\t3\n", "rows.tsv, line 2: the label is '3'", "--to", "pairs")]
    [TestCase("rows", "premise\thypothesis\tlabel\na\tb\t0\n", "can't be told from its name, which has no extension: let its name end with .tsv, .csv, .jsonl or .parquet, or name the format (a config's format, prepare's --format)", "--to", "pairs")]
    [TestCase("rows.dat", "premise\thypothesis\tlabel\na\tb\t0\n", "can't be told from its extension '.dat'", "--to", "pairs")]
    [TestCase("rows", "a\tb\n", "--format is 'xml', but has to be one of tsv, csv, jsonl, parquet", "--to", "pairs", "--format", "xml")]
    [TestCase("rows.tsv", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "none of 4 texts that could be an anchor has both an entailment and a contradiction", "--to", "triplets")]
    [TestCase("rows.tsv", "premise\thypothesis\tlabel\na\tb\t-1\nc\td\t2\n", "at least one is needed: 2 were read, 1 without a label, 1 with another label", "--to", "pairs")]
    [TestCase("rows.tsv", "premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "has no numbers but 0, 1 and 2, which are NLI's classes and no scores", "--to", "sts")]
    [TestCase("rows.tsv", "premise\thypothesis\tlabel\na\tb\tneutral\n", "line 2: the score is 'neutral', which is one of NLI's classes, but has to be a number", "--to", "sts")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "triplets need a negative, or a label to find one by", "--to", "triplets")]
    [TestCase("rows.parquet", "no parquet", "rows.parquet is not a Parquet file", "--to", "pairs")]
    [TestCase("rows.zip", "no zip", "the zip file", "--to", "pairs")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "--to is 'words', but has to be one of pairs, triplets, labelled, sts", "--to", "words")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "only --to triplets has directions", "--to", "pairs", "--both-directions", "true")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "only --to sts has scores", "--to", "pairs", "--score-scale", "5")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "has to be a .png file, or none", "--to", "pairs", "--histogram", "lengths.jpg")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "nowhere/vocab.txt does not exist", "--to", "pairs", "--tokenizer", "nowhere/vocab.txt")]
    [TestCase("rows.tsv", "anchor\tpositive\na\tb\n", "3 columns are named, but two texts are needed", "--to", "pairs", "--columns", "a", "b", "c")]
    public void AWrongInputIsOneSentenceAndLeavesNoFile(string input, string text, string sentence, params string[] options)
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run(["prepare", folder.Write(input, text), "-o", folder.File("out.tsv"), .. options]);

        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("error: ").And.Contain(sentence));
        Assert.That(outcome.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(1));
    }

    /// <summary>Whole numbers from 0 to 2 are scores when the column is called so, the scale is given, or a third value is among them.</summary>
    [TestCase("sentence1\tsentence2\tscore\na\tb\t0\nc\td\t2\n")]
    [TestCase("premise\thypothesis\tlabel\na\tb\t0\nc\td\t2\n", "--score-scale", "2")]
    [TestCase("sentence1\tsentence2\tlabel\na\tb\t0\nc\td\t1\n")]
    [TestCase("sentence1\tsentence2\tlabel\na\tb\t0\nc\td\t2\ne\tf\t5\n")]
    [TestCase("sentence1\tsentence2\tlabel\na\tb\t0.5\nc\td\t2\n")]
    public void WholeScoresAreScores(string rows, params string[] options)
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run(["prepare", folder.Write("rows.tsv", rows), "--to", "sts", "-o", folder.File("out.tsv"), "--histogram", "none", .. options]);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
    }

    [TestCase("--to", "pairs")]
    [TestCase("--to", "sts")]
    public void TheFormatOfAFileWithoutAnExtensionCanBeNamed(params string[] options)
    {
        using TemporaryFolder folder = new();
        string input = folder.Write("rows", "{\"sentence1\":\"a\",\"sentence2\":\"b\",\"score\":0.5}\n");

        Outcome outcome = Program.Run(["prepare", input, "-o", folder.File("out.tsv"), "--histogram", "none", "--format", "jsonl", .. options]);

        Assert.That(outcome.ExitCode, Is.Zero, outcome.Error);
        Assert.That(File.ReadAllLines(folder.File("out.tsv"))[1], Does.StartWith("a\tb"));
    }

    [Test]
    public void AFaultBehindManyRowsIsAFailureAndLeavesNoFile()
    {
        using TemporaryFolder folder = new();
        string input = folder.Write("rows.tsv", "premise\thypothesis\tlabel\n" + string.Concat(Enumerable.Repeat("a\tb\t0\n", 10_000)) + "c\td\t7\n");

        Outcome outcome = Program.Run("prepare", input, "--to", "labelled", "-o", folder.File("out.parquet"));

        Assert.That(outcome.ExitCode, Is.EqualTo(1));
        Assert.That(
            outcome.Error.TrimEnd(),
            Is.EqualTo($"error: {input}, line 10002: the label is '7', but has to be entailment (0), neutral (1) or contradiction (2), or - or -1 where there is none"));
        Assert.That(Directory.GetFiles(folder.Path), Is.EqualTo([input]));
    }

    [Test]
    [Platform("Linux")]
    public void APictureThatCanNotBeWrittenIsFoundBeforeTheRowsAreRead()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("prepare", folder.Write("rows.tsv", "a\tb\n"), "--to", "pairs", "-o", folder.File("out.tsv"), "--histogram", "/dev/null/out.png");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.StartWith("error: /dev/null/out.png can't be written"));
        Assert.That(File.Exists(folder.File("out.tsv")), Is.False);
    }

    [Test]
    public void ASubsetIsForTheHub()
    {
        using TemporaryFolder folder = new();

        Outcome outcome = Program.Run("prepare", folder.Write("rows.tsv", "a\tb\n"), "--to", "pairs", "-o", folder.File("out.tsv"), "--subset", "pair");

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error.TrimEnd(), Is.EqualTo("error: --subset pair is given, but subsets are for data sets of the hub, and no input is the id of one"));
    }

    [Test]
    public void AnEntryThatPointsOutsideIsRefused()
    {
        using TemporaryFolder folder = new();
        string zip = folder.File("data.zip");
        using (ZipArchive archive = ZipFile.Open(zip, ZipArchiveMode.Create))
        {
            archive.CreateEntry("../train.jsonl");
        }

        Outcome outcome = Program.Run("prepare", zip, "--to", "pairs", "-o", folder.File("out.tsv"));

        Assert.That(outcome.ExitCode, Is.EqualTo(2));
        Assert.That(outcome.Error, Does.Contain("has an entry '../train.jsonl' that points outside of it"));
    }

    /// <summary>Signals end it without its file, and what was there stays. Nothing that runs can remove what SIGKILL leaves, a hidden file, but the next run does.</summary>
    [TestCase(PosixSignal.Interrupt, 130)]
    [TestCase(PosixSignal.Terminate, 143)]
    [TestCase(PosixSignal.Kill, 137)]
    [Platform(Exclude = "Win", Reason = "signals are sent as POSIX systems do")]
    public void OneThatIsCutShortLeavesNoHalfFile(int signal, int exitCode)
    {
        PosixSignal.SkipWhereIgnored(signal);
        using TemporaryFolder folder = new();
        string input = folder.Write("rows.tsv", string.Concat(Enumerable.Range(0, 1_500_000).Select(static i => $"anchor {i}\tpositive {i}\n")));
        string output = folder.Write("out.jsonl.gz", "as it was");
        string hidden = folder.File(".out.jsonl.gz.new");

        string program = Path.Combine(AppContext.BaseDirectory, "MnrEngine");
        ProcessStartInfo start = new(program, ["prepare", input, "--to", "pairs", "-o", output]) { RedirectStandardOutput = true };
        using (Process process = Process.Start(start)!)
        {
            for (Stopwatch clock = Stopwatch.StartNew(); !(File.Exists(hidden) && new FileInfo(hidden).Length > 0); Thread.Sleep(2))
            {
                Assert.That(process.HasExited, Is.False, () => process.StandardOutput.ReadToEnd());
                Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromMinutes(2)));
            }

            PosixSignal.Send(process, signal);
            string told = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.EqualTo(exitCode), told);
            Assert.That(told, signal == PosixSignal.Kill ? Is.Empty : Does.EndWith($"stopped; {output} was not written\n"));
        }

        Assert.That(File.ReadAllText(output), Is.EqualTo("as it was"));
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(signal == PosixSignal.Kill ? 3 : 2));

        Outcome again = Program.Run("prepare", folder.Write("few.tsv", "a\tb\n"), "--to", "pairs", "-o", output, "--histogram", "none");

        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(File.Exists(hidden), Is.False);
    }

    /// <summary>
    /// Triplets need all texts at once: 176 MB of them here, no two alike, which nobody's data exceeds by much. The rest of 500 MB is for where they are, for
    /// the rows written and for what reading leaves behind.
    /// </summary>
    [Test]
    [Platform("Linux", Reason = "the most memory at once is asked of the system while the program runs")]
    public void TripletsOfAMillionRowsOfDifferentTextsTakeLessThanHalfAGigabyte([Values("rows.tsv", "rows.parquet")] string name)
    {
        const string Words = "some words that make the text as long as those of the longer genres, ";
        using TemporaryFolder folder = new();
        string input = folder.Write("rows.tsv", "premise\thypothesis\tlabel\n" + string.Concat(Enumerable.Range(0, 1_000_000).Select(static i =>
            $"premise {i / 2}: {Words}{Words}{(i / 2 * 7919L) % 1_000_003}\thypothesis {i}: {Words}{(i * 7919L) % 1_000_003}\t{i % 2 * 2}\n")));
        if (name != "rows.tsv")
        {
            Outcome converted = Program.Run("prepare", input, "--to", "labelled", "-o", folder.File(name), "--histogram", "none");
            Assert.That(converted.ExitCode, Is.Zero, converted.Error);
        }

        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "MnrEngine"), ["prepare", folder.File(name), "--to", "triplets", "-o", folder.File("triplets.jsonl")]);
        using Process process = Process.Start(start)!;
        long most = MostMemory(process);

        TestContext.Out.WriteLine($"{most / 1e6:0} MB");
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(File.ReadLines(folder.File("triplets.jsonl")).Count(), Is.EqualTo(1_000_000));
        Assert.That(most, Is.InRange(50_000_000, 500_000_000));
    }

    /// <summary>The most memory that a process has had at once, asked for until it ends.</summary>
    private static long MostMemory(Process process)
    {
        long most = 0;
        try
        {
            for (; !process.HasExited; Thread.Sleep(5))
            {
                process.Refresh();
                most = Math.Max(most, process.PeakWorkingSet64);
            }
        }
        catch (InvalidOperationException)
        {
            // It ended between the two questions.
        }

        process.WaitForExit();
        return most;
    }
}
