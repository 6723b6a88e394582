using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;
using MnrEngine.Layers;
using MnrEngine.Serialization;

namespace MnrEngine.Models;

/// <summary>The dropout probabilities of a network.</summary>
/// <param name="Hidden">Behind the embeddings, the attention and the feed-forward block.</param>
/// <param name="Attention">On the attention probabilities.</param>
public readonly record struct DropoutRates(float Hidden, float Attention);

/// <summary>
/// The encoder of BERT and its kin, planned for a largest batch: embeddings, then layers of self-attention and feed-forward blocks, each followed by
/// dropout, the residual and LayerNorm (post-LN). Dropout sites are numbered in forward order: 0 behind the embeddings, then for each layer the
/// attention probabilities, the attention's output (whether or not the architecture has dropout there) and the feed-forward block's output.
/// </summary>
internal sealed class TransformerNetwork
{
    private const int SitesPerLayer = 3;

    private static readonly LayerName Embeddings = new("embeddings");

    private readonly EmbeddingLayer _embedding;
    private readonly RelativeBiasLayer? _relativeBias;
    private readonly Block[] _blocks;

    private sealed record Block(
        LayerName AttentionName, LayerName FeedForwardName, LinearLayer QueryKeyValue, SelfAttentionLayer Attention, LinearDropoutAddNormLayer AttentionOutput, LinearActivationLayer Intermediate, LinearDropoutAddNormLayer Output);

    public TransformerNetwork(
        TransformerConfiguration configuration, TransformerParameters parameters, ParameterArena arena, BufferPlan plan, DropoutRates dropout, Tensor dropoutState)
    {
        int hidden = configuration.HiddenSize;
        Tensor hiddenGradient = plan.TokenGradient("hidden", hidden);
        Variable embedded = new(plan.SavedTokens("hidden of even layers", hidden), hiddenGradient);
        _embedding = new EmbeddingLayer(plan, parameters.Embedding(arena), new Dropout(dropout.Hidden, 0, dropoutState), embedded);
        _relativeBias = configuration.Architecture.RelativePositions is null ? null : new RelativeBiasLayer(plan, parameters.RelativePositions(arena));
        float behindAttention = configuration.Architecture.HasAttentionOutputDropout ? dropout.Hidden : 0;
        _blocks = [.. Enumerable.Range(0, configuration.NumHiddenLayers).Select(PlanBlock)];

        Block PlanBlock(int layer)
        {
            int site = 1 + (layer * SitesPerLayer);
            Variable queryKeyValue = new(plan.SavedTokens("queries, keys and values", 3 * hidden), plan.TokenGradient("queries, keys and values", 3 * hidden));
            Variable context = new(plan.SavedTokens("attention context", hidden), plan.TokenGradient("attention context", hidden));
            Variable attended = new(plan.SavedTokens("attention output", hidden), hiddenGradient);
            Variable intermediate = new(
                plan.SavedTokens("intermediate", configuration.IntermediateSize), plan.TokenGradient("intermediate", configuration.IntermediateSize));
            Variable output = new(plan.SavedTokens(layer % 2 == 0 ? "hidden of odd layers" : "hidden of even layers", hidden), hiddenGradient);
            return new Block(
                new LayerName("attention", layer),
                new LayerName("feed-forward", layer),
                new LinearLayer(parameters.QueryKeyValue(arena, layer), queryKeyValue),
                new SelfAttentionLayer(plan, configuration.NumAttentionHeads, _relativeBias, new Dropout(dropout.Attention, site, dropoutState), context),
                new LinearDropoutAddNormLayer(
                    plan, parameters.AttentionOutput(arena, layer), new Dropout(behindAttention, site + 1, dropoutState), parameters.AttentionNorm(arena, layer), attended),
                new LinearActivationLayer(
                    parameters.Intermediate(arena, layer), configuration.Activation, plan.BackwardOnlyTokens(configuration.IntermediateSize), intermediate),
                new LinearDropoutAddNormLayer(
                    plan, parameters.Output(arena, layer), new Dropout(dropout.Hidden, site + 2, dropoutState), parameters.OutputNorm(arena, layer), output));
        }
    }

    /// <summary>Token vectors of the pass's batch, (tokens, hidden).</summary>
    public Variable Forward(Pass pass)
    {
        pass.Enter(Embeddings);
        Variable hidden = _embedding.Forward(pass);
        _relativeBias?.Forward(pass);
        foreach (Block block in _blocks)
        {
            pass.Enter(block.AttentionName);
            Variable context = block.Attention.Forward(pass, block.QueryKeyValue.Forward(pass, hidden));
            Variable attended = block.AttentionOutput.Forward(pass, context, hidden);
            pass.Enter(block.FeedForwardName);
            hidden = block.Output.Forward(pass, block.Intermediate.Forward(pass, attended), attended);
        }

        return hidden;
    }
}
