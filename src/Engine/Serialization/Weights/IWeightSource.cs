namespace MnrEngine.Serialization;

/// <summary>A tensor as a file declares it.</summary>
/// <param name="Type">How its numbers are stored.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a single number.</param>
public sealed record WeightEntry(WeightType Type, IReadOnlyList<int> Shape)
{
    /// <summary>How many numbers it holds.</summary>
    public long Count { get; } = WeightShape.Count(Shape);
}

/// <summary>
/// Named tensors in one or more files. What a file declares is checked when it is opened; the numbers are read on demand. Reading
/// from several threads at once is allowed.
/// </summary>
public interface IWeightSource : IDisposable
{
    /// <summary>The tensors by name.</summary>
    IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>Reads a whole tensor in row-major order; F64, F16 and BF16 are converted.</summary>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="destination">As many numbers as the tensor has.</param>
    /// <exception cref="InputException">There is no such tensor, its type is not a floating-point type, or the file can't be read.</exception>
    void Read(string name, Span<float> destination);

    /// <summary>Reads a whole tensor as <see cref="Read"/> does, but piece by piece, so that no copy as large as the tensor is needed.</summary>
    /// <param name="name">One of <see cref="Entries"/>.</param>
    /// <param name="room">Where pieces are put, one after the other.</param>
    /// <param name="piece">Takes each piece, from the first number to the last.</param>
    /// <exception cref="InputException">There is no such tensor, its type is not a floating-point type, or the file can't be read.</exception>
    void ReadPieces(string name, Span<float> room, WeightPiece piece);

    /// <summary>The tensor and the file it is in, for an error's sentence: <c>tensor pooler.dense.bias of model.safetensors</c>.</summary>
    string Location(string name);
}

/// <summary>Takes a piece of a tensor.</summary>
/// <param name="first">The place of its first number in the tensor.</param>
/// <param name="values">Its numbers, there until the call returns.</param>
public delegate void WeightPiece(int first, ReadOnlySpan<float> values);
