using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MnrEngine.Serialization;

/// <summary>Reading tensors with the checks that a model's weights need.</summary>
public static class WeightReader
{
    /// <summary>Numbers read at a time: they stay in the second-level cache until they are in their place.</summary>
    private const int PieceLength = 1 << 16;

    /// <summary>Reads a whole tensor of any shape into a new array, without a check of its numbers.</summary>
    /// <exception cref="InputException">There is no such tensor, its type is not a floating-point type, or the file can't be read.</exception>
    public static float[] Read(this IWeightSource source, string name)
    {
        float[] values = new float[source.CountOf(name)];
        source.Read(name, values);
        return values;
    }

    /// <summary>Reads a tensor that has to have a shape and only finite numbers.</summary>
    /// <exception cref="InputException">The tensor is missing, has another shape, or holds NaN or infinity; the sentence names it and its file.</exception>
    public static void ReadFinite(this IWeightSource source, string name, ReadOnlySpan<int> shape, Span<float> destination)
    {
        source.CheckShape(name, shape.ToArray());
        source.Read(name, destination);
        CheckFinite(source, name, 0, destination);
    }

    /// <summary>As <see cref="ReadFinite(IWeightSource, string, ReadOnlySpan{int}, Span{float})"/>, piece by piece.</summary>
    /// <param name="source">The file.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">The shape that it has to have.</param>
    /// <param name="piece">Takes each piece when it has been checked.</param>
    /// <exception cref="InputException">The tensor is missing, has another shape, or holds NaN or infinity; the sentence names it and its file.</exception>
    public static void ReadFinite(this IWeightSource source, string name, ReadOnlySpan<int> shape, WeightPiece piece)
    {
        source.CheckShape(name, shape.ToArray());
        float[] room = ArrayPool<float>.Shared.Rent(PieceLength);
        try
        {
            source.ReadPieces(name, room.AsSpan(0, PieceLength), (first, values) =>
            {
                CheckFinite(source, name, first, values);
                piece(first, values);
            });
        }
        finally
        {
            ArrayPool<float>.Shared.Return(room);
        }
    }

    /// <summary>Checks what a file declares of a tensor.</summary>
    /// <exception cref="InputException">There is no such tensor, or it has another shape or a type that can't be read.</exception>
    public static void CheckShape(this IWeightSource source, string name, IReadOnlyList<int> shape)
    {
        WeightEntry entry = source.Find(name);
        if (!shape.SequenceEqual(entry.Shape))
        {
            throw new InputException($"{source.Location(name)} has shape {WeightShape.Text(entry.Shape)} where {WeightShape.Text(shape)} is expected");
        }

        CheckReadable(source, name, entry);
    }

    /// <summary>Finds a tensor that is to be read into as many numbers, converted to single precision.</summary>
    /// <exception cref="InputException">There is no such tensor, or its type can't be read.</exception>
    internal static void CheckReadable(this IWeightSource source, string name, int length)
    {
        WeightEntry entry = source.Find(name);
        CheckReadable(source, name, entry);
        if (length != entry.Count)
        {
            throw new ArgumentException($"{source.Location(name)} has {entry.Count} numbers, the destination has room for {length}", nameof(length));
        }
    }

    /// <summary>How many numbers a tensor has that can be read into an array.</summary>
    /// <exception cref="InputException">There is no such tensor, its type can't be read, or it is too large.</exception>
    internal static int CountOf(this IWeightSource source, string name)
    {
        WeightEntry entry = source.Find(name);
        CheckReadable(source, name, entry);
        return entry.Count <= Array.MaxLength ? (int)entry.Count
            : throw new InputException($"{source.Location(name)} has shape {WeightShape.Text(entry.Shape)}, more than {Array.MaxLength} numbers");
    }

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="InputException">There is no such tensor.</exception>
    internal static WeightEntry Find(this IWeightSource source, string name) => source.Entries.TryGetValue(name, out WeightEntry? entry) ? entry
        : throw new InputException($"{source.Location(name)} does not exist");

    private static void CheckReadable(IWeightSource source, string name, WeightEntry entry)
    {
        if (!entry.Type.IsReadable())
        {
            throw new InputException($"{source.Location(name)} has type {entry.Type} where F32, F16, BF16 or F64 is expected");
        }
    }

    private static void CheckFinite(IWeightSource source, string name, int first, ReadOnlySpan<float> values)
    {
        int wrong = FirstNotFinite(values);
        if (wrong >= 0)
        {
            throw new InputException($"{source.Location(name)} holds {values[wrong]} at element {first + wrong} where finite numbers are expected");
        }
    }

    // Vectors of the processor's own width are compiled here and not ahead of time: at once for good, since it is most of what loading a small model takes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int FirstNotFinite(ReadOnlySpan<float> values)
    {
        // 0 * x is 0 for a finite x and NaN for any other: one pass without a branch, and a second one only to say where.
        Vector<float> sum = Vector<float>.Zero;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (Vector<float> vector in vectors)
        {
            sum += vector * Vector<float>.Zero;
        }

        float rest = Vector.Sum(sum);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
        {
            rest += value * 0;
        }

        return rest == 0 ? -1 : values.IndexOfAnyNotFinite();
    }

    private static int IndexOfAnyNotFinite(this ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
