using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests;

public sealed class FixturesTests
{
    [Test]
    public void TheFixturesAreHere() => Assert.That(Directory.Exists(Fixtures.Root));
}
