namespace MnrEngine.Serialization;

/// <summary>The engine's version, as saved models name it.</summary>
internal static class EngineVersion
{
    /// <summary>Major, minor and patch: <c>0.1.0</c>.</summary>
    public static string Text { get; } = typeof(EngineVersion).Assembly.GetName().Version!.ToString(3);
}
