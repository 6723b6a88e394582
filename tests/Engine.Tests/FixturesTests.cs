using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests;

public sealed class FixturesTests
{
    [Test]
    public void TheFixturesAreHere() => Assert.That(Directory.Exists(Fixtures.Root));
}
