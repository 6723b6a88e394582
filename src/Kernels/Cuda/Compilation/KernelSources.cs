using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>A source file of the kernels.</summary>
/// <param name="Name">Its name without folders.</param>
/// <param name="Text">What it says, with Unix line ends.</param>
internal sealed record KernelSource(string Name, string Text)
{
    /// <summary>SHA-256 of the text in hexadecimal, as <c>sha256sum</c> prints it.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
}

/// <summary>The kernels' sources, which the program carries with it. kernels.cu includes the others, here by their bare names.</summary>
internal static class KernelSources
{
    private const string Prefix = "kernels/";
    private const string Main = "kernels.cu";
    private const string IncludedFolder = "#include \"src/Kernels/Cuda/Native/";

    /// <summary>All files, by name.</summary>
    public static IReadOnlyList<KernelSource> All { get; } =
    [
        .. from name in Assembly.GetExecutingAssembly().GetManifestResourceNames()
           where name.StartsWith(Prefix, StringComparison.Ordinal)
           orderby name
           select Read(name),
    ];

    /// <summary>The file that is compiled.</summary>
    public static KernelSource Unit
    {
        get
        {
            KernelSource main = All.Single(static source => source.Name == Main);
            return main with { Text = main.Text.Replace(IncludedFolder, "#include \"", StringComparison.Ordinal) };
        }
    }

    /// <summary>The files that it includes.</summary>
    public static IReadOnlyList<KernelSource> Headers => [.. All.Where(static source => source.Name != Main)];

    /// <summary>The checksums of all files, one a line: what lies beside a kernels.fatbin as kernels.fatbin.sources.</summary>
    public static string Checksums => string.Concat(All.Select(static source => $"{source.Hash}  {source.Name}\n"));

    private static KernelSource Read(string resource)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;
        using StreamReader reader = new(stream, Encoding.UTF8);
        return new KernelSource(resource[Prefix.Length..], reader.ReadToEnd().ReplaceLineEndings("\n"));
    }
}
