using MnrEngine.Optimizers;

namespace MnrEngine.Training;

/// <summary>What a run will do, told before its first step.</summary>
/// <param name="Steps">Optimizer steps of the whole run.</param>
/// <param name="StepsPerEpoch">Optimizer steps of one epoch.</param>
/// <param name="FirstStep">The number of steps done already, in a resumed run.</param>
/// <param name="Rows">Rows of the data set.</param>
/// <param name="TruncatedSentences">
/// Sentences of the data set that were cut at the maximum length; null where the data set is so large that it is tokenised while training has begun: see <see cref="ITrainingObserver.Tokenized"/>.
/// </param>
/// <param name="Schedule">The learning-rate schedule.</param>
/// <param name="DeviceBytes">Memory reserved for weights, gradients, moments and activations.</param>
public sealed record RunPlan(
    int Steps, int StepsPerEpoch, int FirstStep, int Rows, int? TruncatedSentences, LearningRateSchedule Schedule, long DeviceBytes);

/// <summary>One optimizer step.</summary>
/// <param name="Step">Its number, counted from 1.</param>
/// <param name="Epoch">The epoch it belongs to, counted from 0, with the part of it that is done.</param>
/// <param name="Loss">The mean loss of its batch.</param>
/// <param name="LearningRate">The rate it used.</param>
/// <param name="GradientNorm">The global norm of its gradients before clipping.</param>
/// <param name="Rows">Rows of its batch.</param>
/// <param name="Tokens">Tokens of its batch, all columns together.</param>
/// <param name="Seconds">Wall-clock time it took; the mean over the steps reported together.</param>
public sealed record StepRecord(
    int Step, double Epoch, double Loss, double LearningRate, double GradientNorm, int Rows, int Tokens, double Seconds);

/// <summary>The figures of one evaluation.</summary>
/// <param name="Step">The number of steps done before it.</param>
/// <param name="Epoch">The epoch, with the part of it that is done.</param>
/// <param name="Name">The evaluator's name.</param>
/// <param name="PrimaryMetric">The key of the figure that tells which evaluation is best; larger is better.</param>
/// <param name="Figures">All figures by sentence-transformers' keys.</param>
/// <param name="Seconds">Wall-clock time it took.</param>
public sealed record EvaluationRecord(
    int Step, double Epoch, string Name, string PrimaryMetric, IReadOnlyDictionary<string, double> Figures, double Seconds)
{
    /// <summary>The figure under <see cref="PrimaryMetric"/>.</summary>
    public double Primary => Figures[PrimaryMetric];
}

/// <summary>How a run ended.</summary>
/// <param name="Completed">False when it was asked to stop; it can then be resumed from <paramref name="Checkpoint"/>.</param>
/// <param name="Steps">Steps done, those before a resumption included.</param>
/// <param name="Checkpoint">The checkpoint written on the way out, or null.</param>
/// <param name="BestStep">The step whose weights the model now has, where the best evaluation was to be kept.</param>
public sealed record TrainingOutcome(bool Completed, int Steps, string? Checkpoint, int? BestStep);

/// <summary>Is told what happens in a run.</summary>
public interface ITrainingObserver
{
    /// <summary>The run is about to begin or to go on.</summary>
    void Started(RunPlan plan);

    /// <summary>All sentences of a large data set are tokenised now.</summary>
    /// <param name="truncatedSentences">How many of them were cut at the maximum length.</param>
    void Tokenized(int truncatedSentences);

    /// <summary>Steps have finished; the list is valid during the call.</summary>
    void StepsFinished(IReadOnlyList<StepRecord> steps);

    /// <summary>An evaluation has finished.</summary>
    void Evaluated(EvaluationRecord evaluation);

    /// <summary>A checkpoint has been written.</summary>
    void CheckpointWritten(int step, string folder);
}

/// <summary>A training run cannot go on: the numbers broke down or a device failed. The message is one sentence.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Creates the error from its sentence.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }
}
