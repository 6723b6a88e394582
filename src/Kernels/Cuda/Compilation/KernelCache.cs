using System.Security.Cryptography;
using System.Text;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>Compiled kernels in the cache, told apart by all that decides what they are.</summary>
/// <param name="Key">See <see cref="KernelCache.Key"/>.</param>
/// <param name="Target">What they were compiled for: sm_90, or compute_90 as PTX.</param>
/// <param name="Compiler">NVRTC's version.</param>
/// <param name="Driver">The CUDA that the driver was for.</param>
internal sealed record KeptKernels(string Key, string Target, Version Compiler, Version Driver)
{
    /// <summary>Their file's name.</summary>
    public string FileName => $"{Key}-{Target}-nvrtc{Compiler}-driver{Driver}.bin";

    /// <summary>What a file's name says, or null when it is none of ours.</summary>
    public static KeptKernels? Parse(string fileName)
    {
        string[] parts = Path.GetFileNameWithoutExtension(fileName).Split('-');
        return parts is [string key, string target, ['n', 'v', 'r', 't', 'c', .. string compiler], ['d', 'r', 'i', 'v', 'e', 'r', .. string driver]]
            && Version.TryParse(compiler, out Version? compilerVersion) && Version.TryParse(driver, out Version? driverVersion)
                ? new KeptKernels(key, target, compilerVersion, driverVersion)
                : null;
    }
}

/// <summary>
/// Compiled kernels on disk, so that only the first start on a machine compiles, and none has to where there is no compiler. A file is named by what decides its contents, and holds its own
/// checksum, so that one that is damaged counts as none. Where nothing can be written, everything works without.
/// </summary>
internal static class KernelCache
{
    /// <summary>Names the folder; otherwise it is MnrEngine under XDG_CACHE_HOME, ~/.cache or LOCALAPPDATA.</summary>
    public const string Variable = "MNR_CACHE";

    private static ReadOnlySpan<byte> Magic => "MNRKERN1"u8;

    /// <summary>The folder.</summary>
    public static string Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            {
                return Path.Combine(named, "kernels");
            }

            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string place = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
                : Path.Combine(home, ".cache");
            return Path.Combine(place, "MnrEngine", "kernels");
        }
    }

    /// <summary>A checksum of what is known without a compiler: the sources, how they are compiled, and the GPU's generation.</summary>
    public static string Key(IEnumerable<KernelSource> sources, string language, Version capability)
    {
        StringBuilder all = new();
        foreach (KernelSource source in sources)
        {
            all.Append(source.Hash).Append(' ').AppendLine(source.Name);
        }

        all.AppendLine(language).Append("capability ").Append(capability);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())));
    }

    /// <summary>All that are kept under a key: first those that were made for this driver, and of these those of the newest compiler.</summary>
    public static IReadOnlyList<KeptKernels> All(string key, Version driver)
    {
        try
        {
            return
            [
                .. from file in Directory.EnumerateFiles(Folder, $"{key}-*.bin")
                   let kept = KeptKernels.Parse(Path.GetFileName(file))
                   where kept is not null
                   orderby kept.Driver == driver descending, kept.Driver descending, kept.Compiler descending
                   select kept,
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    /// <summary>The image that is kept, or null when there is none or it is damaged.</summary>
    public static byte[]? Find(KeptKernels kernels)
    {
        try
        {
            byte[] file = File.ReadAllBytes(FileOf(kernels));
            int start = Magic.Length + SHA256.HashSizeInBytes;
            bool isWhole = file.Length > start && file.AsSpan().StartsWith(Magic) && SHA256.HashData(file.AsSpan(start)).AsSpan().SequenceEqual(file.AsSpan(Magic.Length, SHA256.HashSizeInBytes));
            return isWhole ? file[start..] : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Keeps an image. Several processes may do so at once: the file appears whole or not at all.</summary>
    public static void Keep(KeptKernels kernels, byte[] image)
    {
        string file = FileOf(kernels);
        string temporary = $"{file}.{Environment.ProcessId}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(Folder);
            using (FileStream stream = File.Create(temporary))
            {
                stream.Write(Magic);
                stream.Write(SHA256.HashData(image));
                stream.Write(image);
            }

            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            TryDelete(temporary);
        }
    }

    private static string FileOf(KeptKernels kernels) => Path.Combine(Folder, kernels.FileName);

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // It was never there, or stays as rubbish in a cache.
        }
    }
}
