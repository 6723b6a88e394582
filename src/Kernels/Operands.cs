using System.Runtime.CompilerServices;

namespace MnrEngine.Kernels;

/// <summary>
/// The one place where operands are checked: each operation of <see cref="IKernels"/> has a method here that throws what the contract promises. Every
/// implementation calls it before it touches memory, so that nothing behind it checks again. A check that passes allocates nothing.
/// </summary>
/// <param name="activation">See <see cref="IKernels.ActivationType"/>.</param>
/// <param name="arena">The type of the implementation's arenas.</param>
internal sealed partial class Operands(ElementType activation, Type arena)
{
    private const ElementType Float = ElementType.Float32;

    public void Write(Tensor destination, ReadOnlySpan<float> source) =>
        Host(destination, destination.Type == ElementType.BFloat16 ? ElementType.BFloat16 : Float, source.Length);

    public void Write(Tensor destination, ReadOnlySpan<int> source) => Host(destination, ElementType.Int32, source.Length);

    public void Read(Tensor source, Span<float> destination)
    {
        if (source.Type == ElementType.Int32)
        {
            throw Wrong(source, "a Float32 or BFloat16 tensor");
        }

        Host(source, source.Type, destination.Length);
    }

    public void Copy(Tensor source, Tensor destination)
    {
        Any(source);
        Any(destination);
        if (source.Type != destination.Type || source.Length != destination.Length)
        {
            throw Wrong(destination, $"the type and length of the source, {source}");
        }

        Apart(destination, source);
    }

    public void Fill(Tensor destination)
    {
        Any(destination);
        if (destination.Type == ElementType.Int32)
        {
            throw Wrong(destination, "a Float32 or BFloat16 tensor");
        }
    }

    public static void Upload(PackedBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Sentences == 0)
        {
            throw new ArgumentException("Upload: operand 'batch' is empty, expected at least one sentence", nameof(batch));
        }
    }

    public void Normalize(Tensor input, Tensor length, Tensor output)
    {
        Matrix(input, Float, input.Rows, input.Columns);
        MatrixOrNone(length, Float, input.Rows, 1);
        Matrix(output, Float, input.Rows, input.Columns);
        Apart(output, input);
    }

    public void NormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient)
    {
        Matrix(output, Float, output.Rows, output.Columns);
        Matrix(length, Float, output.Rows, 1);
        Matrix(outputGradient, Float, output.Rows, output.Columns);
        Matrix(inputGradient, Float, output.Rows, output.Columns);
        Apart(inputGradient, output);
        ApartOrSame(inputGradient, outputGradient);
    }

    public void RankingLoss(Tensor embeddings, int queries, in RankingLossOptions options, Tensor loss, Tensor embeddingsGradient)
    {
        Matrix(embeddings, Float, embeddings.Rows, embeddings.Columns);
        if (queries < 1 || embeddings.Rows % queries != 0 || embeddings.Rows < 2 * queries)
        {
            throw Wrong(embeddings, $"at least two columns of {queries} rows, and at least one query");
        }

        const RankingDirections Every = RankingDirections.QueryToDocument | RankingDirections.QueryToQuery | RankingDirections.DocumentToQuery | RankingDirections.DocumentToDocument;
        const RankingDirections Crossing = RankingDirections.QueryToDocument | RankingDirections.DocumentToQuery;
        if (!(options.Scale > 0) || !float.IsFinite(options.Scale))
        {
            throw Unusable("scale", options.Scale, "a number above 0");
        }

        if (!float.IsFinite(options.HardnessStrength))
        {
            throw Unusable("hardness strength", options.HardnessStrength, "a finite number");
        }

        if ((options.Directions & RankingDirections.QueryToDocument) == 0 || (options.Directions & ~Every) != 0)
        {
            throw Unusable("directions", options.Directions, "directions with QueryToDocument among them");
        }

        if (options.Partition == RankingPartition.PerDirection && (options.Directions & ~Crossing) != 0)
        {
            throw Unusable("directions", options.Directions, "only directions between queries and documents when each has its own softmax");
        }

        Scalar(loss);
        Apart(loss, embeddings);
        MatrixOrNone(embeddingsGradient, Float, embeddings.Rows, embeddings.Columns);
        Apart(embeddingsGradient, embeddings);
        Apart(embeddingsGradient, loss);
    }

    public void TruncateNormalize(Tensor input, Tensor length, Tensor output)
    {
        Matrix(input, Float, input.Rows, input.Columns);
        MatrixOrNone(length, Float, input.Rows, 1);
        Matrix(output, Float, input.Rows, output.Columns);
        if (output.Columns > input.Columns)
        {
            throw Wrong(output, $"at most the input's {input.Columns} columns");
        }

        Apart(output, input);
    }

    public void TruncateNormalizeBackward(Tensor output, Tensor length, Tensor outputGradient, Tensor inputGradient)
    {
        Matrix(output, Float, output.Rows, output.Columns);
        Matrix(length, Float, output.Rows, 1);
        Matrix(outputGradient, Float, output.Rows, output.Columns);
        Matrix(inputGradient, Float, output.Rows, inputGradient.Columns);
        if (inputGradient.Columns < output.Columns)
        {
            throw Wrong(inputGradient, $"at least the output's {output.Columns} columns");
        }

        Apart(inputGradient, output);
        Apart(inputGradient, outputGradient);
    }

    public void SoftmaxLoss(
        Tensor embeddings, Tensor labels, in LinearParameters classifier, PairFeatures features, Tensor logits, Tensor loss, Tensor embeddingsGradient)
    {
        const PairFeatures Every = PairFeatures.Embeddings | PairFeatures.Difference | PairFeatures.Product;
        if (features == 0 || (features & ~Every) != 0)
        {
            throw Unusable("features", features, "one or more of the features");
        }

        Pairs(embeddings, labels, ElementType.Int32, loss, embeddingsGradient);
        Matrix(logits, Float, labels.Columns, logits.Columns);
        bool backward = !embeddingsGradient.IsNone;
        Parameter(classifier.Weight, logits.Columns, features.Parts() * embeddings.Columns, backward, nameof(SoftmaxLoss));
        Parameter(classifier.Bias, 1, logits.Columns, backward, nameof(SoftmaxLoss));
        Apart(logits, embeddings);
        Apart(embeddingsGradient, logits);
        Apart(loss, logits);
    }

    public void CosineSimilarityLoss(Tensor embeddings, Tensor labels, Tensor loss, Tensor embeddingsGradient) =>
        Pairs(embeddings, labels, Float, loss, embeddingsGradient);

    public void CosentLoss(Tensor embeddings, Tensor labels, float scale, Tensor loss, Tensor embeddingsGradient)
    {
        Pairs(embeddings, labels, Float, loss, embeddingsGradient);
        if (!(scale > 0) || !float.IsFinite(scale))
        {
            throw Unusable("scale", scale, "a number above 0");
        }
    }

    public void GlobalNorm(Tensor gradients, float maximum, Tensor norm, Tensor clipFactor)
    {
        Matrix(gradients, Float, gradients.Rows, gradients.Columns);
        if (!(maximum > 0))
        {
            throw Unusable("maximum", maximum, "a number above 0");
        }

        Scalar(norm);
        Scalar(clipFactor);
        Apart(norm, gradients);
        Apart(clipFactor, gradients);
        Apart(clipFactor, norm);
    }

    public void Adam(in AdamState state, Tensor rates, Tensor clipFactor)
    {
        int length = state.Weights.Columns;
        if (state.Weights.Rows != 1 || length % AdamState.BlockLength != 0)
        {
            throw Wrong(state.Weights, $"one row of a multiple of {AdamState.BlockLength} elements");
        }

        Matrix(state.Weights, Float, 1, length);
        Matrix(state.Gradients, Float, 1, length);
        Matrix(state.FirstMoments, Float, 1, length);
        Matrix(state.SecondMoments, Float, 1, length);
        Matrix(state.BlockDecay, Float, 1, length / AdamState.BlockLength);
        Matrix(rates, Float, 1, 4);
        Scalar(clipFactor);
    }

    /// <summary>Embeddings of pairs, the first sentences above the second ones, with a label for each.</summary>
    private void Pairs(Tensor embeddings, Tensor labels, ElementType labelType, Tensor loss, Tensor embeddingsGradient, [CallerMemberName] string operation = "")
    {
        Matrix(embeddings, Float, embeddings.Rows, embeddings.Columns, operation);
        if (embeddings.Rows % 2 != 0)
        {
            throw Wrong(embeddings, "two columns of as many rows", operation);
        }

        Matrix(labels, labelType, 1, embeddings.Rows / 2, operation);
        Scalar(loss, operation);
        Apart(loss, embeddings, operation);
        MatrixOrNone(embeddingsGradient, Float, embeddings.Rows, embeddings.Columns, operation);
        Apart(embeddingsGradient, embeddings, operation);
        Apart(embeddingsGradient, loss, operation);
    }

    private static ArgumentException Unusable<T>(string operand, T found, string expected, [CallerMemberName] string operation = "") =>
        new($"{operation}: '{operand}' is {found}, expected {expected}");

    private static ArgumentException Wrong(
        Tensor tensor, string expected, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "") =>
        new($"{operation}: operand '{operand}' is {tensor}, expected {expected}", operand);

    private static ArgumentException Wrong(Tensor tensor, ElementType type, int rows, int columns, string operation, string operand) =>
        Wrong(tensor, $"{rows} x {columns} {type}", operation, operand);

    private void Matrix(
        Tensor tensor, ElementType type, int rows, int columns,
        [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "")
    {
        if (tensor.IsNone || tensor.Type != type || tensor.Rows != rows || tensor.Columns != columns || rows == 0 || columns == 0)
        {
            throw Wrong(tensor, type, Math.Max(rows, 1), Math.Max(columns, 1), operation, operand);
        }

        Any(tensor, operation, operand);
    }

    private void MatrixOrNone(
        Tensor tensor, ElementType type, int rows, int columns,
        [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "")
    {
        if (!tensor.IsNone)
        {
            Matrix(tensor, type, rows, columns, operation, operand);
        }
    }

    private void Scalar(Tensor tensor, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "") =>
        Matrix(tensor, Float, 1, 1, operation, operand);

    private void Host(Tensor tensor, ElementType type, int length, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "")
    {
        if (tensor.IsNone || tensor.Type != type || tensor.Length != length)
        {
            throw Wrong(tensor, $"{length} elements of {type}, as many as the host has", operation, operand);
        }

        Any(tensor, operation, operand);
    }

    /// <summary>What holds for every tensor: it lies inside an arena of this implementation.</summary>
    private void Any(Tensor tensor, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(tensor))] string operand = "")
    {
        if (tensor.Arena is null)
        {
            throw Wrong(tensor, "a tensor", operation, operand);
        }

        if (tensor.Arena.GetType() != arena)
        {
            throw Wrong(tensor, $"a tensor in an arena of this implementation, {arena.Name}", operation, operand);
        }

        if (tensor.Offset < 0 || tensor.Rows < 0 || tensor.Columns < 0 || tensor.Offset + tensor.Bytes > tensor.Arena.Bytes)
        {
            throw Wrong(tensor, $"a tensor inside the arena's {tensor.Arena.Bytes} bytes, not one that begins at {tensor.Offset}", operation, operand);
        }

        ObjectDisposedException.ThrowIf(tensor.Arena.Address == 0, tensor.Arena);
    }

    private static void Apart(
        Tensor output, Tensor input, [CallerMemberName] string operation = "",
        [CallerArgumentExpression(nameof(output))] string operand = "", [CallerArgumentExpression(nameof(input))] string other = "")
    {
        if (!output.IsNone && output.Arena == input.Arena && output.Offset < input.Offset + input.Bytes && input.Offset < output.Offset + output.Bytes)
        {
            throw new ArgumentException($"{operation}: operand '{operand}', {output}, overlaps operand '{other}', {input}; expected memory of its own", operand);
        }
    }

    private static void ApartOrSame(
        Tensor output, Tensor input, [CallerMemberName] string operation = "",
        [CallerArgumentExpression(nameof(output))] string operand = "", [CallerArgumentExpression(nameof(input))] string other = "")
    {
        if (output != input)
        {
            Apart(output, input, operation, operand, other);
        }
    }
}
