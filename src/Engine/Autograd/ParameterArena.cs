using MnrEngine.Kernels;

namespace MnrEngine.Autograd;

/// <summary>A named parameter inside an arena, under the name and with the shape that Hugging Face gives it.</summary>
/// <param name="Name">For example <c>encoder.layer.0.attention.self.query.weight</c>.</param>
/// <param name="Shape">One dimension for vectors, two for matrices.</param>
/// <param name="FirstElement">Where it begins in the arena.</param>
/// <param name="Group">The number of the group it was declared in.</param>
public sealed record NamedParameter(string Name, int[] Shape, long FirstElement, int Group)
{
    /// <summary>The number of its elements.</summary>
    public int Length => Shape.Aggregate(1, static (product, size) => checked(product * size));
}

/// <summary>
/// All parameters of a model in one device buffer, their gradients in a second of the same layout, so that the optimizer, clipping,
/// checkpointing and reduction between devices are each one pass over memory. Parameters that are trained come first; parameters that a
/// file holds but the network does not use (BERT's pooler) follow and take part in nothing but saving.
/// </summary>
public sealed class ParameterArena : IDisposable
{
    private readonly IKernels _kernels;
    private readonly DeviceArena _weightMemory;
    private readonly DeviceArena? _gradientMemory;
    private readonly Parameter[] _groups;
    private readonly Dictionary<string, NamedParameter> _byName;

    internal ParameterArena(IKernels kernels, ParameterLayout layout, bool gradients)
    {
        _kernels = kernels;
        Parameters = layout.Parameters;
        _byName = Parameters.ToDictionary(static p => p.Name);
        int length = layout.Length;
        int trained = layout.TrainedLength;
        _weightMemory = kernels.CreateArena("weights", DeviceArena.BytesOf(ElementType.Float32, 1, length));
        Weights = _weightMemory.Allocate(ElementType.Float32, 1, length);
        if (gradients)
        {
            _gradientMemory = kernels.CreateArena("gradients", DeviceArena.BytesOf(ElementType.Float32, 1, trained));
            Gradients = _gradientMemory.Allocate(ElementType.Float32, 1, trained);
        }

        TrainedWeights = Weights.View(0, 1, trained);
        _groups = [.. layout.Groups.Select(Cut)];
    }

    /// <summary>All weights, (1, n).</summary>
    public Tensor Weights { get; }

    /// <summary>The weights that are trained, (1, t) with t a multiple of <see cref="AdamState.BlockLength"/>.</summary>
    public Tensor TrainedWeights { get; }

    /// <summary>The gradients of <see cref="TrainedWeights"/>, (1, t); <see cref="Tensor.None"/> in an arena made for inference.</summary>
    public Tensor Gradients { get; }

    /// <summary>All parameters, in the order in which they were declared.</summary>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>The number of trained and untrained parameters, padding left out.</summary>
    public long ParameterCount => Parameters.Sum(static p => (long)p.Length);

    /// <summary>The value and gradient of a group, as the kernels take it.</summary>
    public Parameter this[int group] => _groups[group];

    /// <summary>Finds a parameter by its name.</summary>
    public NamedParameter Find(string name) =>
        _byName.TryGetValue(name, out NamedParameter? parameter) ? parameter : throw new KeyNotFoundException($"the model has no parameter '{name}'");

    /// <summary>For each block of <see cref="AdamState.BlockLength"/> trained elements, whether a condition holds for the parameters in it.</summary>
    /// <param name="condition">Something that holds for all parameters of a group or for none.</param>
    public bool[] Blocks(Func<NamedParameter, bool> condition)
    {
        bool[] blocks = new bool[TrainedWeights.Columns / AdamState.BlockLength];
        foreach (NamedParameter parameter in Parameters.Where(p => p.FirstElement < TrainedWeights.Columns && condition(p)))
        {
            int first = (int)(parameter.FirstElement / AdamState.BlockLength);
            int last = (int)((parameter.FirstElement + parameter.Length - 1) / AdamState.BlockLength);
            blocks.AsSpan(first, last + 1 - first).Fill(true);
        }

        return blocks;
    }

    /// <summary>The region of the weights that a parameter takes, (1, length).</summary>
    public Tensor WeightOf(NamedParameter parameter) => Weights.View(parameter.FirstElement, 1, parameter.Length);

    /// <summary>The region of the gradients that a parameter takes, (1, length).</summary>
    public Tensor GradientOf(NamedParameter parameter) => Gradients.View(parameter.FirstElement, 1, parameter.Length);

    /// <summary>Copies a parameter to the host, row-major in its <see cref="NamedParameter.Shape"/>.</summary>
    public void Read(NamedParameter parameter, Span<float> destination) => _kernels.Read(WeightOf(parameter), destination);

    /// <summary>Copies a parameter from the host. Call <see cref="Publish"/> when all are written.</summary>
    public void Write(NamedParameter parameter, ReadOnlySpan<float> values) => Write(parameter, 0, values);

    /// <summary>Copies a piece of a parameter from the host, from its element <paramref name="first"/> on. Call <see cref="Publish"/> when all are written.</summary>
    public void Write(NamedParameter parameter, int first, ReadOnlySpan<float> values) => _kernels.Write(Weights.View(parameter.FirstElement + first, 1, values.Length), values);

    /// <summary>Tells the device that weights have changed.</summary>
    public void Publish() => _kernels.PublishWeights(Weights);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weightMemory.Dispose();
        _gradientMemory?.Dispose();
    }

    private Parameter Cut(ParameterGroup group)
    {
        Tensor value = Weights.View(group.FirstElement, group.Rows, group.Columns);
        Tensor gradient = Gradients.IsNone || !group.Trained ? Tensor.None : Gradients.View(group.FirstElement, group.Rows, group.Columns);
        return new Parameter(value, gradient);
    }
}
