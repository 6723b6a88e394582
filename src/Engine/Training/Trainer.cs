using System.Diagnostics;
using MnrEngine.Data.Sampling;
using MnrEngine.Evaluation;
using MnrEngine.Losses;
using MnrEngine.Models;
using MnrEngine.Optimizers;

namespace MnrEngine.Training;

/// <summary>The training loop: epochs of batches, the schedule, evaluations, checkpoints, and a way out between any two steps.</summary>
public sealed class Trainer : IDisposable
{
    private const string TextHashKey = "hash of the texts";
    private const string TokenizerKey = "hash of the tokenizer";
    private const string MaxLengthKey = "max_seq_length";
    private const string TokenHashKey = "hash of the tokens";

    private readonly SentenceEncoder _encoder;
    private readonly TrainingData _data;
    private readonly IBatchSampler _sampler;
    private readonly TrainingOptions _options;
    private readonly IReadOnlyList<IEvaluator> _evaluators;
    private readonly ITrainingObserver _observer;
    private readonly Checkpoints? _checkpoints;
    private readonly StepRunner _runner;
    private readonly StepLog _log;
    private readonly List<StepRecord> _unreported = [];
    private readonly int _stepsPerEpoch;
    private readonly int _totalSteps;
    private readonly LearningRateSchedule _schedule;
    private readonly Stopwatch _clock = new();
    private TrainingState _state;
    private bool _awaitsTokens;

    /// <summary>Prepares a run: all memory is reserved here.</summary>
    /// <param name="encoder">The model, made for training; the result is left in it.</param>
    /// <param name="data">The rows.</param>
    /// <param name="sampler">Decides the batches.</param>
    /// <param name="options">Everything else.</param>
    /// <param name="evaluators">Evaluations; the first one's primary figure decides which is best.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="checkpoints">Where checkpoints are kept, or null for none.</param>
    /// <exception cref="InputException">The sampler gives no batch.</exception>
    public Trainer(
        SentenceEncoder encoder, TrainingData data, IBatchSampler sampler, TrainingOptions options, IReadOnlyList<IEvaluator> evaluators,
        ITrainingObserver observer, Checkpoints? checkpoints = null)
    {
        _encoder = encoder;
        _data = data;
        _sampler = sampler;
        _options = options;
        _evaluators = evaluators;
        _observer = observer;
        _checkpoints = checkpoints;
        if (sampler.Length == 0)
        {
            throw new InputException($"the data set has {data.Rows} rows, which do not fill one batch of {sampler.BatchSize}: give more rows, a smaller batch_size, or drop_last false");
        }

        options.Loss.CheckData([.. Enumerable.Range(1, data.Columns).Select(static i => $"column {i}")], data.Labels?.Kind ?? LabelKind.None);
        options.Loss.CheckDimension(encoder.Description.EmbeddingDimension);
        _stepsPerEpoch = (sampler.Length + options.GradientAccumulationSteps - 1) / options.GradientAccumulationSteps;
        _totalSteps = options.MaxSteps ?? checked(options.Epochs * _stepsPerEpoch);
        int fullBatchSteps = options.MaxSteps ?? options.Epochs * (data.Rows / sampler.BatchSize / options.GradientAccumulationSteps);
        _schedule = options.Schedule.Resolve(fullBatchSteps, _stepsPerEpoch, _totalSteps);
        _runner = new StepRunner(encoder, data, options, sampler.BatchSize);
        _log = new StepLog(encoder.Kernels, Math.Max(1, options.ReportEverySteps));
        _state = new TrainingState { Setup = Setup() };
    }

    /// <summary>Goes on from a checkpoint instead of from the start.</summary>
    /// <exception cref="InputException">The checkpoint is damaged, or belongs to a run with another setup.</exception>
    public void Resume(string checkpoint)
    {
        TrainingState saved = Checkpoints.Load(checkpoint, _encoder, _runner.Optimizer, _runner.LossParameters);
        foreach ((string key, string value) in SetupLike(saved))
        {
            string found = saved.Setup.GetValueOrDefault(key, "nothing");
            if (found != value)
            {
                throw new InputException($"{checkpoint} was written by a run with {key} {found}, but this run has {value}: resume with the same settings, or start a new run from its weights");
            }
        }

        _state = saved with { Setup = _state.Setup };
        _runner.Passes = saved.Passes;
    }

    /// <summary>Trains until the last step, or until asked to stop.</summary>
    /// <param name="stop">Asks for an end after the step under way; a checkpoint is written then, where there is a place for it.</param>
    /// <exception cref="TrainingException">The loss is no longer a number.</exception>
    public TrainingOutcome Run(CancellationToken stop)
    {
        _awaitsTokens = !_data.IsTokenizedFirst;
        _observer.Started(new RunPlan(
            _totalSteps, _stepsPerEpoch, _state.Step, _data.Rows, _awaitsTokens ? null : _data.TruncatedSentences, _schedule, _runner.DeviceBytes));
        if (_options.EvaluateAtStart && _state.Step == 0 && _state.EvaluatedStep != 0)
        {
            Evaluate();
        }

        _clock.Restart();
        string? checkpoint = null;
        while (_state.Step < _totalSteps && !stop.IsCancellationRequested && (_options.MaxSteps is not null || _state.Epoch < _options.Epochs))
        {
            RunEpoch(stop);
        }

        Report();
        bool completed = !stop.IsCancellationRequested || _state.Step >= _totalSteps;
        if (!completed)
        {
            checkpoint = WriteCheckpoint();
            return new TrainingOutcome(false, _state.Step, checkpoint, null);
        }

        if (_options.EvaluateAtEnd && _state.EvaluatedStep != _state.Step)
        {
            Evaluate();
        }

        int? best = null;
        if (_options.KeepBest && _state.BestStep is int step && step != _state.Step && _checkpoints is not null)
        {
            _encoder.LoadWeights(_checkpoints.BestFolder);
            best = step;
        }

        return new TrainingOutcome(true, _state.Step, null, best);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runner.Dispose();
        _log.Dispose();
    }

    /// <summary>The rest of the epoch under way. Batches beyond the planned number are left out, as transformers' Trainer does.</summary>
    private void RunEpoch(CancellationToken stop)
    {
        List<int[]> microBatches = new(_options.GradientAccumulationSteps);
        int batch = 0;
        foreach (int[] rows in _sampler.Epoch(_state.Epoch).Take(_sampler.Length))
        {
            batch++;
            if (batch <= _state.Batch)
            {
                continue;
            }

            microBatches.Add(rows);
            if (microBatches.Count == _options.GradientAccumulationSteps)
            {
                RunStep(microBatches, batch);
                microBatches.Clear();
                if (stop.IsCancellationRequested || _state.Step >= _totalSteps)
                {
                    return;
                }
            }
        }

        if (batch == 0)
        {
            throw new InputException($"epoch {_state.Epoch} has no batch: the sampler found none in {_data.Rows} rows with batch_size {_sampler.BatchSize}");
        }

        if (microBatches.Count > 0)
        {
            RunStep(microBatches, batch);
        }

        _state = _state with { Epoch = _state.Epoch + 1, Batch = 0 };
    }

    private void RunStep(IReadOnlyList<int[]> microBatches, int batchesDone)
    {
        int step = _state.Step + 1;
        double learningRate = _options.Optimizer.LearningRate * _schedule.Factor(_state.Step);
        int tokens = _runner.Run(microBatches, step, learningRate);
        _state = _state with { Step = step, Batch = batchesDone, Passes = _runner.Passes };
        _log.Add(_runner.Loss, _runner.Optimizer.GradientNorm);
        _unreported.Add(new StepRecord(step, EpochDone, 0, learningRate, 0, microBatches.Sum(static rows => rows.Length), tokens, 0));
        if (_log.IsFull)
        {
            Report();
        }

        if (_options.EvaluateEverySteps > 0 && step % _options.EvaluateEverySteps == 0)
        {
            Evaluate();
        }

        if (_options.CheckpointEverySteps > 0 && step % _options.CheckpointEverySteps == 0 && step < _totalSteps)
        {
            WriteCheckpoint();
        }
    }

    private double EpochDone => _state.Epoch + ((double)_state.Batch / _sampler.Length);

    private void Report()
    {
        if (_unreported.Count == 0)
        {
            return;
        }

        ReadOnlySpan<float> figures = _log.Drain();
        double seconds = _clock.Elapsed.TotalSeconds / _unreported.Count;
        for (int i = 0; i < _unreported.Count; i++)
        {
            _unreported[i] = _unreported[i] with { Loss = figures[2 * i], GradientNorm = figures[(2 * i) + 1], Seconds = seconds };
        }

        _observer.StepsFinished(_unreported);
        StepRecord? broken = _unreported.Find(static s => !double.IsFinite(s.Loss) || !double.IsFinite(s.GradientNorm));
        _unreported.Clear();
        if (_awaitsTokens && _data.TruncatedSentences is int truncated)
        {
            _awaitsTokens = false;
            _observer.Tokenized(truncated);
        }

        _clock.Restart();
        if (broken is not null)
        {
            throw new TrainingException(
                $"step {broken.Step}: the loss is {broken.Loss} and the gradient norm {broken.GradientNorm} at learning rate {broken.LearningRate:R}; a lower learning_rate or a max_grad_norm may help, and earlier checkpoints are untouched");
        }
    }

    private void Evaluate()
    {
        Report();
        string? metric = _options.MetricForBestModel ?? _state.DecidingMetric;
        (string Metric, double Score)? first = null, named = null;
        foreach (IEvaluator evaluator in _evaluators)
        {
            long start = Stopwatch.GetTimestamp();
            EvaluationFigures figures = evaluator.Evaluate(new NetworkEmbedder(_runner.Network), new EvaluationMoment(EpochDone, _state.Step));
            EvaluationRecord record = new(
                _state.Step, EpochDone, evaluator.Name, figures.PrimaryMetric, figures.Values, Stopwatch.GetElapsedTime(start).TotalSeconds);
            _observer.Evaluated(record);
            first ??= (record.PrimaryMetric, record.Primary);
            named = metric is not null && record.Figures.TryGetValue(metric, out double figure) ? (metric, figure) : named;
        }

        (string Metric, double Score)? deciding = named ?? first;
        _state = _state with { EvaluatedStep = _state.Step, DecidingMetric = deciding?.Metric };
        if (_options.KeepBest && deciding is (string name, double score) && !double.IsNaN(score) && !(score <= _state.BestScore))
        {
            _state = _state with { BestScore = score, BestStep = _state.Step };
            _checkpoints?.WriteBest(_encoder, new BestEvaluation(_state.Step, EpochDone, name, score));
        }

        _clock.Restart();
    }

    private string? WriteCheckpoint()
    {
        if (_checkpoints is null)
        {
            return null;
        }

        Report();
        string folder = _checkpoints.Write(_state, _encoder, _runner.Optimizer, _runner.LossParameters);
        _observer.CheckpointWritten(_state.Step, folder);
        _clock.Restart();
        return folder;
    }

    /// <summary>This run's setup in the terms of a checkpoint: those written by earlier versions tell the data by their tokens, for which all have to be tokenised.</summary>
    private IReadOnlyDictionary<string, string> SetupLike(TrainingState saved)
    {
        if (!saved.Setup.ContainsKey(TokenHashKey) || saved.Setup.ContainsKey(TextHashKey))
        {
            return _state.Setup;
        }

        Dictionary<string, string> setup = new(_state.Setup);
        foreach (string key in (string[])[TextHashKey, TokenizerKey, MaxLengthKey])
        {
            setup.Remove(key);
        }

        setup[TokenHashKey] = _data.TokenHash(out long tokens);
        setup["tokens"] = $"{tokens}";
        return setup;
    }

    /// <summary>What decides the weights of every step, for comparison with a checkpoint.</summary>
    private Dictionary<string, string> Setup() => new()
    {
        ["rows"] = $"{_data.Rows}",
        ["columns"] = $"{_data.Columns}",
        [TextHashKey] = _data.TextHash,
        [TokenizerKey] = _encoder.Tokenizer.Hash(),
        [MaxLengthKey] = $"{_data.MaxLength}",
        ["sampler"] = $"{_sampler}",
        ["batch_size"] = $"{_sampler.BatchSize}",
        ["batches an epoch"] = $"{_sampler.Length}",
        ["steps"] = $"{_totalSteps}",
        ["gradient_accumulation_steps"] = $"{_options.GradientAccumulationSteps}",
        ["seed"] = $"{_options.Seed}",
        ["loss"] = $"{_options.Loss}",
        ["optimizer"] = $"{_options.Optimizer}",
        ["schedule"] = $"{_schedule}",
        ["precision"] = _encoder.Kernels.Precision,
        ["dropout"] = $"{_encoder.DropoutRates(_options.Dropout)}",
        ["transformer"] = $"{_encoder.Description.Transformer with { Source = [] }}",
        ["pooling"] = $"{_encoder.Description.Pooling}",
        ["modules"] = string.Join(", ", _encoder.Description.Modules),
    };
}
