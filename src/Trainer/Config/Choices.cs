using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>Sets of defaults; see Recipes/*.json.</summary>
internal enum Recipe
{
    [JsonStringEnumMemberName("trainer")]
    Trainer,
    [JsonStringEnumMemberName("fit")]
    Fit,
    [JsonStringEnumMemberName("article")]
    Article,
}

/// <summary>How rows become batches.</summary>
internal enum BatchSampler
{
    [JsonStringEnumMemberName("in_order")]
    InOrder,
    [JsonStringEnumMemberName("shuffled")]
    Shuffled,
    [JsonStringEnumMemberName("no_duplicates")]
    NoDuplicates,
    [JsonStringEnumMemberName("no_duplicates_legacy")]
    NoDuplicatesLegacy,
}

/// <summary>The optimizers.</summary>
internal enum OptimizerName
{
    [JsonStringEnumMemberName("adamw")]
    AdamW,
    [JsonStringEnumMemberName("adam")]
    Adam,
}

/// <summary>What weight decay applies to.</summary>
internal enum WeightDecayGroups
{
    [JsonStringEnumMemberName("trainer")]
    Trainer,
    [JsonStringEnumMemberName("fit")]
    Fit,
}

/// <summary>How the learning rate moves, with transformers' names.</summary>
internal enum SchedulerType
{
    [JsonStringEnumMemberName("linear")]
    Linear,
    [JsonStringEnumMemberName("cosine")]
    Cosine,
    [JsonStringEnumMemberName("constant_with_warmup")]
    ConstantWithWarmup,
    [JsonStringEnumMemberName("constant")]
    Constant,
}

/// <summary>Which way a share of the steps is rounded.</summary>
internal enum Rounding
{
    [JsonStringEnumMemberName("up")]
    Up,
    [JsonStringEnumMemberName("down")]
    Down,
}

/// <summary>What the warm-up is a share of.</summary>
internal enum WarmupBasis
{
    [JsonStringEnumMemberName("run")]
    Run,
    [JsonStringEnumMemberName("epoch")]
    Epoch,
    [JsonStringEnumMemberName("full_batches")]
    FullBatches,
}

/// <summary>What a network is computed in.</summary>
internal enum Precision
{
    [JsonStringEnumMemberName("fp32")]
    Float32,
    [JsonStringEnumMemberName("tf32")]
    TensorFloat32,
    [JsonStringEnumMemberName("bf16")]
    BFloat16,
}

/// <summary>Whether to go on from a checkpoint.</summary>
[JsonConverter(typeof(ResumeModeConverter))]
internal enum ResumeMode
{
    /// <summary>No: <c>false</c>.</summary>
    Never,

    /// <summary>If there is one: <c>"auto"</c>.</summary>
    Auto,

    /// <summary>There has to be one: <c>true</c>.</summary>
    Always,
}

/// <summary>Reads true, false and "auto".</summary>
internal sealed class ResumeModeConverter : JsonConverter<ResumeMode>
{
    public override ResumeMode Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.False => ResumeMode.Never,
        JsonTokenType.True => ResumeMode.Always,
        JsonTokenType.String when reader.ValueTextEquals("auto"u8) => ResumeMode.Auto,
        _ => throw new JsonException("resume has to be true, false or \"auto\""),
    };

    public override void Write(Utf8JsonWriter writer, ResumeMode value, JsonSerializerOptions options)
    {
        if (value == ResumeMode.Auto)
        {
            writer.WriteStringValue("auto"u8);
        }
        else
        {
            writer.WriteBooleanValue(value == ResumeMode.Always);
        }
    }
}
