using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MnrEngine.Serialization;

/// <summary>Stored numbers to single precision.</summary>
internal static class FloatConversion
{
    /// <summary>Converts little-endian numbers of a type that <see cref="WeightTypes.IsReadable"/> names.</summary>
    public static void ToSingle(ReadOnlySpan<byte> stored, WeightType type, Span<float> destination)
    {
        switch (type)
        {
            case WeightType.F32:
                MemoryMarshal.Cast<byte, float>(stored).CopyTo(destination);
                break;
            case WeightType.F64:
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(stored[(8 * i)..]);
                }

                break;
            case WeightType.F16:
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(stored[(2 * i)..]);
                }

                break;
            case WeightType.BF16:
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(stored[(2 * i)..]) << 16);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not a floating-point type");
        }
    }
}
