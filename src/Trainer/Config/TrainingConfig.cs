using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MnrEngine.Trainer.Config;

/// <summary>
/// A training config, with every default filled in. Its properties are the keys of the file in snake_case; their descriptions and limits are the
/// published schema's (<see cref="ConfigSchema"/>), and their defaults lie in Recipes/*.json.
/// </summary>
internal sealed record TrainingConfig
{
    [JsonPropertyName("$schema")]
    [Description("The JSON Schema of this file, for editors.")]
    public string? Schema { get; init; }

    [Description("Whose defaults to start from: today's sentence-transformers Trainer, its old fit(), or the article's own PyTorch loop. Any key overrides them.")]
    public required Recipe Recipe { get; init; }

    [Description("The model to train: the folder of a saved one, the id of one on the Hugging Face hub, or an object.")]
    public required ModelConfig Model { get; init; }

    [Description("The rows to train on: a file, the id of a data set on the Hugging Face hub, several of them, or an object.")]
    public required DataConfig Data { get; init; }

    [Description("The loss: its name, or an object with its parameters.")]
    public required LossConfig Loss { get; init; }

    [Description("Rows in a batch. Every other row of the batch is a negative, so that larger batches are harder.")]
    [TransformersName("per_device_train_batch_size", "train_batch_size")]
    [Range(1, 1 << 20)]
    public required int BatchSize { get; init; }

    [Description("Passes over the data.")]
    [TransformersName("num_train_epochs")]
    [Range(1, 1_000_000)]
    public required int Epochs { get; init; }

    [Description("Optimizer steps to train for, however many epochs that takes; null to count epochs.")]
    [Range(1, int.MaxValue)]
    public required int? MaxSteps { get; init; }

    [Description("Batches whose gradients are averaged for one step. This adds no negatives: each batch still has only its own.")]
    [Range(1, 1 << 20)]
    public required int GradientAccumulationSteps { get; init; }

    [Description("How rows become batches: in the order of the files; shuffled; shuffled with no text twice in a batch, as today's Trainer or the old NoDuplicatesDataLoader does it.")]
    [TransformersName("sampler")]
    public required BatchSampler BatchSampler { get; init; }

    [Description("Whether the last batch of an epoch is left out when it is short.")]
    [TransformersName("dataloader_drop_last")]
    public required bool DropLast { get; init; }

    [Description("adamw shrinks the weights directly, adam adds the decay to the gradient.")]
    [TransformersName("optim")]
    public required OptimizerName Optimizer { get; init; }

    [Description("The peak learning rate.")]
    [TransformersName("lr")]
    [Range(0.0, 1000)]
    public required double LearningRate { get; init; }

    [Description("Weight decay of the parameters that weight_decay_groups says.")]
    [Range(0.0, 1000)]
    public required double WeightDecay { get; init; }

    [Description("What weight_decay applies to: trainer, all but biases and LayerNorm; fit, as the old fit() told them apart by name, so that DistilBERT's norms decay but the first.")]
    public required WeightDecayGroups WeightDecayGroups { get; init; }

    [Description("Decay of the running mean of the gradients.")]
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public required double AdamBeta1 { get; init; }

    [Description("Decay of the running mean of their squares.")]
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public required double AdamBeta2 { get; init; }

    [Description("Added to the denominator of a step.")]
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public required double AdamEpsilon { get; init; }

    [Description("The global norm that gradients are clipped to; null for no clipping.")]
    [Range(0.0, 1e30, MinimumIsExclusive = true)]
    public required double? MaxGradNorm { get; init; }

    [Description("Whether a loss's own parameters (SoftmaxLoss's classifier) are clipped and counted with the model's, as the old fit() did, or neither, as today's Trainer does.")]
    public required bool ClipLossParameters { get; init; }

    [Description("How the learning rate moves: up over the warm-up steps and down to 0 in a straight line or along a cosine, or up and constant, or constant.")]
    [TransformersName("lr_scheduler", "scheduler")]
    public required SchedulerType LrSchedulerType { get; init; }

    [Description("Warm-up steps, over which the learning rate rises from 0; null to use warmup_ratio.")]
    [Range(0, int.MaxValue)]
    public required int? WarmupSteps { get; init; }

    [Description("Warm-up steps as a share of the run; null for none.")]
    [TransformersName("warmup")]
    [Range(0.0, 1.0)]
    public required double? WarmupRatio { get; init; }

    [Description("Whether the share that warmup_ratio asks for is rounded up or down to whole steps.")]
    public required Rounding WarmupRounding { get; init; }

    [Description("What warmup_ratio is a share of: the run, one epoch, or the run with short batches left out.")]
    public required WarmupBasis WarmupOf { get; init; }

    [Description("The step at which a falling learning rate reaches 0; null for the end of the run.")]
    [Range(1, int.MaxValue)]
    public required int? ScheduleSteps { get; init; }

    [Description("The article's quirk: the learning rate reaches 0 as many steps before the end as there are warm-up steps.")]
    public required bool ScheduleShortenedByWarmup { get; init; }

    [Description("The dropout probability everywhere; null for the model's own.")]
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public required double? Dropout { get; init; }

    [Description("The seed of batches and dropout, and of a new model's weights unless it has its own.")]
    [TransformersName("data_seed")]
    [Range(0.0, uint.MaxValue)]
    public required long Seed { get; init; }

    [Description("How the model is judged on the way.")]
    public required EvaluationConfig Evaluation { get; init; }

    [Description("The folder of the run, which gets model/, checkpoints/, metrics.jsonl, chart.png and the rest.")]
    [TransformersName("output_dir", "output_path")]
    [ConfigPath]
    public required string Output { get; init; }

    [Description("Whether an earlier run in the output folder may be replaced; otherwise the folder has to be empty.")]
    [TransformersName("overwrite_output_dir")]
    public required bool Overwrite { get; init; }

    [Description("Whether to go on from the last checkpoint in the output folder: no; yes, there has to be one; or auto, if there is one.")]
    [TransformersName("resume_from_checkpoint")]
    public required ResumeMode Resume { get; init; }

    [Description("When a run can be resumed from.")]
    public required CheckpointConfig Checkpoints { get; init; }

    [Description("Threads to compute with; null for one a core. The result does not depend on it.")]
    [Range(1, 4096)]
    public required int? Threads { get; init; }

    [Description("What to compute on: auto takes an NVIDIA GPU where one and its libraries are found, else the CPU; cuda:N is the GPU of that number, counted from 0.")]
    public required Device Device { get; init; }

    [Description("What a network is computed in. On a GPU, tf32 multiplies with 10 bits of fraction and bf16 keeps activations in half the memory; weights, sums and losses stay fp32. The CPU has fp32 alone.")]
    public required Precision Precision { get; init; }

    [Description("Steps between two lines of a log that is not a terminal; metrics.jsonl has every step anyway.")]
    [TransformersName("logging_steps")]
    [Range(1, int.MaxValue)]
    public required int LogEverySteps { get; init; }

    /// <summary>Whether model.max_seq_length is the recipe's, so that who wrote the config need not know of it.</summary>
    [JsonIgnore]
    public bool MaxSeqLengthIsTheRecipes { get; init; }

    /// <summary>Checks that the network can read sentences as long as they may be.</summary>
    /// <param name="longest">The longest that it can read, in tokens.</param>
    /// <param name="limit">That in words: what has how many positions.</param>
    /// <exception cref="InputException">It can't.</exception>
    public void CheckLength(int longest, string limit)
    {
        if (Model.MaxSeqLength > longest)
        {
            throw new InputException(MaxSeqLengthIsTheRecipes
                ? $"the recipe {Recipe.ToString().ToLowerInvariant()} cuts sentences at {Model.MaxSeqLength} tokens, but {limit}: set model.max_seq_length to {longest} or less"
                : $"model.max_seq_length is {Model.MaxSeqLength}, but {limit}");
        }
    }
}
