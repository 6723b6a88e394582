using MnrEngine.Serialization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MnrEngine.Peers.Torch;

/// <summary>
/// transformers' BertModel with sdpa attention and sentence-transformers' mean pooling, of torch's own modules: the operations that
/// sentence-transformers runs, in its order, on padded batches.
/// </summary>
internal sealed class BertEncoder : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Embedding _word;
    private readonly Embedding _position;
    private readonly Embedding _tokenType;
    private readonly LayerNorm _norm;
    private readonly Dropout _dropout;
    private readonly ModuleList<BertLayer> _layers = [];

    /// <summary>Makes the network; the weights are random until <see cref="Load"/>.</summary>
    public BertEncoder(TransformerConfiguration shape)
        : base("bert")
    {
        int hidden = shape.HiddenSize;
        _word = nn.Embedding(shape.VocabSize, hidden, padding_idx: 0);
        _position = nn.Embedding(shape.MaxPositionEmbeddings, hidden);
        _tokenType = nn.Embedding(shape.TypeVocabSize, hidden);
        _norm = nn.LayerNorm(hidden, shape.LayerNormEps);
        _dropout = nn.Dropout(shape.HiddenDropoutProb);
        for (int layer = 0; layer < shape.NumHiddenLayers; layer++)
        {
            _layers.Add(new BertLayer(shape));
        }

        RegisterComponents();
    }

    /// <summary>Embeds a padded batch.</summary>
    /// <param name="ids">int64 (sentences, length).</param>
    /// <param name="mask">bool (sentences, length), true at tokens.</param>
    /// <returns>(sentences, hidden).</returns>
    public override Tensor forward(Tensor ids, Tensor mask)
    {
        long length = ids.shape[1];
        Tensor positions = arange(length, int64).unsqueeze(0);
        Tensor hidden = _word.forward(ids) + _tokenType.forward(zeros_like(ids)) + _position.forward(positions);
        hidden = _dropout.forward(_norm.forward(hidden));
        Tensor attentionMask = mask.unsqueeze(1).unsqueeze(1).expand(ids.shape[0], 1, length, length);
        foreach (BertLayer layer in _layers)
        {
            hidden = layer.forward(hidden, attentionMask);
        }

        Tensor weights = mask.unsqueeze(-1).to_type(ScalarType.Float32);
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min: 1e-9);
    }

    /// <summary>Takes the weights of a model.</summary>
    public void Load(ModelFolder model)
    {
        using IDisposable noGradient = no_grad();
        Copy(model, "embeddings.word_embeddings.weight", _word.weight!);
        Copy(model, "embeddings.position_embeddings.weight", _position.weight!);
        Copy(model, "embeddings.token_type_embeddings.weight", _tokenType.weight!);
        Copy(model, "embeddings.LayerNorm.weight", _norm.weight!);
        Copy(model, "embeddings.LayerNorm.bias", _norm.bias!);
        for (int layer = 0; layer < _layers.Count; layer++)
        {
            _layers[layer].Load(model, $"encoder.layer.{layer}.");
        }
    }

    internal static void Copy(ModelFolder model, string name, Tensor parameter)
    {
        float[] values = new float[parameter.numel()];
        model.ReadWeight(name, [.. parameter.shape.Select(size => (int)size)], values);
        parameter.copy_(tensor(values).reshape(parameter.shape));
    }
}

/// <summary>One layer of BERT.</summary>
internal sealed class BertLayer : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;
    private readonly LayerNorm _attentionNorm;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly LayerNorm _outputNorm;
    private readonly Dropout _dropout;
    private readonly double _attentionDropout;
    private readonly int _heads;

    public BertLayer(TransformerConfiguration shape)
        : base("layer")
    {
        int hidden = shape.HiddenSize;
        _heads = shape.NumAttentionHeads;
        _attentionDropout = shape.AttentionProbsDropoutProb;
        _query = nn.Linear(hidden, hidden);
        _key = nn.Linear(hidden, hidden);
        _value = nn.Linear(hidden, hidden);
        _output = nn.Linear(hidden, hidden);
        _attentionNorm = nn.LayerNorm(hidden, shape.LayerNormEps);
        _up = nn.Linear(hidden, shape.IntermediateSize);
        _down = nn.Linear(shape.IntermediateSize, hidden);
        _outputNorm = nn.LayerNorm(hidden, shape.LayerNormEps);
        _dropout = nn.Dropout(shape.HiddenDropoutProb);
        RegisterComponents();
    }

    public override Tensor forward(Tensor hidden, Tensor attentionMask)
    {
        Tensor context = nn.functional.scaled_dot_product_attention(
            Heads(_query.forward(hidden)), Heads(_key.forward(hidden)), Heads(_value.forward(hidden)), attentionMask, training ? _attentionDropout : 0);
        context = context.transpose(1, 2).reshape(hidden.shape);
        hidden = _attentionNorm.forward(_dropout.forward(_output.forward(context)) + hidden);
        Tensor inner = nn.functional.gelu(_up.forward(hidden));
        return _outputNorm.forward(_dropout.forward(_down.forward(inner)) + hidden);
    }

    public void Load(ModelFolder model, string prefix)
    {
        LoadLinear(model, prefix + "attention.self.query", _query);
        LoadLinear(model, prefix + "attention.self.key", _key);
        LoadLinear(model, prefix + "attention.self.value", _value);
        LoadLinear(model, prefix + "attention.output.dense", _output);
        LoadLinear(model, prefix + "intermediate.dense", _up);
        LoadLinear(model, prefix + "output.dense", _down);
        BertEncoder.Copy(model, prefix + "attention.output.LayerNorm.weight", _attentionNorm.weight!);
        BertEncoder.Copy(model, prefix + "attention.output.LayerNorm.bias", _attentionNorm.bias!);
        BertEncoder.Copy(model, prefix + "output.LayerNorm.weight", _outputNorm.weight!);
        BertEncoder.Copy(model, prefix + "output.LayerNorm.bias", _outputNorm.bias!);
    }

    private static void LoadLinear(ModelFolder model, string name, Linear linear)
    {
        BertEncoder.Copy(model, name + ".weight", linear.weight!);
        BertEncoder.Copy(model, name + ".bias", linear.bias!);
    }

    private Tensor Heads(Tensor matrix) =>
        matrix.view(matrix.shape[0], matrix.shape[1], _heads, matrix.shape[2] / _heads).transpose(1, 2);
}
