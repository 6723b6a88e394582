using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace MnrEngine.Data.Sampling;

/// <summary>
/// Batches that were written down, so that another trainer's run can be repeated step by step. Every epoch gives all of them; a file of
/// a run of several epochs is replayed in one.
/// </summary>
public sealed class ReplaySampler : IBatchSampler
{
    private const int HashBytes = 8;

    private readonly int[] _rows;
    private readonly int[] _offsets;

    private ReplaySampler(int[] rows, int[] offsets)
    {
        _rows = rows;
        _offsets = offsets;
        for (int i = 0; i < Length; i++)
        {
            BatchSize = Math.Max(BatchSize, offsets[i + 1] - offsets[i]);
        }
    }

    /// <summary>The number of rows in the largest batch.</summary>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public int Length => _offsets.Length - 1;

    /// <summary>Reads batches from a JSON file: an array of arrays of row numbers counted from 0, or an object with such an array under "batches".</summary>
    /// <param name="path">The file.</param>
    /// <param name="rowCount">How many rows the data set has.</param>
    /// <exception cref="InputException">The file can't be read, isn't of that form, has an empty batch or none, or names a row that isn't there.</exception>
    public static ReplaySampler Load(string path, int rowCount)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] text;
        try
        {
            text = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException($"the file of batches {path} cannot be read: {e.Message}", e);
        }

        try
        {
            return Parse(text, path, rowCount);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}, line {e.LineNumber + 1}: the JSON is malformed at byte {e.BytePositionInLine + 1}, but an array of batches was expected", e);
        }
    }

    /// <summary>What decides the batches besides the rows and their number, for comparison with the run that a checkpoint came from.</summary>
    public override string ToString()
    {
        byte[] hash = SHA256.HashData([.. MemoryMarshal.AsBytes(_offsets.AsSpan()), .. MemoryMarshal.AsBytes(_rows.AsSpan())]);
        return $"the batches {Convert.ToHexStringLower(hash.AsSpan(0, HashBytes))} of a file";
    }

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        for (int i = 0; i < Length; i++)
        {
            yield return _rows[_offsets[i].._offsets[i + 1]];
        }
    }

    private static ReplaySampler Parse(ReadOnlySpan<byte> text, string path, int rowCount)
    {
        if (text.StartsWith("\uFEFF"u8))
        {
            text = text[3..];
        }

        Utf8JsonReader json = new(text);
        json.Read();
        bool found = json.TokenType == JsonTokenType.StartObject ? GoToBatches(ref json) : json.TokenType == JsonTokenType.StartArray;
        if (!found || json.TokenType != JsonTokenType.StartArray)
        {
            throw new InputException($"{path} holds no batches: expected an array of arrays of row numbers, or an object with one under \"batches\"");
        }

        List<int> rows = [];
        List<int> offsets = [0];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            int batch = offsets.Count - 1;
            if (json.TokenType != JsonTokenType.StartArray)
            {
                throw new InputException($"batch {batch} in {path}, counted from 0, is not an array, but must be one of row numbers");
            }

            ReadBatch(ref json, rows, $"batch {batch} in {path}, counted from 0,", rowCount);
            if (rows.Count == offsets[^1])
            {
                throw new InputException($"batch {batch} in {path}, counted from 0, is empty, but needs at least one row");
            }

            offsets.Add(rows.Count);
        }

        if (offsets.Count == 1)
        {
            throw new InputException($"{path} holds no batches, but at least one is needed");
        }

        // What follows the batches must still be JSON.
        while (json.Read())
        {
        }

        return new ReplaySampler([.. rows], [.. offsets]);
    }

    /// <summary>Goes to the value of the object's key "batches".</summary>
    private static bool GoToBatches(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool found = json.ValueTextEquals("batches"u8);
            json.Read();
            if (found)
            {
                return true;
            }

            json.Skip();
        }

        return false;
    }

    private static void ReadBatch(ref Utf8JsonReader json, List<int> rows, string place, int rowCount)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out long row))
            {
                throw new InputException($"{place} holds something other than row numbers");
            }

            if (row < 0 || row >= rowCount)
            {
                throw new InputException($"{place} names row {row}, but the rows of the data set are 0 to {rowCount - 1}");
            }

            rows.Add((int)row);
        }
    }
}
