using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>One dropout place in the step under way: gives what a run of elements is multiplied by.</summary>
internal readonly unsafe struct DropoutFactors
{
    private readonly Philox _random;
    private readonly float _probability;

    /// <summary>Reads seed and step from the dropout's state, which on the CPU lies at hand.</summary>
    public DropoutFactors(in Dropout dropout)
    {
        _probability = dropout.Probability;
        if (dropout.IsActive)
        {
            uint* state = (uint*)dropout.State.Address;
            _random = new Philox(state[0] | ((ulong)state[1] << 32), (uint)dropout.Site, state[2]);
        }
    }

    /// <summary>Whether any element can be dropped; if not, there is nothing to fill.</summary>
    public bool IsActive => _probability > 0;

    /// <summary>Writes 1 / (1 - probability) for each element that is kept and 0 for each that is dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill<TVector>(long firstElement, int count, float* factors)
        where TVector : struct, IFloatVector<TVector> =>
        _random.FillFactors<TVector>(_probability, firstElement, count, factors);
}
