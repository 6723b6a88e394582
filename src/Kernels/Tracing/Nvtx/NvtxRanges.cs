using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Tracing;

/// <summary>Ranges of one NVTX domain.</summary>
internal interface INvtxDomain
{
    /// <summary>Opens a range inside the open ones.</summary>
    /// <param name="name">Its name; one object for all ranges of the name.</param>
    /// <param name="number">A number shown with it, or -1.</param>
    void Push(string name, long number);

    /// <summary>Closes the range opened last.</summary>
    void Pop();
}

/// <summary>
/// Marks steps, phases, parts of the network and operations as NVTX ranges, one in the other, in the domain <c>MnrEngine</c>, for Nsight Systems and
/// Nsight Compute.
/// </summary>
public sealed class NvtxRanges : IOperationListener
{
    private const string DomainName = "MnrEngine";

    private readonly INvtxDomain _domain;
    private int _depth;

    internal NvtxRanges(INvtxDomain domain)
    {
        _domain = domain;
    }

    /// <summary>How deep ranges of a sort lie: those below are closed when one begins.</summary>
    private enum Depth
    {
        Step = 1,
        Phase,
        Layer,
        Operation,
    }

    /// <summary>Ranges for the tool that watches this process.</summary>
    /// <returns>Null when none does, or the native library is not there.</returns>
    public static NvtxRanges? Open()
    {
        if (!NativeLibrary.TryLoad(Interop.Nvtx.Library, typeof(NvtxRanges).Assembly, null, out _))
        {
            return null;
        }

        nint domain = Interop.Nvtx.Domain(DomainName);
        return domain == 0 ? null : new NvtxRanges(new NativeDomain(domain));
    }

    /// <inheritdoc/>
    public void BeginStep(int? step)
    {
        Close(Depth.Step);
        Push(step is null ? "encode" : "step", step ?? -1);
        EnterPhase(StepPhase.Upload);
    }

    /// <inheritdoc/>
    public void EndStep() => Close(Depth.Step);

    /// <inheritdoc/>
    public void EnterPhase(StepPhase phase)
    {
        // Outside a step, such as in a pass of a test, there is nothing that would close it.
        if (_depth >= (int)Depth.Step)
        {
            Close(Depth.Phase);
            Push(phase.Name(), -1);
        }
    }

    /// <inheritdoc/>
    public void EnterLayer(LayerName? layer)
    {
        Close(Depth.Layer);
        if (layer is not null && _depth == (int)Depth.Phase)
        {
            Push(layer.Name, -1);
        }
    }

    /// <inheritdoc/>
    public void BeginOperation(string operation, in OperationCost cost) => Push(operation, -1);

    /// <inheritdoc/>
    public void EndOperation()
    {
        _depth--;
        _domain.Pop();
    }

    private void Push(string name, long number)
    {
        _depth++;
        _domain.Push(name, number);
    }

    private void Close(Depth depth)
    {
        while (_depth >= (int)depth)
        {
            _depth--;
            _domain.Pop();
        }
    }

    /// <summary>The domain of the native library. Texts are registered when they are first used.</summary>
    private sealed class NativeDomain(nint domain) : INvtxDomain
    {
        private readonly Dictionary<string, nint> _texts = [];

        public void Push(string name, long number)
        {
            if (!_texts.TryGetValue(name, out nint text))
            {
                text = Interop.Nvtx.String(domain, name);
                _texts.Add(name, text);
            }

            Interop.Nvtx.Push(domain, text, number);
        }

        public void Pop() => Interop.Nvtx.Pop(domain);
    }
}
