using MnrEngine.Kernels;
using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Autograd;

/// <summary>One pass of a batch through the network and back: what layers need to know about it.</summary>
public sealed class Pass
{
    private readonly IStepMarks? _marks;

    /// <summary>Creates the state for passes on one device.</summary>
    public Pass(IKernels kernels)
    {
        Kernels = kernels;
        _marks = kernels.Marks;
    }

    /// <summary>The device's operations.</summary>
    public IKernels Kernels { get; }

    /// <summary>What to run backward.</summary>
    public Tape Tape { get; } = new();

    /// <summary>The batch, as the device holds it.</summary>
    public DeviceBatch Batch { get; private set; }

    /// <summary>Whether dropout is on and the tape records.</summary>
    public bool Training { get; private set; }

    /// <summary>Whether parameter gradients are added to those of earlier micro-batches of the same step.</summary>
    public bool Accumulate { get; private set; }

    /// <summary>Whether parameter gradients are complete after this pass: it is the step's last micro-batch.</summary>
    public bool CompletesGradients { get; private set; }

    /// <summary>The part of the network that runs, forward or backward; null where none does.</summary>
    public LayerName? Layer { get; private set; }

    /// <summary>Begins a pass without dropout and without a tape.</summary>
    public void BeginInference(in DeviceBatch batch) => Begin(batch, training: false, accumulate: false, completesGradients: false);

    /// <summary>Begins a training pass.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="accumulate">See <see cref="Accumulate"/>.</param>
    /// <param name="completesGradients">See <see cref="CompletesGradients"/>.</param>
    public void BeginTraining(in DeviceBatch batch, bool accumulate, bool completesGradients) =>
        Begin(batch, training: true, accumulate, completesGradients);

    /// <summary>Records an operation's backward half, when training.</summary>
    public void Record(Action<Pass> backward)
    {
        if (Training)
        {
            Tape.Record(backward, Layer);
        }
    }

    /// <summary>Says which part of the network runs from here on; its backward half is known by the same name.</summary>
    public void Enter(LayerName? layer)
    {
        if (layer != Layer)
        {
            Layer = layer;
            _marks?.EnterLayer(layer);
        }
    }

    /// <summary>Says which phase of the step begins, outside all parts of the network.</summary>
    public void Enter(StepPhase phase)
    {
        Layer = null;
        _marks?.EnterPhase(phase);
    }

    /// <summary>The dropout of a place in the network in this pass: none outside training.</summary>
    public Dropout Dropout(in Dropout dropout) => Training ? dropout : MnrEngine.Kernels.Dropout.None;

    /// <summary>Announces that a parameter's gradient is complete, if it is after this pass.</summary>
    public void Announce(in Parameter parameter)
    {
        if (CompletesGradients && !parameter.Gradient.IsNone)
        {
            Kernels.GradientReady(parameter.Gradient);
        }
    }

    /// <summary>Announces both parameters of a linear layer.</summary>
    public void Announce(in LinearParameters parameters)
    {
        Announce(parameters.Weight);
        Announce(parameters.Bias);
    }

    /// <summary>Announces both parameters of a LayerNorm.</summary>
    public void Announce(in NormParameters parameters)
    {
        Announce(parameters.Weight);
        Announce(parameters.Bias);
    }

    private void Begin(in DeviceBatch batch, bool training, bool accumulate, bool completesGradients)
    {
        Tape.Clear();
        Batch = batch;
        Training = training;
        Accumulate = accumulate;
        CompletesGradients = completesGradients;
        Enter(StepPhase.Forward);
    }
}
