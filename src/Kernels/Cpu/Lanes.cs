using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Loads and stores for loops over rows of any width: such a loop runs
/// <c>for (int i = 0; i &lt; width; i += TVector.Count)</c> and calls these with <c>width - i</c>, so that its body is written once and the
/// last, shorter register is handled here. Lanes beyond the row read as zero and are not written.
/// </summary>
internal static unsafe class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(float* source, int remaining)
        where TVector : struct, IFloatVector<TVector> =>
        remaining >= TVector.Count ? TVector.Load(source) : TVector.LoadFirst(source, remaining);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector>(TVector value, float* destination, int remaining)
        where TVector : struct, IFloatVector<TVector>
    {
        if (remaining >= TVector.Count)
        {
            TVector.Store(value, destination);
        }
        else
        {
            TVector.StoreFirst(value, destination, remaining);
        }
    }
}
