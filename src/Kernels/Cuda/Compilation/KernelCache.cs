using System.Security.Cryptography;
using System.Text;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>
/// Compiled kernels on disk, so that only the first start on a machine compiles. A file is named by what decides its contents, and holds its own checksum, so
/// that one that is damaged counts as none. Where nothing can be written, everything works without.
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

    /// <summary>The name of what is compiled from these sources with these options.</summary>
    public static string Key(IEnumerable<KernelSource> sources, IEnumerable<string> options, Version compiler, Version driver)
    {
        StringBuilder all = new();
        foreach (KernelSource source in sources)
        {
            all.Append(source.Hash).Append(' ').AppendLine(source.Name);
        }

        all.AppendJoin('\n', options).AppendLine().Append("nvrtc ").Append(compiler).Append(" driver ").Append(driver);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())));
    }

    /// <summary>What was kept under a key, or null.</summary>
    public static byte[]? Find(string key)
    {
        try
        {
            byte[] file = File.ReadAllBytes(FileOf(key));
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
    public static void Keep(string key, byte[] image)
    {
        string file = FileOf(key);
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

    private static string FileOf(string key) => Path.Combine(Folder, key + ".bin");

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
