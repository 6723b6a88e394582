using MnrEngine.Optimizers;
using MnrEngine.Trainer.Reporting;
using MnrEngine.Training;
using NUnit.Framework;
using Spectre.Console;

namespace MnrEngine.Trainer.Tests.Reporting;

public sealed class DisplayTests
{
    private static readonly RunPlan Plan = new(100, 50, 0, 3200, 0, new LearningRateSchedule(ScheduleKind.Linear, 10, 100), 1);

    [Test]
    public void ALogHasALineEverySoManyStepsAndForTheLast()
    {
        using StringWriter output = new();
        LogDisplay display = new(output, everySteps: 40);
        display.Started(Plan);

        for (int step = 1; step <= 100; step += 5)
        {
            display.StepsFinished([.. Enumerable.Range(step, 5).Select(Step)]);
        }

        string[] lines = output.ToString().TrimEnd().Split(Environment.NewLine);
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[0], Is.EqualTo("step 40/100  epoch 0.80  loss 2.5000  lr 1.00e-4  grad_norm 3.25  640 pairs/s  4,000 tokens/s  0:06 left"));
        Assert.That(lines[1], Does.StartWith("step 80/100 "));
        Assert.That(lines[2], Does.StartWith("step 100/100 ").And.EndWith("0:00 left"));
    }

    [TestCase(160, "step 40/100  loss 2.5000  lr 1.00e-4  640 pairs/s  4,000 tokens/s  0:06 left")]
    [TestCase(90, "━ step 40/100  loss 2.5000  lr 1.00e-4  640 pairs/s  4,000 tokens/s  0:06 left")]
    [TestCase(74, "step 40/100 loss 2.5000 lr 1.00e-4 640 pairs/s 4,000 tokens/s 0:06 left")]
    [TestCase(40, "step 40/100 loss 2.5000 lr 1.00e-4 640…")]
    public void ATerminalShowsOneLineAndKeepsMessages(int width, string line)
    {
        using StringWriter output = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = width;
        TerminalDisplay display = new(console);

        int result = display.Run(() =>
        {
            display.Started(Plan);
            display.StepsFinished([Step(40)]);
            display.Message("step 40: an evaluation");
            return 5;
        });

        Assert.That(result, Is.EqualTo(5));
        Assert.That(output.ToString(), Does.Contain("step 40: an evaluation").And.Contain(line));
    }

    [TestCase(0, "0:00")]
    [TestCase(59.6, "1:00")]
    [TestCase(3599, "59:59")]
    [TestCase(90061, "25:01:01")]
    public void DurationsReadAsClocks(double seconds, string text) => Assert.That(Durations.Text(TimeSpan.FromSeconds(seconds)), Is.EqualTo(text));

    private static StepRecord Step(int number) => new(number, number / 50.0, 2.5, 1e-4, 3.25, 64, 400, 0.1);
}
