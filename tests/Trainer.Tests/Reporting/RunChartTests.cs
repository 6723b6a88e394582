using MnrEngine.Trainer.Reporting;
using MnrEngine.Training;
using NUnit.Framework;
using SkiaSharp;

namespace MnrEngine.Trainer.Tests.Reporting;

public sealed class RunChartTests
{
    [Test]
    public void DrawsLossEvaluationsAndWords()
    {
        using TemporaryFolder folder = new();

        RunChart.Save(History(steps: 100), "a run", folder.File("chart.png"));

        using SKBitmap chart = SKBitmap.Decode(folder.File("chart.png"));
        Assert.That((chart.Width, chart.Height), Is.EqualTo((1200, 700)));
        Assert.Multiple(() =>
        {
            Assert.That(Pixels(chart, chart.Info.Rect).Count(static p => p.Blue > p.Red + 60), Is.GreaterThan(500), "pixels of the blue loss curve");
            Assert.That(Pixels(chart, chart.Info.Rect).Count(static p => p.Red > p.Blue + 60), Is.GreaterThan(500), "pixels of the orange evaluation curve");
            Assert.That(Pixels(chart, new SKRectI(0, 0, 1200, 35)).Count(static p => p.Red < 100), Is.GreaterThan(50), "dark pixels of the title's letters");
        });
    }

    [TestCase(0)]
    [TestCase(1)]
    public void ARunThatHasHardlyBegunHasAChartToo(int steps)
    {
        using TemporaryFolder folder = new();

        RunChart.Save(History(steps), "a run", folder.File("chart.png"));

        Assert.That(SKBitmap.Decode(folder.File("chart.png")), Is.Not.Null);
    }

    private static RunHistory History(int steps)
    {
        RunHistory history = new();
        for (int i = 1; i <= steps; i++)
        {
            history.Steps.Add((new StepRecord(i, i / 50.0, 1 + (3 / Math.Sqrt(i)), 1e-4, 1, 64, 400, 0.1), DateTimeOffset.UnixEpoch));
        }

        for (int step = 0; step <= steps; step += 20)
        {
            history.Evaluations.Add((new EvaluationRecord(step, 0, "dev", "dev_x", new Dictionary<string, double> { ["dev_x"] = 0.5 + (step / 400.0) }, 1), DateTimeOffset.UnixEpoch));
        }

        return history;
    }

    private static IEnumerable<SKColor> Pixels(SKBitmap bitmap, SKRectI area)
    {
        for (int y = area.Top; y < area.Bottom; y++)
        {
            for (int x = area.Left; x < area.Right; x++)
            {
                yield return bitmap.GetPixel(x, y);
            }
        }
    }
}
