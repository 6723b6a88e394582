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
        KernelCache.Keep(KeptKernels.Parse(Path.GetFileName(KeptFile()))!, "no kernels at all"u8.ToArray());
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
    public void TheNameFollowsEverythingThatDecidesTheResult()
    {
        KernelSource source = new("a.cuh", "int a;");
        Version version = new(12, 8);
        string key = KernelCache.Key([source], "-x", version);
        string[] names =
        [
            .. ((string[])
            [
                key,
                KernelCache.Key([source with { Text = "int b;" }], "-x", version),
                KernelCache.Key([source with { Name = "b.cuh" }], "-x", version),
                KernelCache.Key([source], "-y", version),
                KernelCache.Key([source], "-x", new Version(12, 9)),
            ]).Select(key => new KeptKernels(key, "sm_90", version, version).FileName),
            new KeptKernels(key, "compute_90", version, version).FileName,
            new KeptKernels(key, "sm_90", new Version(12, 9), version).FileName,
            new KeptKernels(key, "sm_90", version, new Version(12, 9)).FileName,
        ];
        Assert.That(names, Is.Unique);
        Assert.That(KernelCache.Key([source], "-x", version), Is.EqualTo(key));
        Assert.That(names.Select(KeptKernels.Parse).Select(static kept => kept!.FileName), Is.EqualTo(names), "a name says what it is of");
    }

    [Test]
    public void ThoseOfThisDriverComeFirstAndThenTheNewest()
    {
        KeptKernels[] expected =
        [
            new("k", "sm_90", new Version(12, 8), new Version(12, 4)),
            new("k", "sm_90", new Version(12, 4), new Version(12, 4)),
            new("k", "sm_90", new Version(12, 4), new Version(13, 0)),
            new("k", "compute_80", new Version(11, 8), new Version(12, 2)),
        ];
        foreach (KeptKernels kernels in expected.Reverse().Append(new KeptKernels("other", "sm_90", new Version(12, 8), new Version(12, 4))))
        {
            KernelCache.Keep(kernels, [1]);
        }

        File.WriteAllText(Path.Combine(KernelCache.Folder, "k-notes.bin"), "none of ours");
        Assert.That(KernelCache.All("k", new Version(12, 4)), Is.EqualTo(expected));
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
