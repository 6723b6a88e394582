using MnrEngine.Kernels.Cuda.Compilation;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda;

/// <summary>A row-major matrix operand of a product.</summary>
/// <param name="Address">Its first element.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Stride">Elements from one of its rows to the next.</param>
/// <param name="IsTransposed">Whether the product takes it transposed.</param>
internal readonly record struct ProductOperand(nint Address, ElementType Type, int Stride, bool IsTransposed = false)
{
    /// <summary>A tensor as it lies.</summary>
    public ProductOperand(in Tensor tensor)
        : this(tensor.Address, tensor.Type, tensor.Columns)
    {
    }

    /// <summary>The same, transposed.</summary>
    public ProductOperand Transposed => this with { IsTransposed = true };

    /// <summary>Elements from one row to the next of what the product takes.</summary>
    public int RowStride => IsTransposed ? 1 : Stride;

    /// <summary>Elements from one column to the next of what the product takes.</summary>
    public int ColumnStride => IsTransposed ? Stride : 1;

    /// <summary>The alignment of its address that algorithms may count on.</summary>
    public uint Alignment => AlignmentOf(Address);

    /// <summary>The same of any address; zero of none.</summary>
    public static uint AlignmentOf(nint address) => (uint)Math.Min(DeviceArena.Alignment, address & -address);
}

/// <summary>
/// Matrix products by cublasLt: C = A B, or with a bias or added to what is there, on row-major matrices. cublasLt counts by columns, in which a row-major matrix is its own transpose: so it is
/// asked for C^T = B^T A^T, with the operands swapped and nothing moved. Products of a few numbers are a kernel's of our own (Native/small_product.cuh), which sums them exactly.
/// </summary>
/// <remarks>
/// What to do for a shape is decided once, when it first occurs: descriptions, layouts, and the algorithm that the library's heuristic puts first, which depends on nothing but shape, library and
/// GPU. So results repeat from run to run, which choosing by time would not give.
/// </remarks>
internal sealed unsafe class MatrixProducts : IDisposable
{
    /// <summary>Elements of C up to which one of them that cancels may be much of all; beyond, others make up for it.</summary>
    public const int MostSmallElements = 64;

    /// <summary>What NVIDIA recommends for Hopper; more gains nothing.</summary>
    private const long WorkspaceBytes = 32L << 20;

    private const int SmallProductThreads = 256;

    private readonly CudaContext _context;
    private readonly KernelFunctions _kernels;
    private readonly nint _handle;
    private readonly nint _workspace;
    private readonly Dictionary<Shape, Plan> _plans = [];

    public MatrixProducts(CudaContext context, KernelFunctions kernels)
    {
        _context = context;
        _kernels = kernels;
        context.Use();
        CudaLibraries.Require(CudaLibraries.CublasLt);
        fixed (nint* handle = &_handle)
        {
            Check(CublasLt.cublasLtCreate(handle), $"cublasLtCreate on {context.Device}");
        }

        _workspace = context.Allocate("cuBLASLt", WorkspaceBytes);
    }

    /// <summary>The library's version: 120803.</summary>
    public static long Version => (long)CublasLt.cublasLtGetVersion();

    /// <summary>C = A B (+ bias) (+ C).</summary>
    /// <param name="left">A, (rows, depth) as the product takes it.</param>
    /// <param name="right">B, (depth, columns) as the product takes it; of A's type.</param>
    /// <param name="result">C, (rows, columns), not transposed.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Columns of C.</param>
    /// <param name="depth">Columns of A and rows of B.</param>
    /// <param name="compute">What is computed in, at least.</param>
    /// <param name="bias">The address of a row that is added to every row, of C's type; or zero.</param>
    /// <param name="adds">Whether the product is added to what C holds.</param>
    public void Multiply(
        in ProductOperand left, in ProductOperand right, in ProductOperand result, int rows, int columns, int depth, CublasComputeType compute, nint bias = 0, bool adds = false)
    {
        if ((long)rows * columns <= MostSmallElements)
        {
            MultiplyExactly(left, right, result, rows, columns, depth, bias, adds);
            return;
        }

        Shape shape = new(
            rows, columns, depth, left.Stride, right.Stride, result.Stride, left.IsTransposed, right.IsTransposed, left.Type, result.Type, compute, ProductOperand.AlignmentOf(bias),
            left.Alignment, right.Alignment, result.Alignment);
        _context.Use();
        if (!_plans.TryGetValue(shape, out Plan? plan))
        {
            plan = new Plan(_handle, shape, bias);
            _plans.Add(shape, plan);
        }

        if (bias != 0)
        {
            SetBias(plan.Description, bias, shape);
        }

        float one = 1;
        float before = adds ? 1 : 0;
        fixed (MatmulAlgorithm* algorithm = &plan.Algorithm)
        {
            Check(
                CublasLt.cublasLtMatmul(
                    _handle, plan.Description, &one, right.Address, plan.LayoutA, left.Address, plan.LayoutB, &before, result.Address, plan.LayoutC, result.Address, plan.LayoutC,
                    algorithm, _workspace, (nuint)WorkspaceBytes, _context.Stream),
                $"cublasLtMatmul for the product {shape}");
        }

        if (_context.IsSynchronous)
        {
            _context.Synchronize();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Use();
        foreach (Plan plan in _plans.Values)
        {
            plan.Dispose();
        }

        CublasLt.cublasLtDestroy(_handle);
        _context.Free(_workspace);
    }

    private void MultiplyExactly(in ProductOperand left, in ProductOperand right, in ProductOperand result, int rows, int columns, int depth, nint bias, bool adds) =>
        _context.Launch(
            left.Type == result.Type ? _kernels.SmallProduct[left.Type] : _kernels.SmallProductToSingle!, new LaunchShape(rows * columns, SmallProductThreads),
            left.Address, left.RowStride, left.ColumnStride, right.Address, right.RowStride, right.ColumnStride, bias, result.Address, result.Stride, columns, depth, adds);

    private static void SetBias(nint description, nint bias, in Shape shape) =>
        Check(CublasLt.cublasLtMatmulDescSetAttribute(description, MatmulAttribute.BiasPointer, &bias, (nuint)sizeof(nint)), $"the bias of the product {shape}");

    private static CudaDataType Native(ElementType type) => type == ElementType.BFloat16 ? CudaDataType.BFloat16 : CudaDataType.Float32;

    /// <summary>All that decides an algorithm.</summary>
    private readonly record struct Shape(
        int Rows, int Columns, int Depth, int LeftStride, int RightStride, int ResultStride, bool LeftTransposed, bool RightTransposed, ElementType Inputs, ElementType Output,
        CublasComputeType Compute, uint BiasAlignment, uint LeftAlignment, uint RightAlignment, uint ResultAlignment)
    {
        public bool HasBias => BiasAlignment != 0;

        public override string ToString() => $"({Rows}, {Depth}){(LeftTransposed ? "^T" : "")} ({Depth}, {Columns}){(RightTransposed ? "^T" : "")} of {Inputs}, to {Output}{(HasBias ? " with a bias" : "")}";
    }

    /// <summary>What cublasLt is told about a shape. In its terms A is the right operand and B the left one.</summary>
    private sealed class Plan : IDisposable
    {
        public MatmulAlgorithm Algorithm;

        public Plan(nint handle, in Shape shape, nint bias)
        {
            try
            {
                Description = Describe(shape);
                LayoutA = Layout(shape.Inputs, shape.RightTransposed ? shape.Depth : shape.Columns, shape.RightTransposed ? shape.Columns : shape.Depth, shape.RightStride);
                LayoutB = Layout(shape.Inputs, shape.LeftTransposed ? shape.Rows : shape.Depth, shape.LeftTransposed ? shape.Depth : shape.Rows, shape.LeftStride);
                LayoutC = Layout(shape.Output, shape.Columns, shape.Rows, shape.ResultStride);
                if (bias != 0)
                {
                    // Any bias of this alignment would do: algorithms are offered for it as for the operands.
                    SetBias(Description, bias, shape);
                }

                Algorithm = Choose(handle, shape);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public nint Description { get; }

        public nint LayoutA { get; }

        public nint LayoutB { get; }

        public nint LayoutC { get; }

        public void Dispose()
        {
            foreach (nint layout in (ReadOnlySpan<nint>)[LayoutA, LayoutB, LayoutC])
            {
                if (layout != 0)
                {
                    CublasLt.cublasLtMatrixLayoutDestroy(layout);
                }
            }

            if (Description != 0)
            {
                CublasLt.cublasLtMatmulDescDestroy(Description);
            }
        }

        private static nint Describe(in Shape shape)
        {
            nint description;
            Check(CublasLt.cublasLtMatmulDescCreate(&description, shape.Compute, CudaDataType.Float32), $"cublasLtMatmulDescCreate for the product {shape}");
            Set(description, MatmulAttribute.TransposeA, shape.RightTransposed ? 1 : 0, shape);
            Set(description, MatmulAttribute.TransposeB, shape.LeftTransposed ? 1 : 0, shape);
            Set(description, MatmulAttribute.Epilogue, (int)(shape.HasBias ? MatmulEpilogue.Bias : MatmulEpilogue.Default), shape);
            return description;
        }

        private static void Set(nint description, MatmulAttribute attribute, int value, in Shape shape) =>
            Check(CublasLt.cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof(int)), $"{attribute} of the product {shape}");

        private static nint Layout(ElementType type, int rows, int columns, int leadingDimension)
        {
            nint layout;
            Check(
                CublasLt.cublasLtMatrixLayoutCreate(&layout, Native(type), (ulong)rows, (ulong)columns, leadingDimension),
                $"cublasLtMatrixLayoutCreate of {rows} x {columns}, {leadingDimension} apart");
            return layout;
        }

        private MatmulAlgorithm Choose(nint handle, in Shape shape)
        {
            nint preference;
            Check(CublasLt.cublasLtMatmulPreferenceCreate(&preference), $"cublasLtMatmulPreferenceCreate");
            try
            {
                ulong workspace = (ulong)WorkspaceBytes;
                Check(
                    CublasLt.cublasLtMatmulPreferenceSetAttribute(preference, PreferenceAttribute.MaxWorkspaceBytes, &workspace, sizeof(ulong)), $"a workspace of {workspace:N0} bytes");
                Prefer(preference, PreferenceAttribute.MinAlignmentA, shape.RightAlignment);
                Prefer(preference, PreferenceAttribute.MinAlignmentB, shape.LeftAlignment);
                Prefer(preference, PreferenceAttribute.MinAlignmentC, shape.ResultAlignment);
                Prefer(preference, PreferenceAttribute.MinAlignmentD, shape.ResultAlignment);
                MatmulHeuristic found;
                int count;
                Check(
                    CublasLt.cublasLtMatmulAlgoGetHeuristic(handle, Description, LayoutA, LayoutB, LayoutC, LayoutC, preference, 1, &found, &count),
                    $"choosing an algorithm for the product {shape}");
                return count > 0 && found.State == CublasStatus.Success
                    ? found.Algorithm
                    : throw new CudaException($"cuBLASLt {Version} ({CudaLibraries.CublasLt.Path}) has no algorithm for the product {shape}");
            }
            finally
            {
                CublasLt.cublasLtMatmulPreferenceDestroy(preference);
            }
        }

        private static void Prefer(nint preference, PreferenceAttribute attribute, uint value) =>
            Check(CublasLt.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(uint)), $"{attribute} {value}");
    }
}
