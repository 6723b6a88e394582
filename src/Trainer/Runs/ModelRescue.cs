using System.Globalization;
using MnrEngine.Models;
using MnrEngine.Serialization;

namespace MnrEngine.Trainer.Runs;

/// <summary>Saves a trained model somewhere else when its own place can't be written, since the weights are worth more than the order.</summary>
internal static class ModelRescue
{
    /// <summary>Where a model is saved instead, the first place that can be written: beside the run's folder, then where the system keeps temporary files.</summary>
    /// <param name="output">The run's folder.</param>
    public static IEnumerable<string> Places(string output)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        yield return Free($"{full}-model");
        yield return Free(Path.Combine(Path.GetTempPath(), $"mnrengine-{Path.GetFileName(full)}-model"));
    }

    /// <summary>Saves a model in the first place that can be written; nothing that is there is touched.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="card">Its card.</param>
    /// <param name="places">The folders to try, none of which is there.</param>
    /// <returns>What became of it, to follow the sentence about what failed.</returns>
    public static string Save(SentenceEncoder encoder, ModelCard card, IEnumerable<string> places)
    {
        List<string> refused = [];
        foreach (string place in places)
        {
            try
            {
                encoder.Save(place, card);
                return $"and its model was saved in {place} instead";
            }
            catch (InputException error)
            {
                refused.Add(error.Message);
            }
        }

        return $"but its model couldn't be saved elsewhere either: {string.Join("; ", refused)}";
    }

    private static string Free(string folder) => Enumerable.Range(1, int.MaxValue)
        .Select(number => number == 1 ? folder : string.Create(CultureInfo.InvariantCulture, $"{folder}-{number}"))
        .First(static name => !Path.Exists(name));
}
