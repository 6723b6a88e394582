using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Tests.Operations;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>Where compiled kernels come from: compiled once, kept on disk, compiled again when what was kept is damaged.</summary>
internal sealed class KernelCacheTests
{
    private string _folder = null!;
    private string? _before;

    [SetUp]
    public void UseAnEmptyCache()
    {
        _folder = Directory.CreateTempSubdirectory("mnr-cache-").FullName;

        // Using the stand-ins sets the variable; ours comes behind it.
        CudaTarget.Create(KernelTarget.ExactShapes).Dispose();
        _before = Environment.GetEnvironmentVariable(KernelCache.Variable);
        Environment.SetEnvironmentVariable(KernelCache.Variable, _folder);
    }

    [TearDown]
    public void UseTheOtherAgain()
    {
        Environment.SetEnvironmentVariable(KernelCache.Variable, _before);
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void KernelsAreCompiledOnceAndKept()
    {
        Assert.That(Origin(), Does.Not.EndWith("before"));
        Assert.That(Directory.EnumerateFiles(KernelCache.Folder).Count(), Is.EqualTo(1), "one file, and no rubbish beside it");
        Assert.That(Origin(), Does.EndWith("before"));
    }

    [Test]
    public void ADamagedFileIsCompiledAnew([Values(0, 8, 39, 40, 45)] int damagedByte)
    {
        Origin();
        string file = Directory.EnumerateFiles(KernelCache.Folder).Single();
        byte[] whole = File.ReadAllBytes(file);
        byte[] damaged = [.. whole];
        damaged[damagedByte] ^= 1;
        File.WriteAllBytes(file, damaged);

        Assert.That(Origin(), Does.Not.EndWith("before"));
        Assert.That(File.ReadAllBytes(file), Is.EqualTo(whole));
    }

    [Test]
    public void AFileCutShortIsCompiledAnew([Values(0, 5, 40)] int length)
    {
        Origin();
        string file = Directory.EnumerateFiles(KernelCache.Folder).Single();
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..length]);
        Assert.That(Origin(), Does.Not.EndWith("before"));
    }

    [Test]
    public void WhatIsKeptThatTheDriverRefusesIsCompiledAnew()
    {
        string key = Path.GetFileNameWithoutExtension(KeptFile());
        KernelCache.Keep(key, "no kernels at all"u8.ToArray());
        Assert.That(Origin(), Does.Not.EndWith("before"));
    }

    [Test]
    public void WithoutAPlaceToKeepThemTheyAreCompiledEachTime()
    {
        Environment.SetEnvironmentVariable(KernelCache.Variable, Path.Combine(_folder, "file"));
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        Assert.That(Origin(), Does.Not.EndWith("before"));
        Assert.That(Origin(), Does.Not.EndWith("before"));
    }

    [Test]
    public void AFatbinOfTheSameSourcesComesFirst([Values] bool isOfTheSameSources)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "kernels.fatbin");
        try
        {
            File.WriteAllBytes(file, KernelCompiler.Compile(KernelCompiler.Target(CudaDevice.All[0])).Bytes);
            string checksums = KernelSources.Checksums;
            File.WriteAllText(file + ".sources", isOfTheSameSources ? checksums : checksums.Replace(checksums[..4], "0000"));
            Assert.That(Origin(), isOfTheSameSources ? Does.EndWith("kernels of kernels.fatbin") : Does.Contain("compiled by NVRTC"));
        }
        finally
        {
            File.Delete(file);
            File.Delete(file + ".sources");
        }
    }

    [Test]
    public void TheKeyFollowsEverythingThatDecidesTheResult()
    {
        KernelSource source = new("a.cuh", "int a;");
        Version version = new(12, 8);
        string[] keys =
        [
            KernelCache.Key([source], ["-x"], version, version),
            KernelCache.Key([source with { Text = "int b;" }], ["-x"], version, version),
            KernelCache.Key([source with { Name = "b.cuh" }], ["-x"], version, version),
            KernelCache.Key([source], ["-y"], version, version),
            KernelCache.Key([source], ["-x"], new Version(12, 9), version),
            KernelCache.Key([source], ["-x"], version, new Version(12, 9)),
        ];
        Assert.That(keys, Is.Unique);
        Assert.That(KernelCache.Key([source], ["-x"], version, version), Is.EqualTo(keys[0]));
    }

    private static string KeptFile()
    {
        Origin();
        return Directory.EnumerateFiles(KernelCache.Folder).Single();
    }

    private static string Origin()
    {
        using CudaKernels kernels = CudaTarget.Create(KernelTarget.ExactShapes);
        return kernels.Description;
    }
}
