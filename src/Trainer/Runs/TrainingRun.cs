using System.Diagnostics;
using System.Globalization;
using MnrEngine.Data;
using MnrEngine.Kernels;
using MnrEngine.Trainer.Config;
using MnrEngine.Trainer.Profiling;
using MnrEngine.Trainer.Reporting;
using MnrEngine.Training;

namespace MnrEngine.Trainer.Runs;

/// <summary>A training run from its config to the saved model.</summary>
internal sealed class TrainingRun
{
    private readonly TrainingConfig _config;
    private readonly string _command;
    private readonly ProfilingOptions _profiling;
    private readonly OutputFolder _folder;
    private readonly TextWriter _output;
    private readonly IRunDisplay _display;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Describes a run; nothing happens yet.</summary>
    /// <param name="config">The config.</param>
    /// <param name="command">The command that would start it again, for the advice after an interruption.</param>
    /// <param name="profiling">How the run is watched.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="display">Shows progress.</param>
    public TrainingRun(TrainingConfig config, string command, ProfilingOptions profiling, TextWriter output, IRunDisplay display)
    {
        _config = config;
        _command = command;
        _profiling = profiling;
        _output = output;
        _display = display;
        _folder = new OutputFolder(config.Output);
    }

    /// <summary>Trains, evaluates and saves.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    /// <exception cref="InputException">Something is wrong with config, model, data or output folder; nothing was changed.</exception>
    /// <exception cref="TrainingException">The run failed after it had begun.</exception>
    public int Execute()
    {
        Checkpoints checkpoints = new(_folder.Checkpoints, _config.Checkpoints.Keep);
        string? resumeFrom = _config.Resume == ResumeMode.Never ? null : checkpoints.Latest;
        if (_config.Resume == ResumeMode.Always && resumeFrom is null)
        {
            throw new InputException($"resume is true, but there is no checkpoint in {_folder.Checkpoints}; \"auto\" begins anew where there is none");
        }

        _folder.Check(_config.Overwrite || _config.Resume != ResumeMode.Never);
        using RunProfile profile = new(
            Devices.Create(new DeviceChoice(_config.Device, _config.Precision, _config.Threads ?? 0), out string? note), _profiling);
        IKernels kernels = profile.Kernels;
        using TrainingInputs inputs = TrainingInputs.Load(_config, kernels, _folder.Evaluations, _output);
        using RunReport report = new(_folder, Path.GetFileName(Path.GetFullPath(_config.Output)), _display);
        using MnrEngine.Training.Trainer trainer = new(
            inputs.Encoder, inputs.Data, inputs.Sampler, _config.ToOptions(inputs.Sampler.BatchSize, inputs.Loss, EvaluationData.BestMetric(_config.Evaluation.MetricForBestModel, inputs.Evaluators)), inputs.Evaluators, report, checkpoints);
        if (resumeFrom is not null)
        {
            trainer.Resume(resumeFrom);
        }

        using IDisposable held = _folder.Prepare(keepEarlierRun: resumeFrom is not null, ConfigFile.Text(_config, _folder.Path));
        foreach (FileReport file in inputs.Files)
        {
            _output.WriteLine(file);
        }

        if (note is not null)
        {
            _output.WriteLine(note);
        }

        _output.WriteLine(kernels.Description);
        try
        {
            int exitCode = Train(trainer, inputs, report);
            profile.Finish(_output);
            return exitCode;
        }
        catch (InputException error) when (report.HasBegun)
        {
            throw new TrainingException(error.Message);
        }
    }

    private int Train(MnrEngine.Training.Trainer trainer, TrainingInputs inputs, RunReport report)
    {
        using Interruption interruption = new(_display.Message);
        TrainingOutcome outcome;
        try
        {
            outcome = _display.Run(() => trainer.Run(interruption.Stop));
        }
        catch (Exception error) when (report.History.Steps.Count > 0 && error is InputException or IOException or UnauthorizedAccessException)
        {
            // The folder can't be written any more, but the steps so far are in the model.
            throw Rescued(error, inputs, report, $"stopped after step {report.History.Steps[^1].Step.Step}");
        }

        if (!outcome.Completed)
        {
            report.SaveChart();
            _output.WriteLine($"stopped after step {outcome.Steps}; the checkpoint is {outcome.Checkpoint}");
            _output.WriteLine($"to go on: {_command} --resume");
            return interruption.ExitCode;
        }

        try
        {
            inputs.Encoder.Save(_folder.Model, TrainedModelCard.Write(_config, inputs, report.History));
        }
        catch (InputException error)
        {
            throw Rescued(error, inputs, report, "trained to the end");
        }

        report.SaveChart();
        foreach (string line in Results(report.History, outcome))
        {
            _output.WriteLine(line);
        }

        return ExitCodes.Done;
    }

    private TrainingException Rescued(Exception error, TrainingInputs inputs, RunReport report, string state) => new(
        $"{error.Message.ReplaceLineEndings(" ").TrimEnd('.')}; the run {state}, {ModelRescue.Save(inputs.Encoder, TrainedModelCard.Write(_config, inputs, report.History), ModelRescue.Places(_folder.Path))}");

    private IEnumerable<string> Results(RunHistory history, TrainingOutcome outcome)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"trained {outcome.Steps:N0} steps; {Durations.Text(_clock.Elapsed)} in all");
        if (outcome.BestStep is int best)
        {
            yield return $"kept the weights of step {best}, the best evaluation";
        }

        foreach (string name in _config.Evaluation.Names)
        {
            if (history.Scores(name, outcome.BestStep) is EvaluatorScores scores)
            {
                string start = scores.Before is null ? "" : string.Create(CultureInfo.InvariantCulture, $"before {scores.Before:0.0000}, ");
                yield return string.Create(CultureInfo.InvariantCulture, $"{name} {scores.Metric}: {start}after {scores.After:0.0000}");
            }
        }

        yield return $"the model is in {_folder.Model}";
    }
}
