using System.Text.Json;
using System.Text.Json.Nodes;
using MnrEngine.Serialization;
using MnrEngine.Trainer.Config;
using MnrEngine.Trainer.Reporting;

namespace MnrEngine.Trainer.Runs;

/// <summary>What the saved model's card says of the run.</summary>
internal static class TrainedModelCard
{
    /// <summary>Writes the card.</summary>
    public static ModelCard Write(TrainingConfig config, TrainingInputs inputs, RunHistory history) => new()
    {
        BaseModel = config.Model.Path,
        Datasets = [Dataset(config, inputs)],
        Loss = Loss(config),
        Hyperparameters = [.. Hyperparameters(config)],
        Scores = [.. Scores(config, history)],
        TrainingTime = TimeSpan.FromSeconds(history.Steps.Sum(static s => s.Step.Seconds)),
    };

    /// <summary>The loss with its own parameters; of a wrapped loss only the name, as in sentence-transformers' cards.</summary>
    private static CardLoss Loss(TrainingConfig config)
    {
        JsonObject all = JsonSerializer.SerializeToNode(config.Loss, TrainingConfigJson.Default.LossConfig)!.AsObject();
        JsonObject own = [];
        foreach (string parameter in LossRules.Parameters($"{config.Loss.Type}"))
        {
            own[parameter] = parameter == "loss" ? config.Loss.Loss!.Type.ToString() : all[parameter]?.DeepClone();
        }

        return new CardLoss($"{config.Loss.Type}", own);
    }

    private static CardDataset Dataset(TrainingConfig config, TrainingInputs inputs) =>
        new(string.Join(", ", config.Data.Files.Select(static file => HubFiles.DatasetName(file.Path))), inputs.Data.Rows, inputs.ColumnNames)
        {
            Samples = inputs.Samples,
        };

    private static IEnumerable<KeyValuePair<string, string>> Hyperparameters(TrainingConfig config)
    {
        JsonObject keys = JsonSerializer.SerializeToNode(config, TrainingConfigJson.Default.TrainingConfig)!.AsObject();
        foreach (string paths in (string[])["$schema", "model", "data", "loss", "evaluation", "output", "overwrite", "resume", "checkpoints", "log_every_steps"])
        {
            keys.Remove(paths);
        }

        return keys.Select(static pair => KeyValuePair.Create(pair.Key, pair.Value?.ToString() ?? "none"));
    }

    private static IEnumerable<CardScore> Scores(TrainingConfig config, RunHistory history)
    {
        foreach (string name in config.Evaluation.Names)
        {
            if (history.Scores(name, null) is EvaluatorScores scores)
            {
                yield return new CardScore(name, scores.Metric, scores.Before, scores.After);
            }
        }
    }
}
