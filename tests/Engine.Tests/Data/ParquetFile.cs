using Parquet;
using Parquet.Schema;

namespace MnrEngine.Engine.Tests.Data;

/// <summary>Writes small Parquet files for tests, a row group for each set of columns.</summary>
internal static class ParquetFile
{
    /// <summary>Texts that may be null, in row groups.</summary>
    public static void WriteTexts(string path, string[] names, params string?[][][] groups) =>
        Write(path, [.. names.Select(static name => new DataField<string>(name))], null, [.. groups.Select(static group => group.Cast<Array>().ToArray())]);

    /// <summary>Columns of any kind: an array of texts, long, float, ... for each field, in row groups.</summary>
    public static void Write(string path, DataField[] fields, Dictionary<string, string>? metadata, params Array[][] groups) =>
        WriteAsync(path, fields, metadata, groups).GetAwaiter().GetResult();

    private static async Task WriteAsync(string path, DataField[] fields, Dictionary<string, string>? metadata, Array[][] groups)
    {
        await using FileStream stream = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
        if (metadata is not null)
        {
            writer.CustomMetadata = metadata;
        }

        foreach (Array[] columns in groups)
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            for (int i = 0; i < fields.Length; i++)
            {
                await (columns[i] switch
                {
                    string?[] texts => group.WriteAsync(fields[i], texts),
                    long[] numbers => group.WriteAsync<long>(fields[i], numbers),
                    long?[] numbers => group.WriteAsync<long>(fields[i], numbers),
                    float[] numbers => group.WriteAsync<float>(fields[i], numbers),
                    bool[] truths => group.WriteAsync<bool>(fields[i], truths),
                    DateTime[] times => group.WriteAsync<DateTime>(fields[i], times),
                    Array other => throw new ArgumentException($"no column of {other.GetType()}", nameof(groups)),
                });
            }
        }
    }
}
