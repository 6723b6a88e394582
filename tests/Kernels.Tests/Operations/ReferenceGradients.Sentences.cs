using System.Numerics;

namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>What comes behind the network: pooling, lengths, losses.</summary>
internal static partial class ReferenceGradients
{
    /// <summary>The gradient of what <see cref="Reference.Pool"/> of all six modes pooled; the first of equal maxima gets a column's.</summary>
    public static Array2 Pool(int[] lengths, Array2 hidden, Array2 dy)
    {
        int width = hidden.Columns;
        Array2 result = new(hidden.Rows, width);
        int first = 0;
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            int length = lengths[sentence];
            for (int i = 0; i < width; i++)
            {
                int largest = Enumerable.Range(0, length).MaxBy(token => hidden[first + token, i]);
                for (int token = 0; token < length; token++)
                {
                    double Of(int mode) => dy[sentence, (mode * width) + i];
                    result[first + token, i] = (token == 0 ? Of(0) : 0) + (token == largest ? Of(1) : 0) + (Of(2) / length) + (Of(3) / Math.Sqrt(length))
                        + (Of(4) * (token + 1) / (length * (length + 1) / 2.0)) + (token == length - 1 ? Of(5) : 0);
                }
            }

            first += length;
        }

        return result;
    }

    /// <summary>dx of rows divided by their lengths.</summary>
    public static Array2 Normalize(Array2 input, Array2 dy)
    {
        Array2 units = Reference.Normalize(input);
        Array2 result = new(input.Rows, input.Columns);
        for (int row = 0; row < input.Rows; row++)
        {
            double length = input.RowsOf(row, 1).Norm;
            double along = Enumerable.Range(0, input.Columns).Sum(i => units[row, i] * dy[row, i]);
            for (int i = 0; i < input.Columns; i++)
            {
                result[row, i] = (dy[row, i] - (units[row, i] * along)) / length;
            }
        }

        return result;
    }

    /// <summary>The gradient of the ranking loss.</summary>
    public static Array2 RankingLoss(Array2 embeddings, int queries, RankingLossOptions options)
    {
        Array2 units = options.Similarity == Similarity.Cosine ? Reference.Normalize(embeddings) : embeddings;
        Array2 similar = Product(units, Transposed(units));
        Array2 similarGradient = new(units.Rows, units.Rows);
        for (int query = 0; query < queries; query++)
        {
            int own = query;
            int positive = queries + query;
            List<List<(int Left, int Right, double Penalty)>> softmaxes = [[.. Others(queries, units.Rows, _ => true).Select(document => (own, document, Penalty(own, document, options)))]];
            void Also(RankingDirections direction, RankingLossOptions chosen, int left, IEnumerable<int> rights)
            {
                if (chosen.Directions.HasFlag(direction))
                {
                    softmaxes.Add([.. rights.Select(right => (left, right, 0.0))]);
                }
            }

            Also(RankingDirections.QueryToQuery, options, query, Others(0, queries, other => other != own));
            Also(RankingDirections.DocumentToQuery, options, positive, Others(0, queries, _ => true));
            Also(RankingDirections.DocumentToDocument, options, positive, Others(queries, units.Rows, other => other % queries != own));
            if (options.Partition == RankingPartition.Joint)
            {
                softmaxes = [[.. softmaxes.SelectMany(static softmax => softmax)]];
            }

            foreach (List<(int Left, int Right, double Penalty)> softmax in softmaxes)
            {
                double scale = options.Scale;
                double[] logits = [.. softmax.Select(term => (scale * similar[term.Left, term.Right]) + (term.Penalty * similar[term.Left, term.Right]))];
                double largest = logits.Max();
                double sum = logits.Sum(logit => Math.Exp(logit - largest));
                for (int i = 0; i < logits.Length; i++)
                {
                    similarGradient[softmax[i].Left, softmax[i].Right] += scale * Math.Exp(logits[i] - largest) / sum / softmaxes.Count / queries;
                }
            }

            similarGradient[query, positive] -= (double)options.Scale / queries;
        }

        return OfSimilarities(embeddings, units, similarGradient, options.Similarity);

        IEnumerable<int> Others(int first, int end, Func<int, bool> isTaken) => Enumerable.Range(first, end - first).Where(isTaken);

        double Penalty(int query, int document, RankingLossOptions chosen)
        {
            bool isOwn = document % queries == query;
            bool isPenalized = chosen.Hardness switch
            {
                RankingHardness.InBatchNegatives => !isOwn,
                RankingHardness.HardNegatives => isOwn && document >= 2 * queries,
                RankingHardness.AllNegatives => document != queries + query,
                _ => false,
            };
            return isPenalized ? chosen.HardnessStrength : 0;
        }
    }

    /// <summary>The ranking loss of cosine similarities between queries and documents, and its gradient at some rows, without a matrix of all similarities.</summary>
    public static (double Loss, Array2 Gradient) RankingLossAt(Array2 embeddings, int queries, double scale, int[] rows)
    {
        Array2 units = Reference.Normalize(embeddings);
        int documents = units.Rows - queries;
        double[] logSums = new double[queries];
        double[] losses = new double[queries];
        Parallel.For(0, queries, query =>
        {
            double[] logits = [.. Enumerable.Range(queries, documents).Select(document => scale * Similar(query, document))];
            double largest = logits.Max();
            logSums[query] = largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest)));
            losses[query] = logSums[query] - logits[query];
        });

        Array2 ofUnits = new(rows.Length, units.Columns);
        Parallel.For(0, rows.Length, i =>
        {
            int row = rows[i];
            (int first, int end) = row < queries ? (queries, units.Rows) : (0, queries);
            for (int other = first; other < end; other++)
            {
                (int query, int document) = row < queries ? (row, other) : (other, row);
                double gradient = scale / queries * (Math.Exp((scale * Similar(query, document)) - logSums[query]) - (document == queries + query ? 1 : 0));
                Span<double> sums = ofUnits.Row(i);
                for (int column = 0; column < sums.Length; column++)
                {
                    sums[column] += gradient * units[other, column];
                }
            }
        });

        Array2 chosen = new(rows.Length, embeddings.Columns, [.. rows.SelectMany(row => embeddings.RowsOf(row, 1).Values)]);
        return (losses.Average(), Normalize(chosen, ofUnits));

        double Similar(int left, int right)
        {
            ReadOnlySpan<double> a = units.Row(left), b = units.Row(right);
            Vector<double> sum = Vector<double>.Zero;
            int i = 0;
            for (; i + Vector<double>.Count <= a.Length; i += Vector<double>.Count)
            {
                sum += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
            }

            double rest = 0;
            for (; i < a.Length; i++)
            {
                rest += a[i] * b[i];
            }

            return Vector.Sum(sum) + rest;
        }
    }

    /// <summary>The gradients of the softmax loss.</summary>
    public static (Array2 Embeddings, Array2 Weight, Array2 Bias) SoftmaxLoss(Array2 embeddings, int[] labels, Array2 weight, Array2 bias, PairFeatures features)
    {
        int pairs = labels.Length;
        int width = embeddings.Columns;
        Array2 input = Reference.FeaturesOf(embeddings, pairs, features);
        Array2 logitsGradient = Softmax(Reference.Linear(input, weight, bias), out _);
        for (int pair = 0; pair < pairs; pair++)
        {
            logitsGradient[pair, labels[pair]] -= 1;
        }

        logitsGradient = Apply(logitsGradient, value => value / pairs);
        Array2 inputGradient = Product(logitsGradient, weight);
        Array2 result = new(embeddings.Rows, width);
        for (int pair = 0; pair < pairs; pair++)
        {
            for (int i = 0; i < width; i++)
            {
                int part = 0;
                double Next() => inputGradient[pair, (part++ * width) + i];
                double u = embeddings[pair, i];
                double v = embeddings[pairs + pair, i];
                if (features.HasFlag(PairFeatures.Embeddings))
                {
                    result[pair, i] += Next();
                    result[pairs + pair, i] += Next();
                }

                if (features.HasFlag(PairFeatures.Difference))
                {
                    double passed = Next() * Math.Sign(u - v);
                    result[pair, i] += passed;
                    result[pairs + pair, i] -= passed;
                }

                if (features.HasFlag(PairFeatures.Product))
                {
                    double passed = Next();
                    result[pair, i] += passed * v;
                    result[pairs + pair, i] += passed * u;
                }
            }
        }

        return (result, Product(Transposed(logitsGradient), input), ColumnSums(logitsGradient));
    }

    /// <summary>The gradient of the cosine similarity loss.</summary>
    public static Array2 CosineSimilarityLoss(Array2 embeddings, double[] labels, CosineLossOptions options = default) =>
        OfPairs(embeddings, Similarity.Cosine, similarities => [.. similarities.Select((similarity, pair) =>
        {
            double transformed = Reference.Transformed(options.Transform, similarity);
            double error = transformed - labels[pair];
            double ofError = options.Error switch
            {
                PairError.Absolute => Math.Sign(error),
                PairError.Huber => Math.Clamp(error, -1, 1),
                _ => 2 * error,
            };
            double ofTransform = options.Transform switch
            {
                CosineTransform.Sigmoid => transformed * (1 - transformed),
                CosineTransform.Tanh => 1 - (transformed * transformed),
                CosineTransform.Relu => similarity > 0 ? 1 : 0,
                _ => 1,
            };
            return ofError * ofTransform / labels.Length;
        })]);

    /// <summary>The gradient of the CoSENT loss.</summary>
    public static Array2 CosentLoss(Array2 embeddings, double[] labels, double scale, Similarity similarity) =>
        OfPairs(embeddings, similarity, similarities =>
        {
            List<(int Less, int More, double Exponent)> terms = [];
            for (int i = 0; i < labels.Length; i++)
            {
                for (int j = 0; j < labels.Length; j++)
                {
                    if (labels[i] < labels[j])
                    {
                        terms.Add((i, j, scale * (similarities[i] - similarities[j])));
                    }
                }
            }

            double largest = Math.Max(0, terms.Select(static term => term.Exponent).DefaultIfEmpty().Max());
            double sum = Math.Exp(-largest) + terms.Sum(term => Math.Exp(term.Exponent - largest));
            double[] gradients = new double[labels.Length];
            foreach ((int less, int more, double exponent) in terms)
            {
                double share = scale * Math.Exp(exponent - largest) / sum;
                gradients[less] += share;
                gradients[more] -= share;
            }

            return gradients;
        });

    /// <summary>The gradient of embeddings of pairs, from that of each pair's similarity.</summary>
    private static Array2 OfPairs(Array2 embeddings, Similarity similarity, Func<double[], double[]> gradientOf)
    {
        int pairs = embeddings.Rows / 2;
        Array2 units = similarity == Similarity.Cosine ? Reference.Normalize(embeddings) : embeddings;
        double[] gradients = gradientOf([.. Enumerable.Range(0, pairs).Select(pair => Reference.Dot(units.RowsOf(pair, 1), units.RowsOf(pairs + pair, 1)))]);
        Array2 similarGradient = new(units.Rows, units.Rows);
        for (int pair = 0; pair < pairs; pair++)
        {
            similarGradient[pair, pairs + pair] = gradients[pair];
        }

        return OfSimilarities(embeddings, units, similarGradient, similarity);
    }

    /// <summary>The gradient of embeddings from that of S = U U^T, where U are the embeddings or, under cosine, their directions.</summary>
    private static Array2 OfSimilarities(Array2 embeddings, Array2 units, Array2 similarGradient, Similarity similarity)
    {
        Array2 gradient = Reference.Add(Product(similarGradient, units), Product(Transposed(similarGradient), units));
        return similarity == Similarity.Cosine ? Normalize(embeddings, gradient) : gradient;
    }
}
