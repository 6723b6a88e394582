using System.IO.Compression;
using System.Text;
using MnrEngine.Data;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Data;

/// <summary>Every fault of a data file is told in one sentence that names the file and, where there is one, the line.</summary>
public sealed class BadDataTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [TestCase("none.tsv")]
    [TestCase("none.zip")]
    [TestCase("none")]
    public void AMissingFile(string name) => Check(name, "the data file FILE does not exist");

    [Test]
    public void AFolder()
    {
        Directory.CreateDirectory(_folder.Path("data.tsv"));
        Check("data.tsv", "FILE is a folder, but a data file was expected");
    }

    [Test]
    public void NoFilesAtAll() =>
        Assert.That(() => TextDataset.Load([]), Throws.TypeOf<InputException>().With.Message.EqualTo("the data set names no files, but needs at least one"));

    [TestCase("data.tsv")]
    [TestCase("data.csv")]
    [TestCase("data.jsonl")]
    public void AnEmptyFile(string name) => Check(name, "", "the data file FILE is empty, but at least one row is needed");

    [TestCase("data.tsv")]
    [TestCase("data.csv")]
    [TestCase("data.jsonl")]
    public void AFileOfBlankLines(string name) => Check(name, "\n \n\n", "the data file FILE has no rows, but at least one is needed");

    [Test]
    public void ALineThatFillsTheMemory()
    {
        // Zeros that take no room on the disk.
        using (FileStream file = File.Create(_folder.Path("data.jsonl")))
        {
            file.SetLength((256L << 20) + 1);
        }

        Check("data.jsonl", "FILE, line 1: the line is longer than 256 MiB, as no row of data is");
    }

    [Test]
    public void AnEmptyCompressedFile() =>
        Check("data.tsv.gz", Convert.FromHexString("1f8b080000000000000303000000000000000000"), "the data file FILE has no rows, but at least one is needed");

    [Test]
    public void AHeaderAndNothingElse() =>
        Check("data.tsv", "anchor\tpositive\n", "no row of the data set is left (FILE: 0 rows, 0 kept), but at least one is needed");

    [Test]
    public void NoRowWithALabelToKeep() =>
        Check(
            "data.tsv",
            "premise\thypothesis\tlabel\na\tb\tneutral\nc\td\t-\n",
            "no row of the data set is left (FILE: 2 rows, 0 kept, 1 without a label, 1 with another label), but at least one is needed",
            source => source with { Labels = ["entailment"] });

    [TestCase("data.xlsx", "the format of FILE can't be told from its extension '.xlsx': let its name end with .tsv, .csv, .jsonl or .parquet, or name the format (a config's format, prepare's --format)")]
    [TestCase("data.gz", "the format of FILE can't be told from its name, which has no extension: let its name end with .tsv, .csv, .jsonl or .parquet, or name the format (a config's format, prepare's --format)")]
    public void AnUnknownExtension(string name, string message) => Check(name, "a\tb\n", message);

    [Test]
    public void AnUnclosedQuote() =>
        Check(
            "data.csv",
            "anchor,positive\na,b\n\"c,d\ne,f\n",
            "FILE, line 3: the row that begins here opens a quotation mark that is never closed, but CSV needs them in pairs");

    [Test]
    public void AnUnclosedQuoteThatAnotherSeemsToClose() =>
        Check(
            "data.csv",
            "anchor,positive\n\"a\nb\",c\n\"d,e\nf,\"g\"\n",
            "FILE, line 4: the row that begins here has text between a closing quotation mark and the next comma, so one may have been left open or not doubled");

    /// <summary>Names that are known make a line a header, though one that is needed is not among them; and what is called a negative or a score is no positive.</summary>
    [TestCase("data.tsv", "gold_label\tsentence1_parse\tsentence1\tcaptionID\nneutral\t(a)\ta\t1\n", "gold_label, sentence1_parse, sentence1, captionID")]
    [TestCase("data.csv", "anchor,negative\na,b\n", "anchor, negative")]
    [TestCase("data.jsonl", "{\"anchor\": \"a\", \"negative_1\": \"b\"}\n", "anchor, negative_1")]
    [TestCase("data.jsonl", "{\"sentence1\": \"a\", \"score\": \"0.5\"}\n", "sentence1, score")]
    public void AHeaderThatLacksAColumn(string name, string text, string columns) =>
        Check(name, text, $"which columns of FILE are the texts can't be guessed from {columns}: name them");

    [TestCase("data.tsv", "anchor\tpositive\tnegative\na\tb\tc\n\nd\te\n", "FILE, line 4: found 2 columns, but at least 3 are needed")]
    [TestCase("data.tsv", "a b\tc d\ne f\n", "FILE, line 2: found 1 column, but at least 2 are needed")]
    [TestCase("data.csv", "anchor,positive,id\na,b,1\n\"c\nc\",d,2\ne,f\n", "FILE, line 5: found 2 columns, but the first line has 3")]
    [TestCase("data.csv", "anchor,positive\na, b,c\n", "FILE, line 2: found 3 columns, but the first line has 2")]
    public void ARowOfTooFewOrTooManyColumns(string name, string text, string message) => Check(name, text, message);

    [Test]
    public void OneColumnWhereAPairIsNeeded() =>
        Check("data.tsv", "hello\nworld\n", "FILE, line 1: found 1 text column, but a pair needs 2: is the delimiter right?");

    [TestCase("data.tsv", "anchor\tpositive\nf\u00fcr\tb\nc\t")]
    [TestCase("data.csv", "anchor,positive\n\"two\nlines\",")]
    [TestCase("data.jsonl", "{\"anchor\": \"a\", \"positive\": \"b\"}\n\n{\"anchor\": \"")]
    [TestCase("data.jsonl", "{\"anchor\": \"a\", \"positive\": \"b\"}\n\n{\"anchor\": \"c\", \"positive\": \"d\", \"other\": \"")]
    public void InvalidUtf8(string name, string before)
    {
        int line = before.Count(c => c == '\n') + 1;
        int column = Encoding.UTF8.GetByteCount(before[(before.LastIndexOf('\n') + 1)..]) + 1;
        byte[] bytes = [.. Encoding.UTF8.GetBytes(before), 0xfc, .. "rest\n"u8];
        Check(name, bytes, $"FILE, line {line}: byte {column} (0xfc) is not valid UTF-8, but data files must be UTF-8 text");
    }

    [Test]
    public void InvalidUtf8InTheHeader() =>
        Check("data.tsv", [0xff, .. "a\tb\n"u8], "FILE, line 1: byte 1 (0xff) is not valid UTF-8, but data files must be UTF-8 text");

    [Test]
    public void ACharacterCutOffAtTheEndOfTheFile() =>
        Check("data.tsv", [.. "a\tb\nc\t"u8, 0xe2, 0x82], "FILE, line 2: byte 3 (0xe2) is not valid UTF-8, but data files must be UTF-8 text");

    [TestCase("{\"anchor\": \"c\", \"positive\" \"d\"}", "the JSON is malformed at byte 28, but each line must be a JSON object")]
    [TestCase("{\"anchor\": \"c\",", "the JSON is malformed at byte 15, but each line must be a JSON object")]
    [TestCase("{\"anchor\": \"c\", \"positive\": \"d\"} {}", "the JSON is malformed at byte 34, but each line must be a JSON object")]
    [TestCase("{'anchor': 'c'}", "the JSON is malformed at byte 2, but each line must be a JSON object")]
    [TestCase("[\"c\", \"d\"]", "found an array, but each line must be a JSON object")]
    [TestCase("\"c\"", "found a string, but each line must be a JSON object")]
    [TestCase("{\"anchor\": \"c\"}", "the object has no key 'positive', which the first one has")]
    [TestCase("{\"anchor\": \"c\", \"positive\": null}", "the key 'positive' holds null, but a string was expected")]
    [TestCase("{\"anchor\": 5, \"positive\": \"d\"}", "the key 'anchor' holds a number, but a string was expected")]
    [TestCase("{\"anchor\": [\"c\"], \"positive\": \"d\"}", "the key 'anchor' holds an array, but a string was expected")]
    [TestCase("{\"anchor\": \"\\ud800\", \"positive\": \"d\"}", "a JSON string has half of a surrogate pair, but must be valid Unicode")]
    public void AMalformedJsonLine(string line, string message) =>
        Check("data.jsonl", "{\"anchor\": \"a\", \"positive\": \"b\"}\n" + line + "\n", "FILE, line 2: " + message);

    [Test]
    public void AnArrayOfObjectsInsteadOfLines() =>
        Check("data.json", "[\n{\"anchor\": \"a\"}\n]\n", "FILE, line 1: found an array, but each line must be a JSON object");

    [TestCase("data.tsv", "premise\thypothesis\n", "FILE has no column 'claim': it has premise, hypothesis")]
    [TestCase("data.csv", "premise,hypothesis\n", "FILE has no column 'claim': it has premise, hypothesis")]
    [TestCase("data.jsonl", "{\"premise\": \"a\", \"hypothesis\": \"b\"}\n", "FILE has no column 'claim': it has premise, hypothesis")]
    public void AMissingColumn(string name, string text, string message) => Check(name, text, message, source => source with { Columns = ["premise", "claim"] });

    [Test]
    public void ANameWhereColumnsHaveNone() =>
        Check(
            "data.tsv",
            "a\tb\n",
            "the column 'premise' can't be found in FILE, which has no header line: give its position, counted from 0",
            source => source with { Columns = ["premise", "1"], HasHeader = false });

    [Test]
    public void APositionThatIsNotThere() =>
        Check("data.tsv", "a\tb\n", "FILE has no column 2, counted from 0: its first line has 2", source => source with { Columns = ["0", "2"] });

    [Test]
    public void ColumnsThatCannotBeGuessed() =>
        Check(
            "data.jsonl",
            "{\"x\": \"a\", \"y\": \"b\", \"z\": \"c\"}\n",
            "which columns of FILE are the texts can't be guessed from x, y, z: name them");

    [Test]
    public void AFilterWithoutALabelColumn() =>
        Check(
            "data.tsv",
            "premise\thypothesis\na\tb\n",
            "FILE is to be filtered by label, but no label column is named and none is called label or gold_label",
            source => source with { Labels = ["entailment"] });

    [Test]
    public void FilesOfDifferentNumbersOfColumns()
    {
        string pairs = _folder.Write("pairs.tsv", "anchor\tpositive\na\tb\n");
        string triplets = _folder.Write("triplets.tsv", "anchor\tpositive\tnegative\na\tb\tc\n");
        Assert.That(
            () => TextDataset.Load([new DatasetSource(pairs), new DatasetSource(triplets)]),
            Throws.TypeOf<InputException>().With.Message.EqualTo(
                $"{triplets} has 3 text columns (anchor, positive, negative), but {pairs} has 2 (anchor, positive) and the files of a data set need the same number"));
    }

    [TestCase('"')]
    [TestCase('\n')]
    [TestCase('→')]
    public void AnImpossibleDelimiter(char delimiter) =>
        Check(
            "data.csv",
            "a,b\n",
            $"the delimiter of FILE is '{delimiter}', but must be an ASCII character other than a quotation mark or line break",
            source => source with { Delimiter = delimiter });

    [Test]
    public void ACompressedFileCutShortAnywhere()
    {
        string rows = string.Concat(Enumerable.Range(0, 3_000).Select(i => $"anchor {i * 7919 % 3_001}\tpositive {i * 104_729 % 5_003}\n"));
        byte[] whole = Gzip(rows);
        string path = _folder.Path("data.tsv.gz");
        int[] lengths = [2, 3, 9, 10, 11, 100, whole.Length / 2, whole.Length - 9, whole.Length - 8, whole.Length - 4, whole.Length - 1];
        foreach (int length in lengths)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.That(
                () => TextDataset.Load(new DatasetSource(path)),
                Throws.TypeOf<InputException>().With.Message.StartsWith($"the gzip file {path} is ").And.Message.EndsWith("so its rows can't be trusted"),
                $"{length} of {whole.Length} bytes");
        }
    }

    [Test]
    public void ACompressedFileWithAWrongByte()
    {
        byte[] bytes = Gzip(string.Concat(Enumerable.Repeat("some anchor\tsome positive\n", 100)));
        bytes[^6] ^= 1;
        Check("data.tsv.gz", bytes, "the gzip file FILE is damaged or cut short, so its rows can't be trusted");
    }

    [Test]
    public void ACompressedFileWithSomethingBehind() =>
        Check("data.tsv.gz", [.. Gzip("a\tb\n"), .. new byte[100]], "the gzip file FILE is cut short or followed by something else, so its rows can't be trusted");

    [Test]
    public void AFileNamedGzThatIsNot() => Check("data.tsv.gz", "a\tb\n", "FILE is not a gzip file, but its name ends with .gz");

    [Test]
    public void SettingsThatJsonLinesDoNotHave() =>
        Check(
            "data.jsonl",
            "{\"anchor\": \"a\", \"positive\": \"b\"}\n",
            "FILE is read as JSON lines, which have neither a delimiter nor a header line, but one is set for it",
            source => source with { HasHeader = true });

    private static byte[] Gzip(string text)
    {
        using MemoryStream bytes = new();
        using (GZipStream gzip = new(bytes, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return bytes.ToArray();
    }

    private void Check(string name, string text, string message, Func<DatasetSource, DatasetSource>? change = null) =>
        Check(name, Encoding.UTF8.GetBytes(text), message, change);

    private void Check(string name, byte[] content, string message, Func<DatasetSource, DatasetSource>? change = null)
    {
        File.WriteAllBytes(_folder.Path(name), content);
        Check(name, message, change);
    }

    private void Check(string name, string message, Func<DatasetSource, DatasetSource>? change = null)
    {
        DatasetSource source = new(_folder.Path(name));
        Assert.That(
            () => TextDataset.Load(change is null ? source : change(source)),
            Throws.TypeOf<InputException>().With.Message.EqualTo(message.Replace("FILE", source.Path, StringComparison.Ordinal)));
    }
}
