using System.Runtime.InteropServices;

namespace MnrEngine.Trainer.Runs;

/// <summary>
/// Turns SIGINT (Ctrl-C) and SIGTERM into a wish to stop after the step under way. A second one ends the program at once, as if nobody had listened.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action<string> _tell;
    private readonly string _message;
    private int _signal;

    /// <summary>Begins to listen.</summary>
    /// <param name="tell">Is told what will happen now; called on another thread.</param>
    /// <param name="message">What it is told.</param>
    public Interruption(Action<string> tell, string message = "stopping after this step; once more ends the program at once")
    {
        _tell = tell;
        _message = message;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    /// <summary>Is cancelled by a signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>What the program returns after the signal that came.</summary>
    public int ExitCode => (PosixSignal)Volatile.Read(ref _signal) == PosixSignal.SIGTERM ? ExitCodes.Terminated : ExitCodes.Interrupted;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (Interlocked.CompareExchange(ref _signal, (int)context.Signal, 0) != 0)
        {
            return;
        }

        context.Cancel = true;
        _tell(_message);
        _stop.Cancel();
    }
}
