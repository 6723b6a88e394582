using System.Text.Json.Serialization;

namespace MnrEngine.Training;

/// <summary>
/// Where a run stands between two steps. Samplers and dropout are functions of seeds and these counters, so that nothing else is needed to
/// go on as if nothing had happened, besides weights and moments.
/// </summary>
public sealed record TrainingState
{
    /// <summary>Optimizer steps done.</summary>
    public int Step { get; init; }

    /// <summary>The epoch under way, counted from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>Batches of that epoch done.</summary>
    public int Batch { get; init; }

    /// <summary>Training passes done: the step number of dropout.</summary>
    public int Passes { get; init; }

    /// <summary>The best evaluation so far, or null.</summary>
    public double? BestScore { get; init; }

    /// <summary>The step of the best evaluation.</summary>
    public int? BestStep { get; init; }

    /// <summary>The key of the figure that decides which evaluation is best, settled by the first; null before.</summary>
    public string? DecidingMetric { get; init; }

    /// <summary>The last step that was evaluated, or -1, so that a resumed run does not evaluate it again.</summary>
    public int EvaluatedStep { get; init; } = -1;

    /// <summary>What the run was started with, key by key: a resumed run has to agree.</summary>
    public IReadOnlyDictionary<string, string> Setup { get; init; } = new Dictionary<string, string>();
}

/// <summary>The best evaluation so far, with the names that transformers' trainer_state.json has for it.</summary>
/// <param name="BestGlobalStep">The step whose weights were best.</param>
/// <param name="Epoch">The epoch, with the part of it that was done.</param>
/// <param name="MetricForBestModel">The figure that decided.</param>
/// <param name="BestMetric">Its value.</param>
public sealed record BestEvaluation(int BestGlobalStep, double Epoch, string MetricForBestModel, double BestMetric);

/// <summary>JSON for <see cref="TrainingState"/> and <see cref="BestEvaluation"/>, generated so that it works without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainingState))]
[JsonSerializable(typeof(BestEvaluation))]
internal sealed partial class TrainingStateJson : JsonSerializerContext;
