using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace MnrEngine.Trainer.Tests;

/// <summary>Signals sent to the program, by the numbers that they have on Linux and macOS alike.</summary>
internal static partial class PosixSignal
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    public static void Send(Process process, int signal) => Assert.That(SendTo(process.Id, signal), Is.Zero, $"signal {signal} could not be sent");

    /// <summary>Skips the test where programs are started with the signal ignored, which they have to leave so: a script's shell does that with the jobs that it runs in the background.</summary>
    public static void SkipWhereIgnored(int signal)
    {
        const string Ignored = "SigIgn:";
        const string Status = "/proc/self/status";
        string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(static line => line.StartsWith(Ignored, StringComparison.Ordinal)) : null;
        ulong signals = line is null ? 0 : ulong.Parse(line.AsSpan(Ignored.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if ((signals >> (signal - 1) & 1) != 0)
        {
            Assert.Ignore($"signal {signal} is ignored by what these tests start");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendTo(int process, int signal);
}
