using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Kernels;

/// <summary>
/// Every operation that the engine needs of a device: the one seam between learning and numerics. An implementation may compose an
/// operation from smaller steps; the engine never does.
/// <para>
/// Common rules. Operands are dense row-major and lie in arenas of the same implementation. Activations and their gradients have the
/// type <see cref="ActivationType"/>; weights, their gradients, moments, sentence embeddings, losses and statistics are Float32, and linear
/// layers take either type, since they stand behind the pooling as well. Sizes
/// are checked here and nowhere else: an operand of the wrong shape or type, or <see cref="Tensor.None"/> where one is needed, is an
/// <see cref="ArgumentException"/> that names the operation, the operand, what it is and what it should be. An output may not overlap an
/// input unless the operation says so. Tensors that a forward operation saves for the backward one may be <see cref="Tensor.None"/>
/// when no backward pass follows.
/// </para>
/// <para>
/// Gradients of parameters: with <c>accumulate</c> false they are overwritten, else added to (for the later micro-batches of an
/// accumulated step). Nothing needs to be cleared first.
/// </para>
/// <para>
/// Order. Operations run in the order in which they are called, possibly later than the call returns; only <see cref="Read(Tensor, Span{float})"/>
/// waits. Loss, norm, clip factor, learning rate and dropout step are device scalars, so that a training step never waits and can be
/// recorded and replayed. Results are the same, bit for bit, in every run on the same instruction set or GPU, whatever the number of threads.
/// </para>
/// </summary>
public interface IKernels : IDisposable
{
    /// <summary>What this runs on, in words, for logs: "CPU, AVX-512, 2 threads".</summary>
    string Description { get; }

    /// <summary>The type of activations and of their gradients.</summary>
    ElementType ActivationType { get; }

    /// <summary>Who wants to be told where in a step the caller is; null for nobody, which is what it is outside <see cref="ObservedKernels"/>.</summary>
    IStepMarks? Marks => null;

    /// <summary>What switches a profiler of this device on and off; null where there is none.</summary>
    IProfilerCapture? ProfilerCapture => null;

    /// <summary>What layers are computed in, as users write it: fp32, or on a GPU tf32 or bf16.</summary>
    string Precision => "fp32";

    /// <summary>A clock for this device. The default is for implementations whose operations are done when their call returns.</summary>
    OperationClock CreateClock() => new HostClock();

    /// <summary>Asks that <see cref="BeginStep"/> returns true from now on, because someone wants to see the operations of every step. Not inside a step.</summary>
    void RunEveryStep()
    {
    }

    /// <summary>Reserves memory filled with zeros.</summary>
    /// <exception cref="OutOfMemoryException">The device has not that much left; the message says what was asked for and what for.</exception>
    DeviceArena CreateArena(string label, long bytes);

    /// <summary>
    /// The rows of the (tokens, width) operands of a batch of so many tokens; see <see cref="DeviceBatch.TokenRows"/>. Buffers for the largest batch are made
    /// with this many.
    /// </summary>
    int TokenRows(int tokens) => tokens;

    /// <summary>Sizes all working memory for the largest step that will be run. May be called again with larger limits between steps.</summary>
    void Plan(in StepLimits limits);

    /// <summary>Sizes working memory for <see cref="RankingLoss"/> with these options, which decide how many similarities there are, and batches up to a size.</summary>
    /// <param name="embeddings">The most rows of embeddings.</param>
    /// <param name="queries">How many of them are queries.</param>
    /// <param name="width">Their most columns.</param>
    /// <param name="options">The loss's settings.</param>
    void PlanRankingLoss(int embeddings, int queries, int width, in RankingLossOptions options);

    /// <summary>Sizes working memory for <see cref="GlobalNorm"/> of so many gradients.</summary>
    void PlanGlobalNorm(long gradients)
    {
    }

    /// <summary>Copies host values to the device, to a Float32 tensor, or rounded to the nearest to a BFloat16 one. The source may be reused at once. Not inside a step.</summary>
    void Write(Tensor destination, ReadOnlySpan<float> source);

    /// <summary>Copies host values to the device, to an Int32 tensor. The source may be reused at once. Not inside a step.</summary>
    void Write(Tensor destination, ReadOnlySpan<int> source);

    /// <summary>Waits for all operations before it and copies a tensor (of type Float32, or BFloat16 which is widened) to the host.</summary>
    void Read(Tensor source, Span<float> destination);

    /// <summary>Copies a tensor to another of the same type and length.</summary>
    void Copy(Tensor source, Tensor destination);

    /// <summary>Sets every element of a Float32 or BFloat16 tensor.</summary>
    void Fill(Tensor destination, float value);

    /// <summary>Hands a batch to the device. The host batch may be reused at once. Not inside a step.</summary>
    DeviceBatch Upload(PackedBatch batch);

    /// <summary>
    /// Opens a step. When it returns true the caller runs the step's operations; when it returns false the implementation has
    /// recorded an equal step before and replays it at <see cref="EndStep"/>, and the caller runs none.
    /// </summary>
    bool BeginStep(in StepKey key);

    /// <summary>Closes the step opened last.</summary>
    void EndStep();

    /// <summary>
    /// Says that the weights in this region have changed (after loading, after the optimizer), so that whatever the implementation derives from them
    /// (bf16 copies, packed panels) is made anew.
    /// </summary>
    void PublishWeights(Tensor weights);

    /// <summary>
    /// Says that this region of the gradients is complete, in the order in which the backward pass completes them, so that an
    /// implementation may begin to reduce it while the rest is computed.
    /// </summary>
    void GradientReady(Tensor gradient);

    /// <summary>Embedding: output = dropout(LayerNorm(word[id] + position[p] + tokenType[0])).</summary>
    /// <param name="batch">The batch, n tokens.</param>
    /// <param name="parameters">Tables and LayerNorm.</param>
    /// <param name="dropout">Element (t, c) has number t * hidden + c.</param>
    /// <param name="normalized">Saved: (x - mean) / deviation, (n, hidden).</param>
    /// <param name="inverseDeviation">Saved: 1 / sqrt(variance + epsilon), Float32 (n, 1).</param>
    /// <param name="output">(n, hidden).</param>
    void EmbedNorm(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor output);

    /// <summary>
    /// The gradients of <see cref="EmbedNorm"/>'s parameters. A table row's gradient is the sum over its tokens in packed order; rows that no token
    /// of the batch uses, and the padding token's row, get zero (with <paramref name="accumulate"/> nothing). Nothing but this operation and
    /// <c>Write</c>, <c>Copy</c> and <c>Fill</c> may write to the tables' gradients: an implementation may remember which rows it has written and clear only those.
    /// </summary>
    /// <param name="batch">The same batch.</param>
    /// <param name="parameters">The same parameters.</param>
    /// <param name="dropout">The same dropout.</param>
    /// <param name="normalized">As saved.</param>
    /// <param name="inverseDeviation">As saved.</param>
    /// <param name="outputGradient">(n, hidden); overwritten with working values.</param>
    /// <param name="accumulate">See <see cref="IKernels"/>.</param>
    void EmbedNormBackward(in DeviceBatch batch, in EmbeddingParameters parameters, in Dropout dropout, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, bool accumulate);

    /// <summary>output = input W^T + b.</summary>
    /// <param name="input">(rows, inputs).</param>
    /// <param name="parameters">W (outputs, inputs) and b (1, outputs) or none.</param>
    /// <param name="output">(rows, outputs).</param>
    void Linear(Tensor input, in LinearParameters parameters, Tensor output);

    /// <summary>The gradients of <see cref="Linear"/>: dW = dy^T x, db = sum over rows of dy, dx = dy W.</summary>
    /// <param name="input">The same input.</param>
    /// <param name="parameters">The same parameters.</param>
    /// <param name="outputGradient">dy, (rows, outputs).</param>
    /// <param name="inputGradient">dx, (rows, inputs), or <see cref="Tensor.None"/> when nobody needs it.</param>
    /// <param name="addToInputGradient">Whether dx is added to what is there instead of overwriting it.</param>
    /// <param name="accumulate">See <see cref="IKernels"/>.</param>
    void LinearBackward(Tensor input, in LinearParameters parameters, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate);

    /// <summary>output = f(input W^T + b).</summary>
    /// <param name="input">(rows, inputs).</param>
    /// <param name="parameters">W (outputs, inputs) and b (1, outputs) or none.</param>
    /// <param name="activation">f.</param>
    /// <param name="preactivation">Saved: input W^T + b, (rows, outputs).</param>
    /// <param name="output">(rows, outputs).</param>
    void LinearActivation(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor output);

    /// <summary>The gradients of <see cref="LinearActivation"/>.</summary>
    /// <param name="input">The same input.</param>
    /// <param name="parameters">The same parameters.</param>
    /// <param name="activation">f.</param>
    /// <param name="preactivation">As saved.</param>
    /// <param name="outputGradient">(rows, outputs); overwritten with the gradient of the preactivation.</param>
    /// <param name="inputGradient">dx, (rows, inputs), or <see cref="Tensor.None"/>.</param>
    /// <param name="addToInputGradient">Whether dx is added to what is there instead of overwriting it.</param>
    /// <param name="accumulate">See <see cref="IKernels"/>.</param>
    void LinearActivationBackward(Tensor input, in LinearParameters parameters, Activation activation, Tensor preactivation, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient, bool accumulate);

    /// <summary>output = LayerNorm(dropout(input W^T + b) + residual).</summary>
    /// <param name="input">(rows, inputs).</param>
    /// <param name="linear">W (outputs, inputs) and b (1, outputs).</param>
    /// <param name="dropout">Element (r, c) of the linear result has number r * outputs + c.</param>
    /// <param name="residual">(rows, outputs).</param>
    /// <param name="norm">LayerNorm of width outputs.</param>
    /// <param name="normalized">Saved: (x - mean) / deviation, (rows, outputs).</param>
    /// <param name="inverseDeviation">Saved: 1 / sqrt(variance + epsilon), Float32 (rows, 1).</param>
    /// <param name="output">(rows, outputs).</param>
    void LinearDropoutAddNorm(Tensor input, in LinearParameters linear, in Dropout dropout, Tensor residual, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor output);

    /// <summary>The gradients of <see cref="LinearDropoutAddNorm"/>.</summary>
    /// <param name="input">The same input.</param>
    /// <param name="linear">The same parameters.</param>
    /// <param name="dropout">The same dropout.</param>
    /// <param name="norm">The same parameters.</param>
    /// <param name="normalized">As saved.</param>
    /// <param name="inverseDeviation">As saved.</param>
    /// <param name="outputGradient">(rows, outputs).</param>
    /// <param name="inputGradient">(rows, inputs), overwritten.</param>
    /// <param name="residualGradient">(rows, outputs), overwritten; may be <paramref name="outputGradient"/> itself.</param>
    /// <param name="accumulate">See <see cref="IKernels"/>.</param>
    void LinearDropoutAddNormBackward(Tensor input, in LinearParameters linear, in Dropout dropout, in NormParameters norm, Tensor normalized, Tensor inverseDeviation, Tensor outputGradient, Tensor inputGradient, Tensor residualGradient, bool accumulate);

    /// <summary>
    /// Self-attention inside each sentence. With d = hidden / heads, for each sentence and head:
    /// context = dropout(softmax(Q K^T / sqrt(d) + bias)) V.
    /// </summary>
    /// <param name="batch">The batch, n tokens.</param>
    /// <param name="queryKeyValue">(n, 3 hidden): a row is q, k, v, each of them one head after the other.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="bias">Float32 (heads * L, L), element (head * L + query, key), added to the scaled scores; L is at least the longest sentence. Or <see cref="Tensor.None"/>.</param>
    /// <param name="dropout">
    /// The element number of (sentence s, head, query, key), with l_s the sentence's length, is the sum of heads * l^2 over the sentences before s,
    /// plus (head * l_s + query) * l_s + key.
    /// </param>
    /// <param name="logSumExp">Saved: log of the sum of exponentials of each row of scores, Float32 (n, heads).</param>
    /// <param name="context">(n, hidden).</param>
    void Attention(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context);

    /// <summary>The gradients of <see cref="Attention"/>; the probabilities are computed again from <paramref name="logSumExp"/>.</summary>
    /// <param name="batch">The same batch.</param>
    /// <param name="queryKeyValue">The same input.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="bias">The same bias or <see cref="Tensor.None"/>.</param>
    /// <param name="dropout">The same dropout.</param>
    /// <param name="logSumExp">As saved.</param>
    /// <param name="context">The output of the forward pass.</param>
    /// <param name="contextGradient">(n, hidden).</param>
    /// <param name="queryKeyValueGradient">(n, 3 hidden), overwritten.</param>
    /// <param name="biasGradient">Shaped as <paramref name="bias"/>; the sum over sentences, in their order, is added to it. Or <see cref="Tensor.None"/>.</param>
    void AttentionBackward(in DeviceBatch batch, Tensor queryKeyValue, int heads, Tensor bias, in Dropout dropout, Tensor logSumExp, Tensor context, Tensor contextGradient, Tensor queryKeyValueGradient, Tensor biasGradient);

    /// <summary>
    /// <see cref="Attention"/>'s bias from MPNet's table of relative positions: element (head * L + query, key) = table[bucket(key - query), head], with the
    /// buckets of <see cref="RelativePositions"/>.
    /// </summary>
    /// <param name="table">(<see cref="RelativePositions.Buckets"/>, heads).</param>
    /// <param name="bias">Float32 (heads * L, L).</param>
    void RelativeBias(in Parameter table, Tensor bias);

    /// <summary>The gradient of <see cref="RelativeBias"/>'s table: an element's is the sum over the queries and keys of its bucket, in a fixed order.</summary>
    /// <param name="table">The same table.</param>
    /// <param name="biasGradient">(heads * L, L): what <see cref="AttentionBackward"/> of all layers that use the bias has added up.</param>
    /// <param name="accumulate">See <see cref="IKernels"/>.</param>
    void RelativeBiasBackward(in Parameter table, Tensor biasGradient, bool accumulate);

    /// <summary>Token vectors to sentence vectors; several modes give their results side by side, in the order of <see cref="PoolingModes"/>.</summary>
    /// <param name="batch">The batch, n tokens in s sentences.</param>
    /// <param name="modes">One or more modes.</param>
    /// <param name="hidden">(n, hidden).</param>
    /// <param name="pooled">Float32 (s, hidden * number of modes).</param>
    void Pool(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooled);

    /// <summary>The gradient of <see cref="Pool"/>. A column's maximum passes its gradient to the first token that has it.</summary>
    /// <param name="batch">The same batch.</param>
    /// <param name="modes">The same modes.</param>
    /// <param name="hidden">The same input.</param>
    /// <param name="pooledGradient">Float32 (s, hidden * number of modes).</param>
    /// <param name="hiddenGradient">(n, hidden), overwritten.</param>
    void PoolBackward(in DeviceBatch batch, PoolingModes modes, Tensor hidden, Tensor pooledGradient, Tensor hiddenGradient);

    /// <summary>Divides each row by its length, or by 1e-12 where it is shorter.</summary>
    /// <param name="input">Float32 (rows, width).</param>
    /// <param name="length">Saved: the length of each row before the limit, Float32 (rows, 1).</param>
    /// <param name="output">Float32 (rows, width).</param>
    void Normalize(Tensor input, Tensor length, Tensor output);

    /// <summary>The gradient of <see cref="Normalize"/>: dx = (dy - y (y . dy)) / length; 0 for a row shorter than the limit, which has no direction.</summary>
    /// <param name="output">The forward result.</param>
    /// <param name="length">As saved.</param>
    /// <param name="outputGradient">dy, (rows, width).</param>
    /// <param name="inputGradient">dx, (rows, width), overwritten; may be <paramref name="outputGradient"/> itself.</param>
    void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient);

    /// <summary>The first columns of each row, divided by their length or by 1e-12 where it is shorter: an embedding of fewer dimensions (MatryoshkaLoss).</summary>
    /// <param name="input">Float32 (rows, width).</param>
    /// <param name="length">Saved: the length of each row's first columns before the limit, Float32 (rows, 1).</param>
    /// <param name="output">Float32 (rows, d) with d at most width.</param>
    void TruncateNormalize(Tensor input, Tensor length, Tensor output);

    /// <summary>The gradient of <see cref="TruncateNormalize"/>: that of <see cref="Normalize"/> in the first d columns, 0 in the others.</summary>
    /// <param name="output">The forward result, (rows, d).</param>
    /// <param name="length">As saved.</param>
    /// <param name="outputGradient">(rows, d).</param>
    /// <param name="inputGradient">(rows, width).</param>
    /// <param name="addToInputGradient">Whether the gradient is added to what is there, which leaves the other columns alone, instead of overwriting it.</param>
    void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient, bool addToInputGradient);

    /// <summary>
    /// The multiple-negatives-ranking loss and its gradient in one go (sentence-transformers' MultipleNegativesRankingLoss): the mean over queries i of
    /// -log softmax(scale * similarity(query i, documents)) at the query's own positive.
    /// </summary>
    /// <param name="embeddings">
    /// Float32 ((1 + c) * b, width): b queries, then the b positives in the same order, then for each further column its b hard negatives.
    /// </param>
    /// <param name="queries">b, at least 1.</param>
    /// <param name="options">Scale, similarity, directions, partition, hardness.</param>
    /// <param name="weight">The factor on loss and gradient: 1 / micro-batches under accumulation.</param>
    /// <param name="loss">Float32 (1, 1): weight * loss, overwritten or added to.</param>
    /// <param name="embeddingsGradient">Shaped as <paramref name="embeddings"/>, overwritten; <see cref="Tensor.None"/> for the loss alone. The gradient of an all-zero row under cosine is unspecified but finite.</param>
    /// <param name="accumulate">Whether the loss is added to what is there.</param>
    void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate);

    /// <summary>
    /// The classifier's loss on pairs of embeddings (u, v) and its gradients in one go (sentence-transformers' SoftmaxLoss): the mean over pairs of
    /// -log softmax(features W^T + b) at the pair's label.
    /// </summary>
    /// <param name="embeddings">Float32 (2 b, width): the b first sentences, then the b second ones in the same order.</param>
    /// <param name="labels">Int32 (1, b): each pair's class, from 0 to classes - 1. The caller sees to that; an implementation need not check it.</param>
    /// <param name="classifier">W (classes, parts * width) and b (1, classes).</param>
    /// <param name="features">What the classifier is given; <see cref="PairFeatures.Embeddings"/> are two parts, the others one each.</param>
    /// <param name="weight">The factor on loss and gradients: 1 / micro-batches under accumulation.</param>
    /// <param name="logits">Float32 (b, classes): working memory, overwritten.</param>
    /// <param name="loss">Float32 (1, 1): weight * loss, overwritten or added to.</param>
    /// <param name="embeddingsGradient">Shaped as <paramref name="embeddings"/>, overwritten; <see cref="Tensor.None"/> for the loss alone, which leaves the classifier's gradients as they are. |u - v| passes nothing where u = v.</param>
    /// <param name="accumulate">Whether loss and the classifier's gradients are added to what is there.</param>
    void SoftmaxLoss(Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, float weight, Tensor logits, Tensor loss, Tensor embeddingsGradient, bool accumulate);

    /// <summary>
    /// The mean over pairs of the error of a transform of cos(u, v) against y, by default of (cos(u, v) - y)^2, and its gradient in one go
    /// (sentence-transformers' CosineSimilarityLoss).
    /// </summary>
    /// <param name="embeddings">Float32 (2 b, width): the b first sentences, then the b second ones in the same order.</param>
    /// <param name="labels">Float32 (1, b): y.</param>
    /// <param name="options">The transform and the error.</param>
    /// <param name="weight">The factor on loss and gradient: 1 / micro-batches under accumulation.</param>
    /// <param name="loss">Float32 (1, 1): weight * loss, overwritten or added to.</param>
    /// <param name="embeddingsGradient">Shaped as <paramref name="embeddings"/>, overwritten; <see cref="Tensor.None"/> for the loss alone. The gradient of a pair with an all-zero row is unspecified but finite.</param>
    /// <param name="accumulate">Whether the loss is added to what is there.</param>
    void CosineSimilarityLoss(Tensor embeddings, Tensor labels, in CosineLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate);

    /// <summary>
    /// log(1 + the sum over pairs of pairs i, j with y_i &lt; y_j of exp(scale (s_i - s_j))) with s the similarity of u and v, and its gradient in one go
    /// (sentence-transformers' CoSENTLoss): what people call more similar should be so. Equal labels make no term. Memory grows with b, not b^2.
    /// </summary>
    /// <param name="embeddings">Float32 (2 b, width): the b first sentences, then the b second ones in the same order.</param>
    /// <param name="labels">Float32 (1, b): y.</param>
    /// <param name="scale">Above 0.</param>
    /// <param name="similarity">How u and v are compared.</param>
    /// <param name="weight">The factor on loss and gradient: 1 / micro-batches under accumulation.</param>
    /// <param name="loss">Float32 (1, 1): weight * loss, overwritten or added to.</param>
    /// <param name="embeddingsGradient">Shaped as <paramref name="embeddings"/>, overwritten; <see cref="Tensor.None"/> for the loss alone. The gradient of a pair with an all-zero row under cosine is unspecified but finite.</param>
    /// <param name="accumulate">Whether the loss is added to what is there.</param>
    void CosentLoss(Tensor embeddings, Tensor labels, float scale, Similarity similarity, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate);

    /// <summary>norm = sqrt(sum of squares); factor = min(1, maximum / (norm + 1e-6)), torch's clip_grad_norm_.</summary>
    /// <param name="gradients">Float32, any shape.</param>
    /// <param name="maximum">The largest norm allowed; positive infinity for none, which makes the factor 1.</param>
    /// <param name="norm">Float32 (1, 1): the norm before clipping.</param>
    /// <param name="clipFactor">Float32 (1, 1).</param>
    void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor);

    /// <summary>
    /// One step of Adam or AdamW over flat arrays. With g the clipped gradient: AdamW first shrinks p by (1 - rate * decay), Adam adds decay * p to g;
    /// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= stepSize * m / (sqrt(v) * inverseRootCorrection + epsilon).
    /// A moment too small for a normal number may become 0.
    /// </summary>
    /// <param name="state">The arrays.</param>
    /// <param name="options">The constants.</param>
    /// <param name="rates">
    /// Float32 (1, 4): rate; stepSize = rate / (1 - b1^t); inverseRootCorrection = 1 / sqrt(1 - b2^t); unused. The caller computes them in
    /// double precision and writes them before the step.
    /// </param>
    /// <param name="clipFactor">Float32 (1, 1): the factor on every gradient.</param>
    void Adam(in AdamState state, in AdamOptions options, Tensor rates, Tensor clipFactor);
}
