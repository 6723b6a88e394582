namespace MnrEngine.Kernels.Tests.Operations;

/// <summary>The forward operations once more, in double precision and as plainly as can be: what the kernels' results and, by finite differences, gradients are compared with.</summary>
internal static class Reference
{
    public static Array2 Linear(Array2 input, Array2 weight, Array2? bias)
    {
        Array2 result = new(input.Rows, weight.Rows);
        for (int row = 0; row < input.Rows; row++)
        {
            ReadOnlySpan<double> inputs = input.Row(row);
            for (int output = 0; output < weight.Rows; output++)
            {
                double sum = bias?[0, output] ?? 0;
                ReadOnlySpan<double> weights = weight.Row(output);
                for (int i = 0; i < inputs.Length; i++)
                {
                    sum += inputs[i] * weights[i];
                }

                result[row, output] = sum;
            }
        }

        return result;
    }

    public static Array2 Activate(Array2 input, Activation activation) => new(input.Rows, input.Columns, Array.ConvertAll(input.Values, x => Activate(x, activation)));

    public static double Activate(double x, Activation activation) => activation switch
    {
        Activation.Gelu => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        Activation.Relu => Math.Max(x, 0),
        Activation.Tanh => Math.Tanh(x),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        _ => x,
    };

    /// <summary>Element by element.</summary>
    public static Array2 Multiply(Array2 left, Array2 right) => new(left.Rows, left.Columns, [.. left.Values.Zip(right.Values, (a, b) => a * b)]);

    public static Array2 Add(Array2 left, Array2 right) => new(left.Rows, left.Columns, [.. left.Values.Zip(right.Values, (a, b) => a + b)]);

    public static double Dot(Array2 left, Array2 right)
    {
        double sum = 0;
        for (int i = 0; i < left.Values.Length; i++)
        {
            sum += left.Values[i] * right.Values[i];
        }

        return sum;
    }

    public static Array2 LayerNorm(Array2 input, Array2 weight, Array2 bias, double epsilon)
    {
        Array2 result = new(input.Rows, input.Columns);
        for (int row = 0; row < input.Rows; row++)
        {
            double mean = Enumerable.Range(0, input.Columns).Average(i => input[row, i]);
            double variance = Enumerable.Range(0, input.Columns).Average(i => (input[row, i] - mean) * (input[row, i] - mean));
            for (int i = 0; i < input.Columns; i++)
            {
                result[row, i] = (input[row, i] - mean) / Math.Sqrt(variance + epsilon) * weight[0, i] + bias[0, i];
            }
        }

        return result;
    }

    public static Array2 Embed(int[] tokenIds, int[] positions, Array2 word, Array2 position, Array2? tokenType)
    {
        Array2 result = new(tokenIds.Length, word.Columns);
        for (int token = 0; token < tokenIds.Length; token++)
        {
            for (int i = 0; i < word.Columns; i++)
            {
                result[token, i] = word[tokenIds[token], i] + position[positions[token], i] + (tokenType?[0, i] ?? 0);
            }
        }

        return result;
    }

    /// <summary>The context; <paramref name="factors"/> has dropout's factor of each element in the order in which the contract numbers them, or is null.</summary>
    public static Array2 Attention(int[] lengths, Array2 queryKeyValue, int heads, Array2? bias, double[]? factors)
    {
        int hidden = queryKeyValue.Columns / 3;
        int headDim = hidden / heads;
        Array2 context = new(queryKeyValue.Rows, hidden);
        int first = 0;
        int element = 0;
        foreach (int length in lengths)
        {
            for (int head = 0; head < heads; head++)
            {
                for (int query = 0; query < length; query++)
                {
                    double[] scores = new double[length];
                    for (int key = 0; key < length; key++)
                    {
                        double sum = 0;
                        for (int i = 0; i < headDim; i++)
                        {
                            sum += queryKeyValue[first + query, head * headDim + i] * queryKeyValue[first + key, hidden + head * headDim + i];
                        }

                        scores[key] = sum / Math.Sqrt(headDim) + (bias?[head * bias.Columns + query, key] ?? 0);
                    }

                    double logSum = LogSumExp(scores);
                    for (int key = 0; key < length; key++)
                    {
                        double probability = Math.Exp(scores[key] - logSum) * (factors?[element + key] ?? 1);
                        for (int i = 0; i < headDim; i++)
                        {
                            context[first + query, head * headDim + i] += probability * queryKeyValue[first + key, 2 * hidden + head * headDim + i];
                        }
                    }

                    element += length;
                }
            }

            first += length;
        }

        return context;
    }

    public static Array2 Pool(int[] lengths, Array2 hidden, PoolingModes modes)
    {
        PoolingModes[] chosen = [.. Enum.GetValues<PoolingModes>().Where(mode => mode != PoolingModes.None && modes.HasFlag(mode))];
        Array2 pooled = new(lengths.Length, hidden.Columns * chosen.Length);
        int first = 0;
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            int length = lengths[sentence];
            for (int mode = 0; mode < chosen.Length; mode++)
            {
                for (int i = 0; i < hidden.Columns; i++)
                {
                    double[] column = [.. Enumerable.Range(first, length).Select(token => hidden[token, i])];
                    pooled[sentence, mode * hidden.Columns + i] = chosen[mode] switch
                    {
                        PoolingModes.Cls => column[0],
                        PoolingModes.LastToken => column[^1],
                        PoolingModes.Max => column.Max(),
                        PoolingModes.Mean => column.Sum() / length,
                        PoolingModes.MeanSqrtLength => column.Sum() / Math.Sqrt(length),
                        _ => column.Select((value, token) => value * (token + 1)).Sum() / Enumerable.Range(1, length).Sum(),
                    };
                }
            }

            first += length;
        }

        return pooled;
    }

    public static Array2 Normalize(Array2 input)
    {
        Array2 result = input.Copy();
        for (int row = 0; row < input.Rows; row++)
        {
            double length = Math.Max(1e-12, input.RowsOf(row, 1).Norm);
            for (int i = 0; i < input.Columns; i++)
            {
                result[row, i] /= length;
            }
        }

        return result;
    }

    /// <summary>The loss; hardness comes from the similarities of <paramref name="penalizing"/>, which finite differences leave alone because no gradient passes there.</summary>
    public static double RankingLoss(Array2 embeddings, int queries, in RankingLossOptions options, Array2 penalizing)
    {
        bool isCosine = options.Similarity == Similarity.Cosine;
        Array2 units = isCosine ? Normalize(embeddings) : embeddings;
        Array2 penalties = isCosine ? Normalize(penalizing) : penalizing;
        double sum = 0;
        for (int query = 0; query < queries; query++)
        {
            List<double[]> directions = [];
            double positive = options.Scale * Similar(units, query, queries + query);
            List<double> logits = [];
            for (int document = queries; document < units.Rows; document++)
            {
                bool isOwn = document % queries == query;
                bool isPenalized = options.Hardness switch
                {
                    RankingHardness.InBatchNegatives => !isOwn,
                    RankingHardness.HardNegatives => isOwn && document >= 2 * queries,
                    RankingHardness.AllNegatives => document != queries + query,
                    _ => false,
                };
                double penalty = isPenalized ? options.HardnessStrength * Similar(penalties, query, document) : 0;
                logits.Add(options.Scale * Similar(units, query, document) + penalty);
            }

            directions.Add([.. logits]);
            if (options.Directions.HasFlag(RankingDirections.QueryToQuery))
            {
                directions.Add([.. Scaled(units, query, Enumerable.Range(0, queries).Where(other => other != query), options.Scale)]);
            }

            if (options.Directions.HasFlag(RankingDirections.DocumentToQuery))
            {
                directions.Add([.. Scaled(units, queries + query, Enumerable.Range(0, queries), options.Scale)]);
            }

            if (options.Directions.HasFlag(RankingDirections.DocumentToDocument))
            {
                directions.Add([.. Scaled(units, queries + query, Enumerable.Range(queries, units.Rows - queries).Where(other => other % queries != query), options.Scale)]);
            }

            double logSum = options.Partition == RankingPartition.Joint
                ? LogSumExp([.. directions.SelectMany(direction => direction)])
                : directions.Average(LogSumExp);
            sum += logSum - positive;
        }

        return sum / queries;
    }

    /// <summary>The first columns of each row, divided by their length.</summary>
    public static Array2 TruncateNormalize(Array2 input, int columns)
    {
        Array2 first = new(input.Rows, columns);
        for (int row = 0; row < input.Rows; row++)
        {
            Array.Copy(input.Values, row * input.Columns, first.Values, row * columns, columns);
        }

        return Normalize(first);
    }

    public static double SoftmaxLoss(Array2 embeddings, int[] labels, Array2 weight, Array2 bias, PairFeatures features)
    {
        Array2 input = FeaturesOf(embeddings, labels.Length, features);
        Array2 logits = Linear(input, weight, bias);
        return labels.Select((label, pair) => LogSumExp(logits.RowsOf(pair, 1).Values) - logits[pair, label]).Average();
    }

    /// <summary>What the softmax loss gives its classifier of each pair.</summary>
    public static Array2 FeaturesOf(Array2 embeddings, int pairs, PairFeatures features)
    {
        int width = embeddings.Columns;
        Array2 input = new(pairs, features.Parts() * width);
        for (int pair = 0; pair < pairs; pair++)
        {
            int part = 0;
            void Add(Func<double, double, double> feature)
            {
                for (int i = 0; i < width; i++)
                {
                    input[pair, part * width + i] = feature(embeddings[pair, i], embeddings[pairs + pair, i]);
                }

                part++;
            }

            if (features.HasFlag(PairFeatures.Embeddings))
            {
                Add((u, _) => u);
                Add((_, v) => v);
            }

            if (features.HasFlag(PairFeatures.Difference))
            {
                Add((u, v) => Math.Abs(u - v));
            }

            if (features.HasFlag(PairFeatures.Product))
            {
                Add((u, v) => u * v);
            }
        }

        return input;
    }

    public static double CosineSimilarityLoss(Array2 embeddings, double[] labels, CosineLossOptions options = default)
    {
        Array2 units = Normalize(embeddings);
        return labels.Select((label, pair) =>
        {
            double error = Transformed(options.Transform, Similar(units, pair, labels.Length + pair)) - label;
            return options.Error switch
            {
                PairError.Absolute => Math.Abs(error),
                PairError.Huber => Math.Abs(error) < 1 ? error * error / 2 : Math.Abs(error) - 0.5,
                _ => Math.Pow(error, 2),
            };
        }).Average();
    }

    public static double Transformed(CosineTransform transform, double cosine) => transform switch
    {
        CosineTransform.Sigmoid => 1 / (1 + Math.Exp(-cosine)),
        CosineTransform.Tanh => Math.Tanh(cosine),
        CosineTransform.Relu => Math.Max(cosine, 0),
        _ => cosine,
    };

    public static double CosentLoss(Array2 embeddings, double[] labels, double scale, Similarity similarity)
    {
        Array2 units = similarity == Similarity.Cosine ? Normalize(embeddings) : embeddings;
        double[] similarities = [.. labels.Select((_, pair) => Similar(units, pair, labels.Length + pair))];
        List<double> terms = [0];
        for (int i = 0; i < labels.Length; i++)
        {
            for (int j = 0; j < labels.Length; j++)
            {
                if (labels[i] < labels[j])
                {
                    terms.Add(scale * (similarities[i] - similarities[j]));
                }
            }
        }

        return LogSumExp([.. terms]);
    }

    /// <summary>Dropout's factors, from Philox 4x32-10 written down word by word.</summary>
    public static double[] DropoutFactors(float probability, int site, ulong seed, int step, int count)
    {
        double[] factors = new double[count];
        uint[] words = [];
        for (int element = 0; element < count; element++)
        {
            words = element % 4 == 0 ? Philox((ulong)element / 4, (uint)site, (uint)step, seed) : words;
            factors[element] = words[element % 4] < (1 - (double)probability) * 4294967296.0 ? 1 / (1 - (double)probability) : 0;
        }

        return factors;
    }

    private static IEnumerable<double> Scaled(Array2 units, int row, IEnumerable<int> others, double scale) => others.Select(other => scale * Similar(units, row, other));

    private static double Similar(Array2 units, int left, int right)
    {
        double sum = 0;
        for (int i = 0; i < units.Columns; i++)
        {
            sum += units[left, i] * units[right, i];
        }

        return sum;
    }

    private static double LogSumExp(double[] values)
    {
        double largest = values.Max();
        return largest + Math.Log(values.Sum(value => Math.Exp(value - largest)));
    }

    private static uint[] Philox(ulong block, uint site, uint step, ulong seed)
    {
        uint[] counter = [(uint)block, (uint)(block >> 32), site, step];
        uint key0 = (uint)seed;
        uint key1 = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong product0 = 0xD2511F53ul * counter[0];
            ulong product1 = 0xCD9E8D57ul * counter[2];
            counter = [(uint)(product1 >> 32) ^ counter[1] ^ key0, (uint)product1, (uint)(product0 >> 32) ^ counter[3] ^ key1, (uint)product0];
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }

        return counter;
    }

    /// <summary>The error function by its Taylor series below 3, by the continued fraction of its complement above.</summary>
    private static double Erf(double x)
    {
        double magnitude = Math.Abs(x);
        if (magnitude < 3)
        {
            double term = x;
            double sum = x;
            for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }

            return 2 / Math.Sqrt(Math.PI) * sum;
        }

        double fraction = magnitude;
        for (int n = 60; n > 0; n--)
        {
            fraction = magnitude + n / 2.0 / fraction;
        }

        return Math.Sign(x) * (1 - Math.Exp(-x * x) / Math.Sqrt(Math.PI) / fraction);
    }
}
