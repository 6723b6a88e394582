using MnrEngine.Training;

namespace MnrEngine.Trainer.Reporting;

/// <summary>Shows a person how a run goes.</summary>
internal interface IRunDisplay
{
    /// <summary>Runs the training; what is shown lives as long as it.</summary>
    T Run<T>(Func<T> training);

    /// <summary>The run begins or goes on.</summary>
    void Started(RunPlan plan);

    /// <summary>Steps have finished.</summary>
    void StepsFinished(IReadOnlyList<StepRecord> steps);

    /// <summary>Shows a line that stays.</summary>
    void Message(string line);
}
