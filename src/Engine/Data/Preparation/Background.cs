using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace MnrEngine.Data.Preparation;

/// <summary>Runs a sequence on a thread of its own, a few elements ahead of whoever goes through it.</summary>
internal static class Background
{
    private const int Ahead = 4;

    /// <summary>The same elements; an error comes behind those before it, as without the thread.</summary>
    public static IEnumerable<T> Run<T>(IEnumerable<T> sequence)
    {
        using BlockingCollection<T> made = new(Ahead);
        using CancellationTokenSource stop = new();
        ExceptionDispatchInfo? error = null;
        Task making = Task.Factory.StartNew(Make, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            foreach (T element in made.GetConsumingEnumerable())
            {
                yield return element;
            }

            error?.Throw();
        }
        finally
        {
            stop.Cancel();
            making.Wait();
        }

        void Make()
        {
            try
            {
                foreach (T element in sequence)
                {
                    made.Add(element, stop.Token);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                made.CompleteAdding();
            }
        }
    }
}
