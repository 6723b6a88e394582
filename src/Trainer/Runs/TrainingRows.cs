using MnrEngine.Data;
using MnrEngine.Losses;
using MnrEngine.Trainer.Config;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Runs;

/// <summary>The rows to train on as text, with the labels that the loss needs, and the loss itself.</summary>
/// <param name="Dataset">The rows.</param>
/// <param name="Labels">Their labels, or null for a loss that needs none.</param>
/// <param name="Loss">The loss.</param>
internal sealed record TrainingRows(TextDataset Dataset, TrainingLabels? Labels, SentenceLoss Loss)
{
    /// <summary>Reads the rows.</summary>
    /// <exception cref="InputException">A file is missing or wrong, a label is none or out of range, or the loss and the data don't fit together.</exception>
    public static TrainingRows Load(TrainingConfig config, Func<LabelRule?, TextDataset> load)
    {
        LabelKind kind = config.Loss.ToLoss(classes: 0).Labels;
        TextDataset dataset = load(Rule(config, kind));
        if (kind == LabelKind.Score && config.Data.LabelScale is null && dataset.HasNliClasses)
        {
            throw new InputException(
                $"the column {dataset.LabelName} has no numbers but 0, 1 and 2, which are NLI's classes, but {config.Loss.Type} needs similarity scores: SoftmaxLoss takes classes; where they are scores, data.label_scale says what divides them");
        }

        TrainingLabels? labels = kind == LabelKind.None || dataset.Labels is null ? null : TrainingLabels.Parse(kind, dataset.Labels, config.Data.LabelScale ?? 1);
        if (config.Loss.NumLabels is null && labels?.MissingClass is int missing)
        {
            // One wrong label would otherwise make the classifier as large as the label, and train all the same.
            throw new InputException(
                $"the largest label is {labels.Classes - 1}, but no row has label {missing}: where that is meant, loss.num_labels says how many there are");
        }

        SentenceLoss loss = config.Loss.ToLoss(labels?.Classes ?? 0);
        loss.CheckData(dataset.ColumnNames, labels?.Kind ?? LabelKind.None);
        if (kind == LabelKind.None)
        {
            CheckUnusedLabels(config, dataset, loss);
        }

        return new TrainingRows(dataset, labels, loss);
    }

    /// <summary>What a label has to be, checked while the files are read so that an error can name the line.</summary>
    private static LabelRule? Rule(TrainingConfig config, LabelKind kind) => kind switch
    {
        LabelKind.Class => new LabelRule(AreScores: false, label => TrainingLabels.ClassOf(label) switch
        {
            null => $"the label is '{label}', but {config.Loss.Type} needs a class: a whole number from 0, or entailment, neutral or contradiction",
            int found when found >= config.Loss.NumLabels => $"the label is {found}, but loss.num_labels is {config.Loss.NumLabels}, so that labels go from 0 to {config.Loss.NumLabels - 1}",
            _ => null,
        }),
        LabelKind.Score => new LabelRule(AreScores: true, label => TrainingLabels.ScoreOf(label) switch
        {
            null => $"the label is '{label}', but {config.Loss.Type} needs a number{(TrainingLabels.ClassOf(label) is null ? "" : ", a similarity score: SoftmaxLoss takes classes")}",
            double score when ComparesWithCosine(config.Loss) && Math.Abs(score / (config.Data.LabelScale ?? 1)) > 1 =>
                $"the label is {label.Trim()}, but CosineSimilarityLoss compares it with a cosine, which lies between -1 and 1: data.label_scale divides labels (5 for STSb's 0 to 5)",
            _ => null,
        }),
        _ => null,
    };

    private static bool ComparesWithCosine(LossConfig loss) =>
        loss.Type == LossName.CosineSimilarityLoss || (loss.Type == LossName.MatryoshkaLoss && loss.Loss!.Type == WrappedLossName.CosineSimilarityLoss);

    /// <summary>Rows that are labelled differently and not chosen by their labels are hardly all meant as positives.</summary>
    private static void CheckUnusedLabels(TrainingConfig config, TextDataset dataset, SentenceLoss loss)
    {
        string[] labels = [.. (dataset.Labels ?? []).Distinct().Take(4)];
        if (labels.Length > 1 && config.Data.Files.Any(file => (file.Labels ?? config.Data.Labels) is null))
        {
            string more = labels.Length > 3 ? ", ..." : "";
            throw new InputException(
                $"{loss.Name} takes every row for a positive one and uses no labels, but the rows have different ones ({string.Join(", ", labels.Take(3))}{more}): name those to keep in data.labels, or choose a loss that uses them");
        }
    }
}
