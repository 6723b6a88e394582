using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Kernels.Tests.Tracing;

/// <summary>Notes what a listener is told, a line each; an operation that is not closed before the next begins is a failure.</summary>
internal sealed class RecordedOperations : IOperationListener
{
    private bool _isOpen;

    public List<string> Lines { get; } = [];

    public Dictionary<string, OperationCost> Costs { get; } = [];

    public void BeginStep(int? step) => Lines.Add($"step {step}");

    public void EndStep() => Lines.Add("end");

    public void EnterPhase(StepPhase phase) => Lines.Add(phase.Name());

    public void EnterLayer(LayerName? layer) => Lines.Add($"{layer}");

    public void BeginOperation(string operation, in OperationCost cost)
    {
        Lines.Add(_isOpen ? "an operation inside another" : operation);
        Costs[operation] = cost;
        _isOpen = true;
    }

    public void EndOperation() => _isOpen = false;
}
