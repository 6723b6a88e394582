namespace MnrEngine.Serialization;

/// <summary>Copies a tensor's numbers, row-major, to where they are wanted.</summary>
/// <param name="destination">As many numbers as the tensor has.</param>
public delegate void FetchWeight(Span<float> destination);

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Fetch">Gets its numbers, when they are written.</param>
public sealed record NamedWeight(string Name, IReadOnlyList<int> Shape, FetchWeight Fetch);
