using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>On the CPU a tensor's device address is an address of this process.</summary>
internal static unsafe class TensorPointers
{
    /// <summary>The first element, or null for <see cref="Tensor.None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Floats(this Tensor tensor) => tensor.IsNone ? null : (float*)tensor.Address;

    /// <summary>The first element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int* Integers(this Tensor tensor) => (int*)tensor.Address;

    /// <summary>Whether two tensors share memory.</summary>
    public static bool Overlaps(this Tensor tensor, Tensor other) =>
        ReferenceEquals(tensor.Arena, other.Arena) && tensor.Offset < other.Offset + other.Bytes && other.Offset < tensor.Offset + tensor.Bytes;

    /// <summary>Whether the tensor's memory is a part of another's.</summary>
    public static bool IsInside(this Tensor tensor, Tensor other) =>
        ReferenceEquals(tensor.Arena, other.Arena) && other.Offset <= tensor.Offset && tensor.Offset + tensor.Bytes <= other.Offset + other.Bytes;

    /// <summary>Whether the arena that the tensor lies in has been released.</summary>
    public static bool IsReleased(this Tensor tensor) => tensor.Arena!.Address == 0;

    /// <summary>The tensor as an operand of matrix products.</summary>
    public static MatrixView Matrix(this Tensor tensor) => new((float*)tensor.Address, tensor.Rows, tensor.Columns);
}
