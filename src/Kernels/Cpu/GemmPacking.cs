using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MnrEngine.Kernels.Cpu;

/// <summary>Copies pieces of matrices into the panels that <see cref="GemmKernel{TVector}"/> reads.</summary>
/// <remarks>
/// A panel is (depth, width), dense. For the left operand the width runs along its rows, for the right one along its columns; so one
/// routine each for "neighbours along the width are neighbours in memory" and for the transpose serve both.
/// </remarks>
internal static unsafe class GemmPacking
{
    /// <summary>Panels filled side by side from one stored row: enough to read long runs, few enough for the pages that a core keeps track of.</summary>
    private const int PanelsAtOnce = 4;

    /// <summary>How many stored rows ahead memory is fetched.</summary>
    private const int RowsAhead = 24;

    /// <summary>Packs neighbouring panels, one behind the other.</summary>
    /// <param name="source">The element of width 0 and depth 0.</param>
    /// <param name="stride">Elements between two stored rows.</param>
    /// <param name="alongWidth">Whether a stored row runs along the width; else it runs along the depth.</param>
    /// <param name="width">Width of a panel: 6 or a multiple of 4.</param>
    /// <param name="available">The width of all panels together; the last one is filled up with zeros.</param>
    /// <param name="depth">Depth.</param>
    /// <param name="panels">The first panel, depth * width floats.</param>
    public static void Pack(float* source, nint stride, bool alongWidth, int width, int available, int depth, float* panels)
    {
        int whole = available / width;
        nint sourceStep = alongWidth ? width : width * stride;
        nint panelStep = (nint)width * depth;
        if (alongWidth)
        {
            for (int first = 0; first < whole; first += PanelsAtOnce)
            {
                CopyRows(source + first * sourceStep, stride, width, Math.Min(PanelsAtOnce, whole - first), depth, panels + first * panelStep);
            }
        }
        else
        {
            for (int panel = 0; panel < whole; panel++)
            {
                Transpose(source + panel * sourceStep, stride, width, depth, panels + panel * panelStep);
            }
        }

        int rest = available - whole * width;
        if (rest != 0)
        {
            PackEdge(source + whole * sourceStep, alongWidth ? stride : 1, alongWidth ? 1 : stride, width, rest, depth, panels + whole * panelStep);
        }
    }

    private static void PackEdge(float* source, nint depthStride, nint widthStride, int width, int available, int depth, float* panel)
    {
        for (int k = 0; k < depth; k++)
        {
            for (int i = 0; i < width; i++)
            {
                panel[i] = i < available ? source[i * widthStride] : 0f;
            }

            source += depthStride;
            panel += width;
        }
    }

    /// <summary>Copies the width of a panel, for one k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyRow(float* from, float* to, int width)
    {
        int i = 0;
        for (; i + 8 <= width; i += 8)
        {
            Vector256.Load(from + i).Store(to + i);
        }

        for (; i + 4 <= width; i += 4)
        {
            Vector128.Load(from + i).Store(to + i);
        }

        for (; i < width; i += 2)
        {
            *(ulong*)(to + i) = *(ulong*)(from + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(float* source, nint stride, int width, int panels, int depth, float* firstPanel)
    {
        nint panelStep = (nint)width * depth;
        for (int k = 0; k < depth; k++)
        {
            float* from = source;
            float* to = firstPanel;
            for (int panel = 0; panel < panels; panel++)
            {
                // The hardware does not foresee the jump to the next row.
                Prefetch.Near(from + RowsAhead * stride);
                Prefetch.Near(from + RowsAhead * stride + width - 1);
                CopyRow(from, to, width);
                from += width;
                to += panelStep;
            }

            source += stride;
            firstPanel += width;
        }
    }

    /// <summary>Four rows by sixteen or four depths at a time; where the width is no multiple of four, the last four rows overlap the ones before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(float* source, nint stride, int width, int depth, float* panel)
    {
        int k = 0;
        for (; k + Prefetch.Line <= depth; k += Prefetch.Line)
        {
            // The same place in the next panel.
            for (int i = 0; i < width; i++)
            {
                Prefetch.Near(source + (width + i) * stride + k);
            }

            for (int i = 0; i < width; i += 4)
            {
                int row = Math.Min(i, width - 4);
                TransposeSixteen(source + row * stride + k, stride, panel + (nint)k * width + row, width);
            }
        }

        for (; k + 4 <= depth; k += 4)
        {
            for (int i = 0; i < width; i += 4)
            {
                int row = Math.Min(i, width - 4);
                TransposeFour(source + row * stride + k, stride, panel + (nint)k * width + row, width);
            }
        }

        for (; k < depth; k++)
        {
            for (int i = 0; i < width; i++)
            {
                panel[(nint)k * width + i] = source[i * stride + k];
            }
        }
    }

    /// <summary>Copies the transpose of four rows by sixteen columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void TransposeSixteen(float* from, nint fromStride, float* to, nint toStride)
    {
        if (Avx512F.IsSupported)
        {
            Vector512<float> a = Vector512.Load(from);
            Vector512<float> b = Vector512.Load(from + fromStride);
            Vector512<float> c = Vector512.Load(from + 2 * fromStride);
            Vector512<float> d = Vector512.Load(from + 3 * fromStride);
            Vector512<double> abLow = Avx512F.UnpackLow(a, b).AsDouble();
            Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
            Vector512<double> cdLow = Avx512F.UnpackLow(c, d).AsDouble();
            Vector512<double> cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();

            // Each holds, for every fourth column, the four rows' elements side by side.
            StoreQuarters(Avx512F.UnpackLow(abLow, cdLow).AsSingle(), to, 4 * toStride);
            StoreQuarters(Avx512F.UnpackHigh(abLow, cdLow).AsSingle(), to + toStride, 4 * toStride);
            StoreQuarters(Avx512F.UnpackLow(abHigh, cdHigh).AsSingle(), to + 2 * toStride, 4 * toStride);
            StoreQuarters(Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle(), to + 3 * toStride, 4 * toStride);
        }
        else
        {
            for (int column = 0; column < Prefetch.Line; column += 4)
            {
                TransposeFour(from + column, fromStride, to + column * toStride, toStride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuarters(Vector512<float> quarters, float* to, nint stride)
    {
        quarters.GetLower().GetLower().Store(to);
        Avx512F.ExtractVector128(quarters, 1).Store(to + stride);
        Avx512F.ExtractVector128(quarters, 2).Store(to + 2 * stride);
        Avx512F.ExtractVector128(quarters, 3).Store(to + 3 * stride);
    }

    /// <summary>Copies the transpose of four rows by four columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void TransposeFour(float* from, nint fromStride, float* to, nint toStride)
    {
        if (Sse.IsSupported)
        {
            Vector128<float> a = Vector128.Load(from);
            Vector128<float> b = Vector128.Load(from + fromStride);
            Vector128<float> c = Vector128.Load(from + 2 * fromStride);
            Vector128<float> d = Vector128.Load(from + 3 * fromStride);
            Vector128<float> abLow = Sse.UnpackLow(a, b);
            Vector128<float> abHigh = Sse.UnpackHigh(a, b);
            Vector128<float> cdLow = Sse.UnpackLow(c, d);
            Vector128<float> cdHigh = Sse.UnpackHigh(c, d);
            Sse.MoveLowToHigh(abLow, cdLow).Store(to);
            Sse.MoveHighToLow(cdLow, abLow).Store(to + toStride);
            Sse.MoveLowToHigh(abHigh, cdHigh).Store(to + 2 * toStride);
            Sse.MoveHighToLow(cdHigh, abHigh).Store(to + 3 * toStride);
        }
        else
        {
            for (int i = 0; i < 4; i++)
            {
                for (int j = 0; j < 4; j++)
                {
                    to[j * toStride + i] = from[i * fromStride + j];
                }
            }
        }
    }
}
