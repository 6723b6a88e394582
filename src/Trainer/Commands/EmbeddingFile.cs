using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using MnrEngine.Serialization;

namespace MnrEngine.Trainer.Commands;

/// <summary>A file of embeddings, in the format that its name says. It appears only when it is whole.</summary>
internal abstract class EmbeddingFile
{
    private readonly string _path;

    private EmbeddingFile(string path)
    {
        _path = path;
    }

    /// <summary>Chooses the format by the file's name.</summary>
    /// <exception cref="InputException">The name says none that is known.</exception>
    public static EmbeddingFile For(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".npy" => new Numpy(path),
        ".safetensors" => new Safetensors(path),
        ".jsonl" => new JsonLines(path),
        string other => throw new InputException($"the format of {path} can't be told from its extension '{other}': use .npy, .safetensors or .jsonl"),
    };

    /// <summary>Writes the file.</summary>
    /// <param name="texts">What was embedded.</param>
    /// <param name="dimension">The width of an embedding.</param>
    /// <param name="chunks">The embeddings, row-major, some of them at a time, in the order of the texts.</param>
    /// <exception cref="InputException">The file can't be written.</exception>
    public void Write(IReadOnlyList<string> texts, int dimension, IEnumerable<float[]> chunks) =>
        AtomicFile.Write(_path, stream => Write(stream, texts, dimension, chunks));

    /// <summary>Writes the content.</summary>
    protected abstract void Write(Stream stream, IReadOnlyList<string> texts, int dimension, IEnumerable<float[]> chunks);

    /// <summary>NumPy's format 1.0: a magic number, a Python dictionary that is padded to 64 bytes, the numbers.</summary>
    private sealed class Numpy(string path) : EmbeddingFile(path)
    {
        private const int Alignment = 64;

        protected override void Write(Stream stream, IReadOnlyList<string> texts, int dimension, IEnumerable<float[]> chunks)
        {
            ReadOnlySpan<byte> magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];
            string dictionary = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({texts.Count}, {dimension}), }}";
            int length = magic.Length + sizeof(ushort) + dictionary.Length + 1;
            string header = dictionary + new string(' ', (Alignment - (length % Alignment)) % Alignment) + "\n";
            stream.Write(magic);
            stream.Write([(byte)header.Length, (byte)(header.Length >> 8)]);
            stream.Write(Encoding.ASCII.GetBytes(header));
            foreach (float[] chunk in chunks)
            {
                stream.Write(MemoryMarshal.AsBytes(chunk.AsSpan()));
            }
        }
    }

    /// <summary>One tensor named "embeddings".</summary>
    private sealed class Safetensors(string path) : EmbeddingFile(path)
    {
        protected override void Write(Stream stream, IReadOnlyList<string> texts, int dimension, IEnumerable<float[]> chunks)
        {
            if ((long)texts.Count * dimension > Array.MaxLength)
            {
                throw new InputException($"{texts.Count} embeddings of {dimension} numbers are too many for one .safetensors file: use .npy");
            }

            SafetensorsWriter writer = new();
            writer.Add(new NamedWeight("embeddings", [texts.Count, dimension], destination =>
            {
                int filled = 0;
                foreach (float[] chunk in chunks)
                {
                    chunk.CopyTo(destination[filled..]);
                    filled += chunk.Length;
                }
            }));
            writer.WriteTo(stream);
        }
    }

    /// <summary>An object a line, with the text and its embedding.</summary>
    private sealed class JsonLines(string path) : EmbeddingFile(path)
    {
        protected override void Write(Stream stream, IReadOnlyList<string> texts, int dimension, IEnumerable<float[]> chunks)
        {
            int row = 0;
            JsonWriterOptions options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
            foreach (float[] chunk in chunks)
            {
                for (int first = 0; first < chunk.Length; first += dimension, row++)
                {
                    using (Utf8JsonWriter json = new(stream, options))
                    {
                        json.WriteStartObject();
                        json.WriteString("text", texts[row]);
                        json.WriteStartArray("embedding");
                        foreach (float value in chunk.AsSpan(first, dimension))
                        {
                            json.WriteNumberValue(value);
                        }

                        json.WriteEndArray();
                        json.WriteEndObject();
                    }

                    stream.WriteByte((byte)'\n');
                }
            }
        }
    }
}
