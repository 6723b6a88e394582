namespace MnrEngine.Trainer.Config;

/// <summary>What the schema can't say: rules between keys.</summary>
internal static class ConfigRules
{
    /// <summary>Checks a config whose values are each right by themselves.</summary>
    /// <exception cref="InputException">Two keys contradict each other.</exception>
    public static void Check(ConfigTree tree, TrainingConfig config)
    {
        CheckModel(tree, config.Model);
        LossRules.Check(tree, config.Loss);
        CheckEvaluation(tree, config.Evaluation);
        if (config.Overwrite && config.Resume == ResumeMode.Always)
        {
            throw tree.Error("overwrite", "overwrite and resume are both true, but an earlier run is either replaced or continued: choose one");
        }
    }

    private static void CheckModel(ConfigTree tree, ModelConfig model)
    {
        if (model.Path is null == model.New is null)
        {
            throw tree.Error("model", $"model has {(model.Path is null ? "neither" : "both")} path and new, but needs one of them: the folder of a model or its id on the hub, or the shape of a new one");
        }

        if (model.New is not null && model.Revision is not null)
        {
            throw tree.Error("model.revision", "model.revision is for a model on the hub, but model.new makes one; leave it out");
        }

        if (model.New is null)
        {
            foreach ((string key, bool given) in ((string, bool)[])[("pooling", model.Pooling is not null), ("normalize", model.Normalize is not null)])
            {
                if (given)
                {
                    throw tree.Error($"model.{key}", $"model.{key} is for a new model, but {model.Path} brings its own; leave it out");
                }
            }

            return;
        }

        if (model.New.HiddenSize % model.New.NumAttentionHeads != 0)
        {
            throw tree.Error(
                "model.new.hidden_size",
                $"model.new.hidden_size is {model.New.HiddenSize}, but has to be a multiple of num_attention_heads, which is {model.New.NumAttentionHeads}");
        }

        if (model.Pooling is not null && model.Pooling.Distinct().Count() != model.Pooling.Count)
        {
            throw tree.Error("model.pooling", "model.pooling names a mode twice");
        }
    }

    private static void CheckEvaluation(ConfigTree tree, EvaluationConfig evaluation)
    {
        if (evaluation.Names.Count == 0 && (evaluation.KeepBest || evaluation.EverySteps is not null))
        {
            string key = evaluation.KeepBest ? "evaluation.keep_best" : "evaluation.every_steps";
            throw tree.Error(key, $"{key} is set, but evaluation.sts names no file to evaluate with, nor does another evaluation");
        }

        if (evaluation.KeepBest && evaluation.EverySteps is null && !evaluation.AtEnd)
        {
            throw tree.Error("evaluation.keep_best", "evaluation.keep_best is true, but there is no evaluation: set every_steps, or at_end to true");
        }

        foreach (InformationRetrievalConfig retrieval in evaluation.InformationRetrieval)
        {
            foreach (IReadOnlyList<int>? ranks in (IReadOnlyList<int>?[])[retrieval.AccuracyAtK, retrieval.PrecisionRecallAtK, retrieval.MrrAtK, retrieval.NdcgAtK, retrieval.MapAtK])
            {
                if (ranks is not null && (ranks.Any(static k => k < 1) || ranks.Distinct().Count() != ranks.Count))
                {
                    throw tree.Error("evaluation.information_retrieval", $"evaluation.information_retrieval asks for ranks {string.Join(", ", ranks)}, but a rank is at least 1 and named once");
                }
            }
        }

        IReadOnlyList<string> names = evaluation.Names;
        if (names.Distinct().Count() != names.Count)
        {
            throw tree.Error("evaluation", $"evaluation has two files of one name among {string.Join(", ", names)}; give each its own name");
        }
    }
}
