using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Serialization;

namespace MnrEngine.Models;

/// <summary>Declares a network's parameters under Hugging Face's names and hands them to the layers.</summary>
internal sealed class TransformerParameters
{
    private readonly TransformerConfiguration _configuration;
    private readonly int _word;
    private readonly int _position;
    private readonly int? _tokenType;
    private readonly int? _relativePositions;
    private readonly Norm _embeddingNorm;
    private readonly Layer[] _layers;

    private readonly record struct Dense(int Weight, int Bias);

    private readonly record struct Norm(int Weight, int Bias);

    private sealed record Layer(Dense QueryKeyValue, Dense AttentionOutput, Norm AttentionNorm, Dense Intermediate, Dense Output, Norm OutputNorm);

    public TransformerParameters(TransformerConfiguration configuration, ParameterLayout layout)
    {
        _configuration = configuration;
        int hidden = configuration.HiddenSize;
        TransformerArchitecture architecture = configuration.Architecture;
        _word = layout.Matrix(TransformerWeightNames.WordEmbeddings, configuration.VocabSize, hidden);
        _position = layout.Matrix(TransformerWeightNames.PositionEmbeddings, configuration.MaxPositionEmbeddings, hidden);
        _tokenType = architecture.HasTokenTypes ? layout.Matrix(TransformerWeightNames.TokenTypeEmbeddings, configuration.TypeVocabSize, hidden) : null;
        _embeddingNorm = DeclareNorm(layout, TransformerWeightNames.EmbeddingNorm, hidden);
        _layers = [.. Enumerable.Range(0, configuration.NumHiddenLayers).Select(i => DeclareLayer(layout, i, configuration))];
        _relativePositions = architecture.RelativePositions is string name
            ? layout.Matrix(name, MnrEngine.Kernels.RelativePositions.Buckets, configuration.NumAttentionHeads) : null;
    }

    public EmbeddingParameters Embedding(ParameterArena arena) =>
        new(
            arena[_word], arena[_position], _tokenType is int tokenType ? arena[tokenType] : Parameter.None, NormOf(arena, _embeddingNorm),
            _configuration.PadTokenId ?? -1);

    /// <summary>The table of relative positions, or <see cref="Parameter.None"/>.</summary>
    public Parameter RelativePositions(ParameterArena arena) => _relativePositions is int table ? arena[table] : Parameter.None;

    public LinearParameters QueryKeyValue(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].QueryKeyValue);

    public LinearParameters AttentionOutput(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].AttentionOutput);

    public NormParameters AttentionNorm(ParameterArena arena, int layer) => NormOf(arena, _layers[layer].AttentionNorm);

    public LinearParameters Intermediate(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].Intermediate);

    public LinearParameters Output(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].Output);

    public NormParameters OutputNorm(ParameterArena arena, int layer) => NormOf(arena, _layers[layer].OutputNorm);

    private static Layer DeclareLayer(ParameterLayout layout, int number, TransformerConfiguration configuration)
    {
        int hidden = configuration.HiddenSize;
        LayerNames names = configuration.Architecture.Names;
        string prefix = $"{names.Layer}.{number}";
        string[] projections = [$"{prefix}.{names.Query}", $"{prefix}.{names.Key}", $"{prefix}.{names.Value}"];
        Dense queryKeyValue = new(
            layout.StackedMatrices([.. projections.Select(static p => p + ".weight")], hidden, hidden),
            layout.JoinedVectors([.. projections.Select(static p => p + ".bias")], hidden));
        return new Layer(
            queryKeyValue,
            DeclareDense(layout, $"{prefix}.{names.AttentionOutput}", hidden, hidden),
            DeclareNorm(layout, $"{prefix}.{names.AttentionNorm}", hidden),
            DeclareDense(layout, $"{prefix}.{names.Intermediate}", configuration.IntermediateSize, hidden),
            DeclareDense(layout, $"{prefix}.{names.Output}", hidden, configuration.IntermediateSize),
            DeclareNorm(layout, $"{prefix}.{names.OutputNorm}", hidden));
    }

    private static Dense DeclareDense(ParameterLayout layout, string name, int outputs, int inputs) =>
        new(layout.Matrix(name + ".weight", outputs, inputs), layout.Vector(name + ".bias", outputs));

    private static Norm DeclareNorm(ParameterLayout layout, string name, int width) =>
        new(layout.Vector(name + ".weight", width), layout.Vector(name + ".bias", width));

    private static LinearParameters LinearOf(ParameterArena arena, Dense dense) => new(arena[dense.Weight], arena[dense.Bias]);

    private NormParameters NormOf(ParameterArena arena, Norm norm) =>
        new(arena[norm.Weight], arena[norm.Bias], (float)_configuration.LayerNormEps);
}
