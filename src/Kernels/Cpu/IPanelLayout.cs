namespace MnrEngine.Kernels.Cpu;

/// <summary>Where the elements of an operand's panel lie; a struct, so that <see cref="GemmKernel{TVector}"/> is compiled for each with what is constant in it.</summary>
internal interface IPanelLayout
{
    /// <summary>Whether neighbours along the width are neighbours in memory; else neighbours along the depth are.</summary>
    static abstract bool IsAlongWidth { get; }

    /// <summary>Elements from one k to the next.</summary>
    /// <param name="width">Width of the panel.</param>
    /// <param name="stride">Elements between two stored rows of the matrix.</param>
    static abstract nint DepthStride(int width, nint stride);
}

/// <summary>Packed: for each k a row of the panel's width, one behind the other.</summary>
internal readonly struct PackedLayout : IPanelLayout
{
    public static bool IsAlongWidth => true;

    public static nint DepthStride(int width, nint stride) => width;
}

/// <summary>In a matrix whose stored rows run along the width.</summary>
internal readonly struct AlongWidthLayout : IPanelLayout
{
    public static bool IsAlongWidth => true;

    public static nint DepthStride(int width, nint stride) => stride;
}

/// <summary>In a matrix whose stored rows run along the depth.</summary>
internal readonly struct AlongDepthLayout : IPanelLayout
{
    public static bool IsAlongWidth => false;

    public static nint DepthStride(int width, nint stride) => 1;
}
