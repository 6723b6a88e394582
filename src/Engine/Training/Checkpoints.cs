using System.Globalization;
using System.Text.Json;
using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Models;
using MnrEngine.Optimizers;
using MnrEngine.Serialization;

namespace MnrEngine.Training;

/// <summary>
/// The checkpoints of a run, in folders <c>step-00000120</c> beside each other, and the best model so far in <c>best</c>. A checkpoint is a model
/// that sentence-transformers loads, with the optimizer's moments and the run's state beside it; it appears under its name only when whole.
/// </summary>
public sealed class Checkpoints
{
    private const string Prefix = "step-";
    private const string MomentsFile = "optimizer.safetensors";
    private const string LossFile = "loss.safetensors";
    private const string StateFile = "training_state.json";
    private const string BestFile = "best.json";
    private const string FirstMoment = "first_moment.";
    private const string SecondMoment = "second_moment.";

    private readonly string _folder;
    private readonly int _kept;

    /// <summary>Names the folder; it is made when the first checkpoint is written.</summary>
    /// <param name="folder">The folder of all checkpoints of one run.</param>
    /// <param name="kept">How many are kept; older ones are removed when a newer one is whole.</param>
    public Checkpoints(string folder, int kept)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(kept);
        _folder = folder;
        _kept = kept;
    }

    /// <summary>Where the best model so far lies.</summary>
    public string BestFolder => Path.Combine(_folder, "best");

    /// <summary>The newest checkpoint, or null.</summary>
    public string? Latest => All().LastOrDefault();

    /// <summary>Writes a checkpoint and removes those that are no longer kept.</summary>
    /// <returns>Its folder.</returns>
    public string Write(TrainingState state, SentenceEncoder encoder, AdamOptimizer optimizer, ParameterArena? lossParameters = null)
    {
        string folder = Path.Combine(_folder, Prefix + state.Step.ToString("D8", CultureInfo.InvariantCulture));
        RemoveUnfinished();
        AtomicFolder.Replace(folder, temporary =>
        {
            encoder.WriteFiles(temporary, new ModelCard());
            WriteMoments(Path.Combine(temporary, MomentsFile), encoder, optimizer);
            if (lossParameters is not null)
            {
                WriteLoss(Path.Combine(temporary, LossFile), encoder.Kernels, lossParameters, optimizer);
            }

            File.WriteAllText(Path.Combine(temporary, StateFile), JsonSerializer.Serialize(state, TrainingStateJson.Default.TrainingState));
        });
        string[] all = [.. All()];
        foreach (string old in all.Take(Math.Max(0, all.Length - _kept)))
        {
            Directory.Delete(old, recursive: true);
        }

        return folder;
    }

    /// <summary>Writes the best model so far, and beside its files in <c>best.json</c> which one it is.</summary>
    public void WriteBest(SentenceEncoder encoder, BestEvaluation evaluation) => AtomicFolder.Replace(BestFolder, temporary =>
    {
        encoder.WriteFiles(temporary, new ModelCard());
        File.WriteAllText(Path.Combine(temporary, BestFile), JsonSerializer.Serialize(evaluation, TrainingStateJson.Default.BestEvaluation) + "\n");
    });

    /// <summary>Reads a checkpoint into a model and its optimizer.</summary>
    /// <exception cref="InputException">It is not a checkpoint, is damaged, or belongs to another model.</exception>
    public static TrainingState Load(string folder, SentenceEncoder encoder, AdamOptimizer optimizer, ParameterArena? lossParameters = null)
    {
        TrainingState state = ReadState(Path.Combine(folder, StateFile));
        encoder.LoadWeights(folder);
        using SafetensorsFile moments = SafetensorsFile.Open(Path.Combine(folder, MomentsFile));
        foreach (NamedParameter parameter in Trained(encoder))
        {
            Read(moments, FirstMoment, parameter, encoder.Kernels, optimizer.FirstMoments);
            Read(moments, SecondMoment, parameter, encoder.Kernels, optimizer.SecondMoments);
        }

        if (lossParameters is not null)
        {
            ReadLoss(Path.Combine(folder, LossFile), encoder.Kernels, lossParameters, optimizer);
        }

        return state;
    }

    private static TrainingState ReadState(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), TrainingStateJson.Default.TrainingState)
                ?? throw new InputException($"{path} holds null where the state of a run is expected");
        }
        catch (FileNotFoundException error)
        {
            throw new InputException($"there is no {path}: {Path.GetDirectoryName(path)} is not a checkpoint", error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new InputException($"there is no folder {Path.GetDirectoryName(path)} to resume from", error);
        }
        catch (JsonException error)
        {
            throw new InputException($"{path} is not the state of a run: {error.Message}", error);
        }
    }

    private static void WriteMoments(string path, SentenceEncoder encoder, AdamOptimizer optimizer)
    {
        SafetensorsWriter writer = new();
        foreach ((string prefix, Tensor moments) in new[] { (FirstMoment, optimizer.FirstMoments), (SecondMoment, optimizer.SecondMoments) })
        {
            foreach (NamedParameter parameter in Trained(encoder))
            {
                writer.Add(new NamedWeight(prefix + parameter.Name, parameter.Shape, destination => encoder.Kernels.Read(Region(moments, parameter), destination)));
            }
        }

        using FileStream stream = File.Create(path);
        writer.WriteTo(stream);
    }

    /// <summary>The loss's own parameters (a classifier that the model is saved without) and their moments.</summary>
    private static void WriteLoss(string path, IKernels kernels, ParameterArena parameters, AdamOptimizer optimizer)
    {
        SafetensorsWriter writer = new();
        foreach ((string prefix, Tensor values) in LossTensors(parameters, optimizer))
        {
            foreach (NamedParameter parameter in parameters.Parameters)
            {
                writer.Add(new NamedWeight(prefix + parameter.Name, parameter.Shape, destination => kernels.Read(Region(values, parameter), destination)));
            }
        }

        using FileStream stream = File.Create(path);
        writer.WriteTo(stream);
    }

    private static void ReadLoss(string path, IKernels kernels, ParameterArena parameters, AdamOptimizer optimizer)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach ((string prefix, Tensor target) in LossTensors(parameters, optimizer))
        {
            foreach (NamedParameter parameter in parameters.Parameters)
            {
                Read(file, prefix, parameter, kernels, target);
            }
        }

        parameters.Publish();
    }

    /// <summary>Reads a parameter's numbers of some kind into their place among those of all parameters.</summary>
    private static void Read(SafetensorsFile file, string prefix, NamedParameter parameter, IKernels kernels, Tensor target) =>
        file.ReadFinite(prefix + parameter.Name, parameter.Shape, (first, values) => kernels.Write(target.View(parameter.FirstElement + first, 1, values.Length), values));

    private static (string Prefix, Tensor Values)[] LossTensors(ParameterArena parameters, AdamOptimizer optimizer)
    {
        (Tensor first, Tensor second) = optimizer.LossMoments ?? throw new InvalidOperationException("the optimizer does not train the loss's parameters");
        return [("", parameters.TrainedWeights), (FirstMoment, first), (SecondMoment, second)];
    }

    private static IEnumerable<NamedParameter> Trained(SentenceEncoder encoder) =>
        encoder.Parameters.Parameters.Where(p => p.FirstElement < encoder.Parameters.TrainedWeights.Columns);

    private static Tensor Region(Tensor moments, NamedParameter parameter) => moments.View(parameter.FirstElement, 1, parameter.Length);

    /// <summary>Checkpoints that a process was killed in the middle of: their names begin with a dot, and nobody else will remove them.</summary>
    private void RemoveUnfinished()
    {
        foreach (string unfinished in Directory.Exists(_folder) ? Directory.GetDirectories(_folder, $".{Prefix}*.new") : [])
        {
            Directory.Delete(unfinished, recursive: true);
        }
    }

    private IEnumerable<string> All() =>
        Directory.Exists(_folder)
            ? Directory.EnumerateDirectories(_folder, Prefix + "*").Where(static f => File.Exists(Path.Combine(f, StateFile))).Order(StringComparer.Ordinal)
            : [];
}
