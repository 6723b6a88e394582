using NUnit.Framework;

namespace MnrEngine.Testing;

/// <summary>
/// Where tests find what the reference libraries gave. <c>MNR_FIXTURES</c> names another folder of the same layout, so that
/// the suite can be pointed at other cases; otherwise the copy in tests/fixtures is used.
/// </summary>
public static class Fixtures
{
    /// <summary>The repository's root: the nearest folder above the test program that holds MnrEngine.sln, or null when the suite runs elsewhere.</summary>
    public static string? RepositoryRoot { get; } = FindRoot();

    /// <summary>The folder of fixtures.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("MNR_FIXTURES") is { Length: > 0 } named
            ? System.IO.Path.GetFullPath(named)
            : System.IO.Path.Combine(RepositoryRoot ?? AppContext.BaseDirectory, "tests", "fixtures");

    /// <summary>
    /// The path of a fixture in tests/fixtures, whatever <c>MNR_FIXTURES</c> says: of files that belong together and of which other folders have not all.
    /// </summary>
    public static string Own(params string[] parts) => System.IO.Path.Combine([RepositoryRoot ?? AppContext.BaseDirectory, "tests", "fixtures", .. parts]);

    /// <summary>A fixture's path; the test fails, rather than being skipped, when it is missing.</summary>
    public static string Path(params string[] parts)
    {
        string path = System.IO.Path.Combine([Root, .. parts]);
        Assert.That(File.Exists(path) || Directory.Exists(path), $"no fixture at {path}");
        return path;
    }

    /// <summary>
    /// The folder of a published model that is too large for the repository: <c>MNR_MODELS</c>/name, else ../shared/models/name
    /// beside the repository. The test is reported as skipped when it is not there.
    /// </summary>
    public static string LargeModel(string name)
    {
        string? folder = Environment.GetEnvironmentVariable("MNR_MODELS") is { Length: > 0 } named ? named
            : RepositoryRoot is null ? null : System.IO.Path.Combine(RepositoryRoot, "..", "shared", "models");
        string? path = folder is null ? null : System.IO.Path.Combine(folder, name);
        if (path is null || !Directory.Exists(path))
        {
            Assert.Ignore($"{name} is not on this machine: set MNR_MODELS to a folder that holds it");
        }

        return path!;
    }

    private static string? FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "MnrEngine.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
