using MnrEngine.Trainer.Reporting;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Reporting;

/// <summary>Downloads in a log.</summary>
public sealed class DownloadDisplayTests
{
    [Test]
    public void ASmallFileIsOneLine()
    {
        Assert.That(Shown(static lines =>
        {
            lines.Begin("owner/name/config.json", 612, 0);
            lines.Reached(612);
            lines.End();
        }), Is.EqualTo(["fetching owner/name/config.json, 612 bytes"]));
    }

    [Test]
    public void ALargeFileTellsItsQuarters()
    {
        Assert.That(
            Shown(static lines =>
            {
                lines.Begin("owner/name/model.safetensors", 400_000_000, 50_000_000);
                for (long present = 60_000_000; present <= 400_000_000; present += 10_000_000)
                {
                    lines.Reached(present);
                }

                lines.End();
            }),
            Is.EqualTo([
                "fetching owner/name/model.safetensors, 400.0 MB, of which 50.0 MB are there",
                "fetching owner/name/model.safetensors: 25%",
                "fetching owner/name/model.safetensors: 50%",
                "fetching owner/name/model.safetensors: 75%"]));
    }

    [TestCase(0, "0 bytes")]
    [TestCase(999, "999 bytes")]
    [TestCase(1000, "1.0 kB")]
    [TestCase(90_888_945, "90.9 MB")]
    [TestCase(1_340_000_000, "1.3 GB")]
    public void Sizes(long bytes, string text) => Assert.That(DownloadDisplay.Size(bytes), Is.EqualTo(text));

    private static string[] Shown(Action<DownloadDisplay.Lines> download)
    {
        using StringWriter log = new();
        download(new DownloadDisplay.Lines(log));
        return log.ToString().Split(log.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
