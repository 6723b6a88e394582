using System.Globalization;
using MnrEngine.Hub;
using Spectre.Console;

namespace MnrEngine.Trainer.Reporting;

/// <summary>Shows downloads: a bar for each file on a terminal, otherwise plain lines. Where nothing is fetched, nothing is shown.</summary>
internal static class DownloadDisplay
{
    private static readonly string[] Units = ["bytes", "kB", "MB", "GB", "TB"];

    /// <summary>Fetches something, and shows how it goes.</summary>
    /// <param name="log">Where: bars are drawn only if this is the terminal, and HF_HUB_DISABLE_PROGRESS_BARS is not set.</param>
    /// <param name="settings">The hub's settings.</param>
    /// <param name="fetch">Fetches.</param>
    public static T Run<T>(TextWriter log, HubSettings settings, Func<IDownloadProgress, T> fetch)
    {
        bool terminal = (log == Console.Out && !Console.IsOutputRedirected) || (log == Console.Error && !Console.IsErrorRedirected);
        if (!terminal || !settings.ProgressBars)
        {
            return fetch(new Lines(log));
        }

        using Bars bars = new(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(log) }));
        return fetch(bars);
    }

    /// <summary>A number of bytes for a person: <c>90.9 MB</c>.</summary>
    internal static string Size(long bytes)
    {
        int unit = bytes < 1000 ? 0 : Math.Min(Units.Length - 1, (int)Math.Log(bytes, 1000));
        double value = bytes / Math.Pow(1000, unit);
        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("0.0", CultureInfo.InvariantCulture))} {Units[unit]}");
    }

    /// <summary>A line when a file begins, and for large ones one for each quarter.</summary>
    internal sealed class Lines(TextWriter log) : IDownloadProgress
    {
        private const long Large = 50_000_000;
        private const int Parts = 4;

        private string _file = "";
        private long _size;
        private long _part;

        public void Begin(string file, long size, long present)
        {
            (_file, _size, _part) = (file, size, Part(present, size));
            Message($"fetching {file}, {Size(size)}{(present > 0 ? $", of which {Size(present)} are there" : "")}");
        }

        public void Reached(long present)
        {
            long part = Part(present, _size);
            if (_size >= Large && part > _part && part < Parts)
            {
                Message(string.Create(CultureInfo.InvariantCulture, $"fetching {_file}: {part * 100 / Parts}%"));
            }

            _part = part;
        }

        public void End()
        {
        }

        public void Message(string line)
        {
            log.WriteLine(line);
            log.Flush();
        }

        private static long Part(long present, long size) => size == 0 ? Parts : present * Parts / size;
    }

    /// <summary>A bar for each file. They are drawn by a thread that begins with the first of them, since even no bars take some lines of the terminal.</summary>
    private sealed class Bars(IAnsiConsole console) : IDownloadProgress, IDisposable
    {
        private readonly ManualResetEventSlim _drawing = new(), _finished = new();
        private Task? _thread;
        private ProgressContext? _context;
        private ProgressTask? _bar;

        public void Begin(string file, long size, long present)
        {
            _thread ??= Task.Run(Draw);
            _drawing.Wait();
            _bar = _context!.AddTask(Markup.Escape(file), maxValue: Math.Max(1, size));
            _bar.Value = present;
        }

        public void Reached(long present) => _bar!.Value = present;

        public void End()
        {
            _bar!.Value = _bar.MaxValue;
            _bar.StopTask();
        }

        public void Message(string line) => console.WriteLine(line);

        public void Dispose()
        {
            _finished.Set();
            _thread?.Wait();
            _finished.Dispose();
            _drawing.Dispose();
        }

        private void Draw() => console.Progress().AutoClear(false).HideCompleted(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = 24 },
                new PercentageColumn(),
                new DownloadedColumn { Base = FileSizeBase.Decimal },
                new TransferSpeedColumn { Base = FileSizeBase.Decimal },
                new RemainingTimeColumn())
            .Start(context =>
            {
                _context = context;
                _drawing.Set();
                _finished.Wait();
            });
    }
}
