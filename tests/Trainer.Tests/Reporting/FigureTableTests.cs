using MnrEngine.Trainer.Reporting;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Reporting;

/// <summary>Tables of figures on terminals of any width: no name is cut off and no figure broken.</summary>
public sealed class FigureTableTests
{
    [Test]
    public void WhereThereIsRoomItIsATable()
    {
        string[] lines = Lines(80);

        Assert.That(lines[0], Does.Match("^ *source +read +no label +kept *$"));
        Assert.That(lines[2], Does.Match(@"^ *snli_1\.0_train\.jsonl +550,152 +785 +549,367 *$"));
    }

    [TestCase(50)]
    [TestCase(30)]
    public void WhereThereIsNotEachRowHasLinesOfItsOwn(int width)
    {
        string[] lines = Lines(width);

        Assert.That(lines.Select(static line => line.Length), Is.All.LessThanOrEqualTo(width));
        Assert.That(lines[0], Is.EqualTo("snli_1.0_train.jsonl"));
        Assert.That(string.Join(' ', lines[1..].Select(static line => line.Trim())), Is.EqualTo("read 550,152, no label 785, kept 549,367 all read 550,152, no label 785, kept 549,367"));
    }

    private static string[] Lines(int width)
    {
        FigureTable table = new("source", ["read", "no label", "kept"]);
        table.Add("snli_1.0_train.jsonl", ["550,152", "785", "549,367"]);
        table.AddSpace();
        table.Add("all", ["550,152", "785", "549,367"]);
        using StringWriter output = new();
        table.Write(output, width);
        return [.. output.ToString().Split(Environment.NewLine).Select(static line => line.TrimEnd()).Where(static line => line.Length > 0)];
    }
}
