namespace MnrEngine.Kernels.Cuda;

/// <summary>Losses on labelled pairs (Native/pair_losses.cuh, Native/classifier_loss.cuh), in single precision whatever the network is computed in.</summary>
public sealed unsafe partial class CudaKernels
{
    private const int ClassifierThreads = 128;

    /// <inheritdoc/>
    public void SoftmaxLoss(
        Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, float weight, Tensor logits, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        _operands.SoftmaxLoss(embeddings, labels, classifier, features, logits, loss, embeddingsGradient);
        int pairs = logits.Rows;
        int classes = logits.Columns;
        int width = embeddings.Columns;
        nint losses = _workspace.Take((long)pairs * sizeof(double));
        _context.Launch(
            _kernels.ClassifierLogits, new LaunchShape(pairs, classes, 1, ClassifierThreads, 0),
            embeddings, classifier.Weight.Value, classifier.Bias.Value, logits, pairs, width, classes, (int)features);
        _context.Launch(_kernels.ClassifierLoss, NormalizeShape(pairs), logits, labels, weight, losses, pairs, classes);
        _context.Launch(_kernels.ReduceLoss, new LaunchShape(1, 256), losses, pairs, weight, loss, accumulate);
        if (embeddingsGradient.IsNone)
        {
            return;
        }

        int parameters = classifier.Weight.Value.Columns + 1;
        _context.Launch(
            _kernels.ClassifierBackwardWeights, new LaunchShape((parameters + ClassifierThreads - 1) / ClassifierThreads, classes, 1, ClassifierThreads, 0),
            embeddings, logits, classifier.Weight.Gradient, classifier.Bias.Gradient, pairs, width, classes, (int)features, accumulate);
        _context.Launch(
            _kernels.ClassifierBackwardEmbeddings, new LaunchShape(pairs, (width + ClassifierThreads - 1) / ClassifierThreads, 1, ClassifierThreads, 0),
            embeddings, classifier.Weight.Value, logits, embeddingsGradient, pairs, width, classes, (int)features);
    }

    /// <inheritdoc/>
    public void CosineSimilarityLoss(Tensor embeddings, Tensor labels, in CosineLossOptions options, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        _operands.CosineSimilarityLoss(embeddings, labels, loss, embeddingsGradient);
        int pairs = labels.Columns;
        (nint similarities, nint inverseLengths, nint gradients, nint losses) = PairNumbers(pairs, sizeof(double));
        ComparePairs(embeddings, pairs, Similarity.Cosine, similarities, inverseLengths);
        _context.Launch(_kernels.CosineSimilarityLoss, new LaunchShape(Blocks((pairs + 255) / 256, 4), 256), similarities, labels, weight, losses, gradients, pairs, (int)options.Error, (int)options.Transform);
        _context.Launch(_kernels.ReduceLoss, new LaunchShape(1, 256), losses, pairs, weight, loss, accumulate);
        ComparePairsBackward(embeddings, pairs, Similarity.Cosine, similarities, inverseLengths, gradients, embeddingsGradient);
    }

    /// <inheritdoc/>
    public void CosentLoss(
        Tensor embeddings, Tensor labels, float scale, Similarity similarity, float weight, Tensor loss, Tensor embeddingsGradient, bool accumulate)
    {
        _operands.CosentLoss(embeddings, labels, scale, loss, embeddingsGradient);
        int pairs = labels.Columns;
        (nint similarities, nint inverseLengths, nint gradients, nint logAbove) = PairNumbers(pairs, 2 * sizeof(double));
        nint logBelow = logAbove + (pairs * sizeof(double));
        ComparePairs(embeddings, pairs, similarity, similarities, inverseLengths);
        _context.Launch(_kernels.CosentRows, new LaunchShape(pairs, 256), similarities, labels, scale, logAbove, logBelow, pairs);
        _context.Launch(_kernels.CosentLoss, new LaunchShape(1, 256), logAbove, logBelow, scale, weight, loss, gradients, pairs, accumulate);
        ComparePairsBackward(embeddings, pairs, similarity, similarities, inverseLengths, gradients, embeddingsGradient);
    }

    /// <summary>Places for a few numbers a pair: similarities, inverse lengths of both sentences, gradients, and what the loss needs beyond.</summary>
    private (nint Similarities, nint InverseLengths, nint Gradients, nint Others) PairNumbers(int pairs, int otherBytes) =>
        _workspace.Take((long)pairs * sizeof(float), 2L * pairs * sizeof(float), (long)pairs * sizeof(float), (long)pairs * otherBytes);

    /// <summary>The most that these losses have in the workspace: CoSENT's.</summary>
    private static long PairBytes(int pairs) =>
        (2 * Memory.Workspace.Padded((long)pairs * sizeof(float))) + Memory.Workspace.Padded(2L * pairs * sizeof(float)) + (2L * pairs * sizeof(double));

    private void ComparePairs(Tensor embeddings, int pairs, Similarity similarity, nint similarities, nint inverseLengths) =>
        _context.Launch(_kernels.PairSimilarity, NormalizeShape(pairs), embeddings, similarities, inverseLengths, pairs, embeddings.Columns, similarity == Similarity.Cosine);

    private void ComparePairsBackward(
        Tensor embeddings, int pairs, Similarity similarity, nint similarities, nint inverseLengths, nint gradients, Tensor embeddingsGradient)
    {
        if (!embeddingsGradient.IsNone)
        {
            _context.Launch(
                _kernels.PairSimilarityBackward, NormalizeShape(pairs),
                embeddings, similarities, inverseLengths, gradients, embeddingsGradient, pairs, embeddings.Columns, similarity == Similarity.Cosine);
        }
    }
}
