using MnrEngine.Trainer.Profiling;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests.Profiling;

public sealed class StepRangeTests
{
    [TestCase("steps=20..25", 20, 25)]
    [TestCase("20..25", 20, 25)]
    [TestCase("steps=7", 7, 7)]
    [TestCase("1..1", 1, 1)]
    public void IsTwoNumbersOrOne(string text, int first, int last) => Assert.That(StepRange.Parse("--profile", text), Is.EqualTo(new StepRange(first, last)));

    [TestCase("")]
    [TestCase("steps=")]
    [TestCase("steps=20-25")]
    [TestCase("steps=20..")]
    [TestCase("steps=..25")]
    [TestCase("steps=1..2..3")]
    [TestCase("steps=0..5")]
    [TestCase("steps=-1..5")]
    [TestCase("steps= 1..5")]
    [TestCase("steps=1..99999999999")]
    [TestCase("step=1..5")]
    [TestCase("epochs=1..2")]
    public void AnythingElseIsRefusedWithAnExample(string text) =>
        Assert.That(() => StepRange.Parse("--profile", text), Throws.TypeOf<InputException>().With.Message.EqualTo($"--profile is '{text}', but has to be steps=FIRST..LAST with two numbers from 1, such as steps=20..25"));

    [Test]
    public void AnEndBeforeTheBeginningIsRefused() =>
        Assert.That(() => StepRange.Parse("--profile", "steps=25..20"), Throws.TypeOf<InputException>().With.Message.Contains("its last step comes before its first"));
}
