namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>Operands of a pooling, and where its output and gradient are after a forward and a backward pass.</summary>
internal sealed record PoolPass(Array2 Dy, Tensor Pooled, Tensor Gradient);

/// <summary>The same of embeddings scaled to length 1, perhaps of their first columns.</summary>
internal sealed record NormalizePass(Array2 X, Array2 Dy, Tensor Length, Tensor Output, Tensor Gradient);

/// <summary>Where the loss of embeddings and its gradient are.</summary>
internal sealed record LossPass(Array2 Embeddings, Tensor Loss, Tensor Gradient);

/// <summary>The same of the softmax loss, with its classifier.</summary>
internal sealed record SoftmaxLossPass(Array2 Embeddings, Array2 Weight, Array2 Bias, int[] Labels, LinearParameters Classifier, Tensor Loss, Tensor Gradient);

/// <summary>
/// Operations behind the network run forward and backward; they are in single precision, but for the activations that are pooled. The tests by finite differences and those of whole results
/// compare what these give.
/// </summary>
internal static class SentencePasses
{
    /// <summary>Pooling of given activations; the incoming gradient is drawn.</summary>
    public static PoolPass Pool(Device device, Random random, int[] lengths, Array2 x, PoolingModes modes)
    {
        int columns = System.Numerics.BitOperations.PopCount((uint)modes) * x.Columns;
        Array2 dy = Array2.Random(lengths.Length, columns, random);
        DeviceBatch batch = device.Batch(lengths);
        Tensor input = device.Activations(x);
        Tensor pooled = device.Output(lengths.Length, columns);
        Tensor gradient = device.ActivationOutput(x.Rows, x.Columns);

        device.Kernels.Pool(batch, modes, input, pooled);
        device.Kernels.PoolBackward(batch, modes, input, device.Float(dy), gradient);

        return new PoolPass(dy, pooled, gradient);
    }

    public static NormalizePass Normalize(Device device, Random random, int rows, int width)
    {
        NormalizePass pass = Operands(device, random, rows, width, width);

        device.Kernels.Normalize(device.Float(pass.X), pass.Length, pass.Output);
        device.Kernels.NormalizeBackward(pass.Output, pass.Length, device.Float(pass.Dy), pass.Gradient);

        return pass;
    }

    public static NormalizePass TruncateNormalize(Device device, Random random, int rows, int width, int columns)
    {
        NormalizePass pass = Operands(device, random, rows, width, columns);

        device.Kernels.TruncateNormalize(device.Float(pass.X), pass.Length, pass.Output);
        device.Kernels.TruncateNormalizeBackward(pass.Output, pass.Length, device.Float(pass.Dy), pass.Gradient, addToInputGradient: false);

        return pass;
    }

    public static LossPass RankingLoss(Device device, Random random, int queries, int columns, int width, RankingLossOptions options) => Loss(
        device, Array2.Random(queries * columns, width, random),
        (embeddings, loss, gradient) => device.Kernels.RankingLoss(embeddings, queries, options, 1f, loss, gradient, accumulate: false));

    public static SoftmaxLossPass SoftmaxLoss(Device device, Random random, int pairs, int width, int classes, PairFeatures features, double scale)
    {
        Array2 embeddings = Array2.Random(2 * pairs, width, random);
        Array2 weight = Array2.Random(classes, features.Parts() * width, random, scale);
        Array2 bias = Array2.Random(1, classes, random);
        int[] labels = [.. Enumerable.Range(0, pairs).Select(_ => random.Next(classes))];
        LinearParameters classifier = new(device.Parameter(weight), device.Parameter(bias));

        LossPass pass = Loss(device, embeddings, (input, loss, gradient) => device.Kernels.SoftmaxLoss(
            input, device.Integers(labels), classifier, features, 1f, device.Output(pairs, classes), loss, gradient, accumulate: false));

        return new SoftmaxLossPass(embeddings, weight, bias, labels, classifier, pass.Loss, pass.Gradient);
    }

    /// <summary>The cosine similarity loss of given pairs.</summary>
    public static LossPass CosineSimilarityLoss(Device device, Array2 embeddings, double[] labels, CosineLossOptions options = default) => Loss(
        device, embeddings, (input, loss, gradient) => device.Kernels.CosineSimilarityLoss(input, Labels(device, labels), options, 1f, loss, gradient, accumulate: false));

    /// <summary>The CoSENT loss of given pairs.</summary>
    public static LossPass CosentLoss(Device device, Array2 embeddings, double[] labels, float scale, Similarity similarity) => Loss(
        device, embeddings, (input, loss, gradient) => device.Kernels.CosentLoss(input, Labels(device, labels), scale, similarity, 1f, loss, gradient, accumulate: false));

    /// <summary>Labels as a loss takes them.</summary>
    public static Tensor Labels(Device device, double[] labels) => device.Float(new Array2(1, labels.Length, labels));

    private static NormalizePass Operands(Device device, Random random, int rows, int width, int columns) => new(
        Array2.Random(rows, width, random), Array2.Random(rows, columns, random), device.Output(rows, 1), device.Output(rows, columns), device.Output(rows, width));

    private static LossPass Loss(Device device, Array2 embeddings, Action<Tensor, Tensor, Tensor> operation)
    {
        LossPass pass = new(embeddings, device.Output(1, 1), device.Output(embeddings.Rows, embeddings.Columns));
        operation(device.Float(embeddings), pass.Loss, pass.Gradient);
        return pass;
    }
}
