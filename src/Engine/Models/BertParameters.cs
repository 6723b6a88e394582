using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Serialization;

namespace MnrEngine.Models;

/// <summary>Declares BERT's parameters under Hugging Face's names and hands them to the layers.</summary>
internal sealed class BertParameters
{
    private readonly BertConfiguration _configuration;
    private readonly int _word;
    private readonly int _position;
    private readonly int _tokenType;
    private readonly Norm _embeddingNorm;
    private readonly Layer[] _layers;

    private readonly record struct Dense(int Weight, int Bias);

    private readonly record struct Norm(int Weight, int Bias);

    private sealed record Layer(Dense QueryKeyValue, Dense AttentionOutput, Norm AttentionNorm, Dense Intermediate, Dense Output, Norm OutputNorm);

    public BertParameters(BertConfiguration configuration, ParameterLayout layout)
    {
        _configuration = configuration;
        int hidden = configuration.HiddenSize;
        _word = layout.Matrix("embeddings.word_embeddings.weight", configuration.VocabSize, hidden);
        _position = layout.Matrix("embeddings.position_embeddings.weight", configuration.MaxPositionEmbeddings, hidden);
        _tokenType = layout.Matrix("embeddings.token_type_embeddings.weight", configuration.TypeVocabSize, hidden);
        _embeddingNorm = DeclareNorm(layout, "embeddings.LayerNorm", hidden);
        _layers = [.. Enumerable.Range(0, configuration.NumHiddenLayers).Select(i => DeclareLayer(layout, $"encoder.layer.{i}", configuration))];
    }

    public EmbeddingParameters Embedding(ParameterArena arena) =>
        new(arena[_word], arena[_position], arena[_tokenType], NormOf(arena, _embeddingNorm), _configuration.PadTokenId ?? -1);

    public LinearParameters QueryKeyValue(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].QueryKeyValue);

    public LinearParameters AttentionOutput(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].AttentionOutput);

    public NormParameters AttentionNorm(ParameterArena arena, int layer) => NormOf(arena, _layers[layer].AttentionNorm);

    public LinearParameters Intermediate(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].Intermediate);

    public LinearParameters Output(ParameterArena arena, int layer) => LinearOf(arena, _layers[layer].Output);

    public NormParameters OutputNorm(ParameterArena arena, int layer) => NormOf(arena, _layers[layer].OutputNorm);

    private static Layer DeclareLayer(ParameterLayout layout, string prefix, BertConfiguration configuration)
    {
        int hidden = configuration.HiddenSize;
        string[] projections = [$"{prefix}.attention.self.query", $"{prefix}.attention.self.key", $"{prefix}.attention.self.value"];
        Dense queryKeyValue = new(
            layout.StackedMatrices([.. projections.Select(static p => p + ".weight")], hidden, hidden),
            layout.JoinedVectors([.. projections.Select(static p => p + ".bias")], hidden));
        return new Layer(
            queryKeyValue,
            DeclareDense(layout, $"{prefix}.attention.output.dense", hidden, hidden),
            DeclareNorm(layout, $"{prefix}.attention.output.LayerNorm", hidden),
            DeclareDense(layout, $"{prefix}.intermediate.dense", configuration.IntermediateSize, hidden),
            DeclareDense(layout, $"{prefix}.output.dense", hidden, configuration.IntermediateSize),
            DeclareNorm(layout, $"{prefix}.output.LayerNorm", hidden));
    }

    private static Dense DeclareDense(ParameterLayout layout, string name, int outputs, int inputs) =>
        new(layout.Matrix(name + ".weight", outputs, inputs), layout.Vector(name + ".bias", outputs));

    private static Norm DeclareNorm(ParameterLayout layout, string name, int width) =>
        new(layout.Vector(name + ".weight", width), layout.Vector(name + ".bias", width));

    private static LinearParameters LinearOf(ParameterArena arena, Dense dense) => new(arena[dense.Weight], arena[dense.Bias]);

    private NormParameters NormOf(ParameterArena arena, Norm norm) =>
        new(arena[norm.Weight], arena[norm.Bias], (float)_configuration.LayerNormEps);
}
