namespace MnrEngine.Serialization;

/// <summary>How the numbers of a stored tensor are written: little-endian, under safetensors' names.</summary>
public enum WeightType
{
    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of a single-precision number.</summary>
    BF16,

    /// <summary>8-bit float, 5 exponent bits.</summary>
    F8_E5M2,

    /// <summary>8-bit float, 4 exponent bits.</summary>
    F8_E4M3,

    /// <summary>Two single-precision numbers.</summary>
    C64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>One byte: 0 or 1.</summary>
    BOOL,
}

/// <summary>What a <see cref="WeightType"/> takes and whether it can be read as single precision.</summary>
public static class WeightTypes
{
    /// <summary>Bytes per number.</summary>
    public static int Size(this WeightType type) => type switch
    {
        WeightType.F64 or WeightType.I64 or WeightType.U64 or WeightType.C64 => 8,
        WeightType.F32 or WeightType.I32 or WeightType.U32 => 4,
        WeightType.F16 or WeightType.BF16 or WeightType.I16 or WeightType.U16 => 2,
        _ => 1,
    };

    /// <summary>Whether <see cref="IWeightSource.Read"/> converts this type to single precision.</summary>
    public static bool IsReadable(this WeightType type) =>
        type is WeightType.F64 or WeightType.F32 or WeightType.F16 or WeightType.BF16;
}
