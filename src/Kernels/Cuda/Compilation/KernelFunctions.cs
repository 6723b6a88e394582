namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>A kernel in its two types of activations; the second only where activations are bf16.</summary>
internal readonly record struct TypedKernel(KernelFunction Single, KernelFunction? Half)
{
    /// <summary>The one for a type.</summary>
    public KernelFunction this[ElementType type] => type == ElementType.BFloat16 ? Half! : Single;
}

/// <summary>An attention kernel in its variants for head dimensions up to 32, 64 and 128.</summary>
internal sealed class AttentionKernel(TypedKernel upTo32, TypedKernel upTo64, TypedKernel upTo128)
{
    /// <summary>The one for a type and head dimension.</summary>
    public KernelFunction this[ElementType type, int headDim] => (headDim <= 32 ? upTo32 : headDim <= 64 ? upTo64 : upTo128)[type];
}

/// <summary>All kernels by their names in Native/README.md, where grid, block, shared memory and arguments of each are told.</summary>
/// <param name="module">Where they are.</param>
/// <param name="halves">Whether those for bf16 activations are needed.</param>
internal sealed class KernelFunctions(KernelModule module, bool halves)
{
    public TypedKernel EmbedNormForward { get; } = Typed(module, "embed_norm_forward", halves);

    public TypedKernel EmbedNormBackward { get; } = Typed(module, "embed_norm_backward", halves);

    public TypedKernel TableGradient { get; } = Typed(module, "table_gradient", halves);

    public KernelFunction MarkRows { get; } = module.Find("mark_rows");

    public KernelFunction ZeroMarkedRows { get; } = module.Find("zero_marked_rows");

    public TypedKernel AddNormForward { get; } = Typed(module, "add_norm_forward", halves);

    public TypedKernel AddNormBackward { get; } = Typed(module, "add_norm_backward", halves);

    public KernelFunction ReducePartials { get; } = module.Find("reduce_partials");

    public TypedKernel ActivationForward { get; } = Typed(module, "activation_forward", halves);

    public TypedKernel ActivationBackward { get; } = Typed(module, "activation_backward", halves);

    public TypedKernel SmallProduct { get; } = Typed(module, "small_product", halves);

    public KernelFunction? SmallProductToSingle { get; } = halves ? module.Find("small_product_bf16_f32") : null;

    public TypedKernel ColumnSums { get; } = Typed(module, "column_sums", halves);

    public AttentionKernel AttentionShortForward { get; } = Attention(module, "attention_short_forward", halves);

    public AttentionKernel AttentionShortBackward { get; } = Attention(module, "attention_short_backward", halves);

    public TypedKernel AttentionRowDots { get; } = Typed(module, "attention_row_dots", halves);

    public AttentionKernel AttentionTiledForward { get; } = Attention(module, "attention_tiled_forward", halves);

    public AttentionKernel AttentionTiledBackwardKeys { get; } = Attention(module, "attention_tiled_backward_keys", halves);

    public AttentionKernel AttentionTiledBackwardQueries { get; } = Attention(module, "attention_tiled_backward_queries", halves);

    public TypedKernel AttentionBiasGradient { get; } = Typed(module, "attention_bias_gradient", halves);

    public KernelFunction RelativeBiasForward { get; } = module.Find("relative_bias_forward");

    public KernelFunction RelativeBiasBackward { get; } = module.Find("relative_bias_backward");

    public TypedKernel PoolForward { get; } = Typed(module, "pool_forward", halves);

    public TypedKernel PoolBackward { get; } = Typed(module, "pool_backward", halves);

    public KernelFunction NormalizeForward { get; } = module.Find("normalize_forward");

    public KernelFunction NormalizeBackward { get; } = module.Find("normalize_backward");

    public KernelFunction RankingSoftmax { get; } = module.Find("ranking_softmax");

    public KernelFunction ReduceLoss { get; } = module.Find("reduce_loss");

    public KernelFunction TruncateNormalizeForward { get; } = module.Find("truncate_normalize_forward");

    public KernelFunction TruncateNormalizeBackward { get; } = module.Find("truncate_normalize_backward");

    public KernelFunction ClassifierLogits { get; } = module.Find("classifier_logits");

    public KernelFunction ClassifierLoss { get; } = module.Find("classifier_loss");

    public KernelFunction ClassifierBackwardWeights { get; } = module.Find("classifier_backward_weights");

    public KernelFunction ClassifierBackwardEmbeddings { get; } = module.Find("classifier_backward_embeddings");

    public KernelFunction PairSimilarity { get; } = module.Find("pair_similarity");

    public KernelFunction PairSimilarityBackward { get; } = module.Find("pair_similarity_backward");

    public KernelFunction CosineSimilarityLoss { get; } = module.Find("cosine_similarity_loss");

    public KernelFunction CosentRows { get; } = module.Find("cosent_rows");

    public KernelFunction CosentLoss { get; } = module.Find("cosent_loss");

    public KernelFunction SquareSums { get; } = module.Find("square_sums");

    public KernelFunction ClipFactor { get; } = module.Find("clip_factor");

    public KernelFunction Adam { get; } = module.Find("adam");

    public KernelFunction CastToHalf { get; } = module.Find("cast_f32_to_bf16");

    /// <summary>Both types in every precision: any tensor may be filled.</summary>
    public TypedKernel Fill { get; } = Typed(module, "fill", halves: true);

    public TypedKernel ZeroSpareRows { get; } = Typed(module, "zero_spare_rows", halves);

    private static TypedKernel Typed(KernelModule module, string name, bool halves, string suffix = "") =>
        new(module.Find($"{name}_f32{suffix}"), halves ? module.Find($"{name}_bf16{suffix}") : null);

    private static AttentionKernel Attention(KernelModule module, string name, bool halves) =>
        new(Typed(module, name, halves, "_d32"), Typed(module, name, halves, "_d64"), Typed(module, name, halves, "_d128"));
}
