namespace MnrEngine.Evaluation;

/// <summary>The figures of sentence-transformers' BinaryClassificationEvaluator for one similarity function.</summary>
/// <param name="Accuracy">The largest share of pairs on the right side of a threshold.</param>
/// <param name="AccuracyThreshold">That threshold.</param>
/// <param name="F1">The largest F1 score of a threshold.</param>
/// <param name="F1Threshold">That threshold.</param>
/// <param name="Precision">The precision at it.</param>
/// <param name="Recall">The recall at it.</param>
/// <param name="AveragePrecision">The area under the precision-recall curve, as a sum of steps (scikit-learn's <c>average_precision_score</c>).</param>
/// <param name="Mcc">Matthews' correlation at the F1 score's threshold.</param>
public sealed record BinaryClassification(
    double Accuracy, double AccuracyThreshold, double F1, double F1Threshold, double Precision, double Recall, double AveragePrecision, double Mcc)
{
    /// <summary>The figures by sentence-transformers' names, in its order.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Values =>
    [
        new("accuracy", Accuracy), new("accuracy_threshold", AccuracyThreshold), new("f1", F1), new("f1_threshold", F1Threshold),
        new("precision", Precision), new("recall", Recall), new("ap", AveragePrecision), new("mcc", Mcc),
    ];

    /// <summary>The figures in the order of the CSV file.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> CsvValues =>
    [
        new("accuracy", Accuracy), new("accuracy_threshold", AccuracyThreshold), new("f1", F1), new("precision", Precision), new("recall", Recall),
        new("f1_threshold", F1Threshold), new("ap", AveragePrecision), new("mcc", Mcc),
    ];

    /// <summary>
    /// Finds the best thresholds. As in sentence-transformers, a threshold lies halfway between two neighbouring scores, so that the pair
    /// that ranks last is never above it; of two that differ by their last bit it is one, since it is computed in their precision.
    /// </summary>
    /// <param name="scores">A score of each pair.</param>
    /// <param name="labels">Whether each pair is similar.</param>
    /// <param name="largerIsSimilar">True for similarities, false for distances.</param>
    public static BinaryClassification Of(IReadOnlyList<float> scores, IReadOnlyList<bool> labels, bool largerIsSimilar)
    {
        int count = scores.Count;

        // The most similar first; equal ones keep their order.
        int[] order = [.. largerIsSimilar ? Enumerable.Range(0, count).OrderByDescending(i => scores[i]) : Enumerable.Range(0, count).OrderBy(i => scores[i])];
        int similar = labels.Count(static label => label);
        double accuracy = 0, accuracyThreshold = -1, f1 = 0, f1Threshold = 0, bestPrecision = 0, bestRecall = 0;
        int found = 0;
        int dissimilarLeft = count - similar;
        for (int i = 0; i < count - 1; i++)
        {
            bool isSimilar = labels[order[i]];
            found += isSimilar ? 1 : 0;
            dissimilarLeft -= isSimilar ? 0 : 1;
            float threshold = (scores[order[i]] + scores[order[i + 1]]) / 2;
            double right = (double)(found + dissimilarLeft) / count;
            if (right > accuracy)
            {
                (accuracy, accuracyThreshold) = (right, threshold);
            }

            if (found > 0)
            {
                double precision = (double)found / (i + 1);
                double recall = (double)found / similar;
                double score = 2 * precision * recall / (precision + recall);
                if (score > f1)
                {
                    (f1, f1Threshold, bestPrecision, bestRecall) = (score, threshold, precision, recall);
                }
            }
        }

        double mcc = Matthews(labels, [.. scores.Select(score => largerIsSimilar ? score >= f1Threshold : score <= f1Threshold)]);
        return new BinaryClassification(accuracy, accuracyThreshold, f1, f1Threshold, bestPrecision, bestRecall, Average(order, scores, labels, similar), mcc);
    }

    /// <summary>The sum over different scores, the most similar first, of the recall that it adds times the precision down to it.</summary>
    private static double Average(int[] order, IReadOnlyList<float> scores, IReadOnlyList<bool> labels, int similar)
    {
        double sum = 0;
        int found = 0;
        int before = 0;
        for (int i = 0; i < order.Length; i++)
        {
            found += labels[order[i]] ? 1 : 0;
            if (i == order.Length - 1 || scores[order[i]] != scores[order[i + 1]])
            {
                sum += (double)(found - before) / similar * found / (i + 1);
                before = found;
            }
        }

        return similar == 0 ? 0 : sum;
    }

    private static double Matthews(IReadOnlyList<bool> labels, bool[] predicted)
    {
        double truePositives = 0, falsePositives = 0, falseNegatives = 0, trueNegatives = 0;
        for (int i = 0; i < predicted.Length; i++)
        {
            truePositives += labels[i] && predicted[i] ? 1 : 0;
            falsePositives += !labels[i] && predicted[i] ? 1 : 0;
            falseNegatives += labels[i] && !predicted[i] ? 1 : 0;
            trueNegatives += !labels[i] && !predicted[i] ? 1 : 0;
        }

        double scale = Math.Sqrt((truePositives + falsePositives) * (truePositives + falseNegatives) * (trueNegatives + falsePositives) * (trueNegatives + falseNegatives));
        return scale == 0 ? 0 : ((truePositives * trueNegatives) - (falsePositives * falseNegatives)) / scale;
    }
}
