using System.Globalization;

namespace MnrEngine.Trainer.Reporting;

/// <summary>Times as people write them.</summary>
internal static class Durations
{
    /// <summary>Minutes and seconds, <c>4:09</c>, with hours when there are any, <c>1:04:09</c>.</summary>
    public static string Text(TimeSpan duration)
    {
        TimeSpan rounded = TimeSpan.FromSeconds(Math.Round(duration.TotalSeconds));
        return rounded.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(long)rounded.TotalHours}:{rounded.Minutes:00}:{rounded.Seconds:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{rounded.Minutes}:{rounded.Seconds:00}");
    }
}
