using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>Which parameters a loss has, what they are when left out, and how they go together.</summary>
internal static class LossRules
{
    private const string TypeKey = "type";

    /// <summary>The names of a loss's parameters.</summary>
    public static IReadOnlyList<string> Parameters(string type) => [.. Defaults(type).Select(static pair => pair.Key)];

    /// <summary>Fills in the parameters that were left out.</summary>
    /// <param name="loss">A loss with its type.</param>
    public static JsonObject Filled(JsonObject loss)
    {
        JsonObject filled = Defaults((string)loss[TypeKey]!);
        RecipeDefaults.Overlay(filled, loss);
        if (filled["loss"] is JsonObject wrapped)
        {
            filled["loss"] = Filled(wrapped.DeepClone().AsObject());
        }

        return filled;
    }

    /// <summary>Checks the loss of a config whose values are each right by themselves.</summary>
    /// <exception cref="InputException">A parameter belongs to another loss, or two contradict each other.</exception>
    public static void Check(ConfigTree tree, LossConfig loss)
    {
        CheckOwn(tree, "loss", tree.Root["loss"] as JsonObject, $"{loss.Type}");
        CheckRanking(tree, "loss", loss);
        if (loss.ConcatenationSentRep == false && loss.ConcatenationSentDifference == false && loss.ConcatenationSentMultiplication == false)
        {
            throw tree.Error("loss", "all of loss.concatenation_sent_rep, concatenation_sent_difference and concatenation_sent_multiplication are false, which leaves the classifier nothing to see");
        }

        if (loss.Type == LossName.MatryoshkaLoss)
        {
            CheckMatryoshka(tree, loss);
        }
    }

    private static void CheckMatryoshka(ConfigTree tree, LossConfig loss)
    {
        const string Dims = "loss.matryoshka_dims";
        if (loss.MatryoshkaDims is null)
        {
            throw tree.Error("loss", $"{Dims} is missing: MatryoshkaLoss needs the dimensions to train, such as [384, 128, 32]");
        }

        if (loss.MatryoshkaDims.FirstOrDefault(static d => d < 1) is int wrong && loss.MatryoshkaDims.Any(static d => d < 1))
        {
            throw tree.Error(Dims, $"{Dims} has {wrong}, but a dimension is at least 1");
        }

        if (loss.MatryoshkaWeights is not null && loss.MatryoshkaWeights.Count != loss.MatryoshkaDims.Count)
        {
            throw tree.Error(
                "loss.matryoshka_weights", $"loss.matryoshka_weights has {loss.MatryoshkaWeights.Count} numbers, but {Dims} has {loss.MatryoshkaDims.Count}");
        }

        CheckOwn(tree, "loss.loss", tree.Root["loss"]?["loss"] as JsonObject, $"{loss.Loss!.Type}");
        CheckRanking(tree, "loss.loss", loss.Loss.Unwrapped());
    }

    private static void CheckRanking(ConfigTree tree, string path, LossConfig loss)
    {
        if (loss.Directions is null)
        {
            return;
        }

        string key = $"{path}.directions";
        if (!loss.Directions.Contains(RankingDirection.QueryToDoc) || loss.Directions.Distinct().Count() != loss.Directions.Count)
        {
            throw tree.Error(key, $"{key} has to name query_to_doc, and each direction once");
        }

        if (loss.PartitionMode == PartitionMode.PerDirection && loss.Directions.Any(static d => d is RankingDirection.QueryToQuery or RankingDirection.DocToDoc))
        {
            throw tree.Error($"{path}.partition_mode", $"{path}.partition_mode is per_direction, which goes with query_to_doc and doc_to_query only");
        }
    }

    private static void CheckOwn(ConfigTree tree, string path, JsonObject? given, string type)
    {
        IReadOnlyList<string> own = Parameters(type);
        foreach ((string key, JsonNode? value) in given ?? [])
        {
            if (key != TypeKey && value is not null && !own.Contains(key))
            {
                string has = own.Count == 0 ? "has no parameters" : $"has {string.Join(", ", own)}";
                throw tree.Error($"{path}.{key}", $"{path}.{key} is set, but {type} {has}");
            }
        }
    }

    private static JsonObject Defaults(string type) => RecipeDefaults.Losses()[type]!.DeepClone().AsObject();
}
