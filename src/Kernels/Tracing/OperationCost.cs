namespace MnrEngine.Kernels.Tracing;

/// <summary>
/// The least that an operation has to do, whatever the implementation: each operand read once and each result written once; the additions and
/// multiplications of its formula, with exp, log, tanh, erf, division and square root as one each.
/// </summary>
/// <param name="Bytes">Bytes read and written.</param>
/// <param name="Flops">Floating-point operations; a multiply-add is two.</param>
public readonly record struct OperationCost(long Bytes, long Flops)
{
    /// <summary>Both sums.</summary>
    public static OperationCost operator +(OperationCost left, OperationCost right) => new(left.Bytes + right.Bytes, left.Flops + right.Flops);
}
