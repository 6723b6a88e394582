using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class AtomicFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void AFileIsMadeAndReplaced()
    {
        string path = _folder.Path("a", "b", "file");
        AtomicFile.Write(path, stream => stream.Write("one"u8));
        Assert.That(File.ReadAllText(path), Is.EqualTo("one"));
        AtomicFile.Write(path, stream => stream.Write("2"u8));
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(path), Is.EqualTo("2"));
            Assert.That(Directory.GetFileSystemEntries(_folder.Path("a", "b")), Is.EqualTo(new[] { path }));
        });
    }

    [Test]
    public void AFailureLeavesTheOldFileAndNothingElse()
    {
        string path = _folder.Write("file", "old");
        Assert.Multiple(() =>
        {
            Assert.That(() => AtomicFile.Write(path, WriteSomeAndThrow(new InvalidOperationException("oops"))), Throws.InvalidOperationException.With.Message.EqualTo("oops"));
            Assert.That(() => AtomicFile.Write(path, WriteSomeAndThrow(new IOException("No space left on device"))), Refusal.Saying(path, "can't be written: No space left on device"));
            Assert.That(File.ReadAllText(path), Is.EqualTo("old"));
            Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EqualTo(new[] { path }));
        });
    }

    [Test]
    public void WhatAKilledWriterLeftIsReplaced()
    {
        string path = _folder.Path("file");
        _folder.Write(".file.new", "a longer text than the one that follows");
        AtomicFile.Write(path, stream => stream.Write("new"u8));
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(path), Is.EqualTo("new"));
            Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EqualTo(new[] { path }));
        });
    }

    [Test]
    public void APlaceThatCanNotBeWrittenIsRefused()
    {
        string file = _folder.Write("file", "");
        Assert.Multiple(() =>
        {
            Assert.That(() => AtomicFile.Write(_folder.Root, _ => { }), Refusal.Saying(_folder.Root, "it is a folder"));
            Assert.That(() => AtomicFile.Write(Path.Combine(file, "inside"), _ => { }), Refusal.Saying(file, "can't be written"));
            Assert.That(() => AtomicFile.Write("/", _ => { }), Refusal.Saying("root of the file system"));
        });
    }

    [Test]
    public void ALinkStaysAndItsTargetIsReplaced()
    {
        string target = _folder.Write("real/file", "old");
        string link = _folder.Path("link");
        File.CreateSymbolicLink(link, target);
        AtomicFile.Write(link, stream => stream.Write("new"u8));
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(target), Is.EqualTo("new"));
            Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo(target));
        });
    }

    /// <summary>What <see cref="AtomicFile.Write"/> would refuse is refused, and finding out changes nothing.</summary>
    [Test]
    public void WhetherAPlaceCanBeWrittenShowsWithoutWriting()
    {
        string file = _folder.Write("file", "old");
        DateTime written = File.GetLastWriteTimeUtc(file);
        File.CreateSymbolicLink(_folder.Path("link"), file);
        File.CreateSymbolicLink(_folder.Path("nowhere"), Path.Combine(file, "inside"));
        string[] before = Directory.GetFileSystemEntries(_folder.Root);

        Assert.Multiple(() =>
        {
            Assert.That(() => AtomicFile.CheckWritable(file), Throws.Nothing);
            Assert.That(() => AtomicFile.CheckWritable(_folder.Path("link")), Throws.Nothing);
            Assert.That(() => AtomicFile.CheckWritable(_folder.Path("new")), Throws.Nothing);
            Assert.That(() => AtomicFile.CheckWritable(_folder.Path("new", "deep", "file")), Throws.Nothing);
            Assert.That(() => AtomicFile.CheckWritable(_folder.Root), Refusal.Saying(_folder.Root, "it is a folder"));
            Assert.That(() => AtomicFile.CheckWritable(Path.Combine(file, "deep", "inside")), Refusal.Saying("can't be written", $"{file} is a file where a folder is expected"));
            Assert.That(() => AtomicFile.CheckWritable(_folder.Path("nowhere")), Refusal.Saying("can't be written"));
            Assert.That(() => AtomicFile.CheckWritable("/"), Refusal.Saying("root of the file system"));
        });
        Assert.That(Directory.GetFileSystemEntries(_folder.Root), Is.EquivalentTo(before));
        Assert.That((File.ReadAllText(file), File.GetLastWriteTimeUtc(file)), Is.EqualTo(("old", written)));
    }

    private static Action<Stream> WriteSomeAndThrow(Exception error) => stream =>
    {
        stream.Write("half"u8);
        throw error;
    };
}
