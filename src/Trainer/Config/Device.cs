using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>Kinds of devices.</summary>
internal enum DeviceKind
{
    Auto,
    Cpu,
    Cuda,
}

/// <summary>What to compute on: <c>auto</c>, <c>cpu</c>, <c>cuda</c> (the first GPU) or <c>cuda:1</c>.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Ordinal">The GPU's number; 0 for other kinds.</param>
[JsonConverter(typeof(DeviceConverter))]
internal readonly record struct Device(DeviceKind Kind, int Ordinal = 0)
{
    /// <summary>What a device is called, as a regular expression.</summary>
    public const string Pattern = "^(auto|cpu|cuda|cuda:[0-9]{1,3})$";

    /// <summary>Examples of every form.</summary>
    public static readonly string[] Examples = ["auto", "cpu", "cuda", "cuda:1"];

    private const string NumberedPrefix = "cuda:";

    /// <summary>A GPU where there is one, else the CPU.</summary>
    public static Device Auto => new(DeviceKind.Auto);

    /// <summary>Reads a name.</summary>
    public static bool TryParse(string text, out Device device)
    {
        device = text switch
        {
            "cpu" => new Device(DeviceKind.Cpu),
            "cuda" => new Device(DeviceKind.Cuda),
            _ => Auto,
        };
        if (text.StartsWith(NumberedPrefix, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(NumberedPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal) && ordinal < 1000)
        {
            device = new Device(DeviceKind.Cuda, ordinal);
            return true;
        }

        return text is "auto" or "cpu" or "cuda";
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DeviceKind.Cpu => "cpu",
        DeviceKind.Cuda => Ordinal == 0 ? "cuda" : $"{NumberedPrefix}{Ordinal}",
        _ => "auto",
    };
}

/// <summary>Reads and writes a device as its name.</summary>
internal sealed class DeviceConverter : JsonConverter<Device>
{
    public override Device Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Device.TryParse(reader.GetString()!, out Device device)
            ? device
            : throw new JsonException($"a device is one of {string.Join(", ", Device.Examples)}");

    public override void Write(Utf8JsonWriter writer, Device value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
