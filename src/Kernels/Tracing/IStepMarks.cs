namespace MnrEngine.Kernels.Tracing;

/// <summary>
/// Where in a step the engine is. Each mark holds until the next of its sort, so that none has to be taken back when something fails. What
/// <see cref="IKernels.Marks"/> gives is told, and nobody is when that is null, as it is unless someone asked for a profile.
/// </summary>
public interface IStepMarks
{
    /// <summary>A step begins, and with it <see cref="StepPhase.Upload"/>.</summary>
    /// <param name="step">The number of a training step, from 1; null for a batch that is only encoded.</param>
    void BeginStep(int? step);

    /// <summary>The step is over; no phase and no layer holds any more.</summary>
    void EndStep();

    /// <summary>A phase begins, in no layer yet.</summary>
    void EnterPhase(StepPhase phase);

    /// <summary>What follows belongs to this part of the network, or with null to none.</summary>
    void EnterLayer(LayerName? layer);
}

/// <summary>Hears of every operation, too.</summary>
public interface IOperationListener : IStepMarks
{
    /// <summary>An operation is about to be called.</summary>
    /// <param name="operation">Its name in <see cref="IKernels"/>; always the same object for the same operation.</param>
    /// <param name="cost">What it has to move and to compute.</param>
    void BeginOperation(string operation, in OperationCost cost);

    /// <summary>The call has returned; the device may still be at work.</summary>
    void EndOperation();
}
