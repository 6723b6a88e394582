using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

/// <summary>Each test runs twice: with the exchange of two folders in one step, where the system has it, and with two renames.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class AtomicFolderTests(bool canExchange)
{
    private TemporaryFolder _folder = null!;

    private string Model => _folder.Path("model");

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TemporaryFolder();
        if (canExchange && !OperatingSystem.IsLinux())
        {
            Assert.Ignore("only Linux exchanges two folders in one step");
        }
    }

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AFolderIsMadeWithThoseAboveIt()
    {
        string path = _folder.Path("a", "b", "model");
        AtomicFolder.Replace(path, Fill("one"), canExchange);
        Assert.Multiple(() =>
        {
            Assert.That(Content(path), Is.EqualTo("one"));
            Assert.That(Directory.GetFileSystemEntries(_folder.Path("a", "b")), Is.EqualTo(new[] { path }));
        });
    }

    [Test]
    public void AFolderIsReplacedAsAWhole()
    {
        _folder.Write("model/left over", "");
        AtomicFolder.Replace(Model, Fill("one"), canExchange);
        AtomicFolder.Replace(Model + Path.DirectorySeparatorChar, Fill("two"), canExchange);
        Assert.Multiple(() =>
        {
            Assert.That(Content(Model), Is.EqualTo("two"));
            Assert.That(Directory.GetFileSystemEntries(Model).Select(Path.GetFileName), Is.EquivalentTo(new[] { "text", "inner" }));
            AssertNothingElse();
        });
    }

    [Test]
    public void TheOldFolderIsThereWhileTheNewOneIsFilled()
    {
        AtomicFolder.Replace(Model, Fill("old"), canExchange);
        AtomicFolder.Replace(Model, folder =>
        {
            Assert.That(Content(Model), Is.EqualTo("old"));
            Fill("new")(folder);
        }, canExchange);
        Assert.That(Content(Model), Is.EqualTo("new"));
    }

    [Test]
    public void AFailureLeavesTheOldFolderAndNothingElse()
    {
        AtomicFolder.Replace(Model, Fill("old"), canExchange);
        Assert.Multiple(() =>
        {
            Assert.That(() => AtomicFolder.Replace(Model, FillAndThrow(new InvalidOperationException("oops")), canExchange), Throws.InvalidOperationException.With.Message.EqualTo("oops"));
            Assert.That(() => AtomicFolder.Replace(Model, FillAndThrow(new IOException("No space left on device")), canExchange), Refusal.Saying(Model, "can't be written: No space left on device"));
            Assert.That(Content(Model), Is.EqualTo("old"));
            AssertNothingElse();
        });
    }

    [Test]
    public void WhatAWriterLeftThatWasKilledWhileFillingIsRemoved()
    {
        AtomicFolder.Replace(Model, Fill("old"), canExchange);
        _folder.Write(".model.new/half", "written");
        AtomicFolder.Replace(Model, Fill("new"), canExchange);
        Assert.Multiple(() =>
        {
            Assert.That(Content(Model), Is.EqualTo("new"));
            Assert.That(File.Exists(Path.Combine(Model, "half")), Is.False);
            AssertNothingElse();
        });
    }

    [Test]
    public void AWriterThatWasKilledBetweenTwoRenamesLosesNothing()
    {
        AtomicFolder.Replace(Model, Fill("old"), canExchange);
        Directory.Move(Model, _folder.Path(".model.old"));
        Fill("new")(Directory.CreateDirectory(_folder.Path(".model.new")).FullName);
        AtomicFolder.Recover(Model);
        Assert.Multiple(() =>
        {
            Assert.That(Content(Model), Is.EqualTo("old"));
            AssertNothingElse();
        });
    }

    [Test]
    public void AWriterThatWasKilledBeforeItRemovedTheOldFolderLosesNothing()
    {
        AtomicFolder.Replace(Model, Fill("new"), canExchange);
        Fill("old")(Directory.CreateDirectory(_folder.Path(".model.old")).FullName);
        AtomicFolder.Recover(Model);
        Assert.Multiple(() =>
        {
            Assert.That(Content(Model), Is.EqualTo("new"));
            AssertNothingElse();
        });
    }

    [Test]
    public void APlaceThatCanNotBeWrittenIsRefused()
    {
        string file = _folder.Write("file", "text");
        Assert.Multiple(() =>
        {
            Assert.That(() => AtomicFolder.Replace(file, Fill("x"), canExchange), Refusal.Saying(file, "it is a file where a folder is expected"));
            Assert.That(() => AtomicFolder.Replace(Path.Combine(file, "inside"), Fill("x"), canExchange), Refusal.Saying(file, "can't be written"));
            Assert.That(() => AtomicFolder.Replace("/", Fill("x"), canExchange), Refusal.Saying("root of the file system"));
            Assert.That(File.ReadAllText(file), Is.EqualTo("text"));
        });
    }

    [Test]
    public void ALinkStaysAndItsTargetIsReplaced()
    {
        AtomicFolder.Replace(Model, Fill("old"), canExchange);
        string link = _folder.Path("link");
        Directory.CreateSymbolicLink(link, Model);
        AtomicFolder.Replace(link, Fill("new"), canExchange);
        Assert.Multiple(() =>
        {
            Assert.That(Content(Model), Is.EqualTo("new"));
            Assert.That(new DirectoryInfo(link).LinkTarget, Is.EqualTo(Model));
        });
    }

    private static Action<string> Fill(string text) => folder =>
    {
        File.WriteAllText(Path.Combine(folder, "text"), text);
        Directory.CreateDirectory(Path.Combine(folder, "inner"));
        File.WriteAllText(Path.Combine(folder, "inner", "text"), text);
    };

    private static Action<string> FillAndThrow(Exception error) => folder =>
    {
        Fill("half")(folder);
        throw error;
    };

    private static string Content(string folder)
    {
        string text = File.ReadAllText(Path.Combine(folder, "text"));
        Assert.That(File.ReadAllText(Path.Combine(folder, "inner", "text")), Is.EqualTo(text));
        return text;
    }

    private void AssertNothingElse() => Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EqualTo(new[] { Model }));
}
