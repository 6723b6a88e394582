using MnrEngine.Autograd;
using MnrEngine.Kernels;
using MnrEngine.Serialization;

namespace MnrEngine.Models;

/// <summary>
/// The parameters of a sentence encoder in one arena: the transformer's under Hugging Face's names, a module's as
/// <c>modules.0.linear.weight</c>, and the pooler's where the model's file has them, which are kept for saving and not used.
/// </summary>
internal sealed class EncoderParameters : IDisposable
{
    private readonly EncoderDescription _description;
    private readonly (int Weight, int? Bias)?[] _modules;

    public EncoderParameters(IKernels kernels, EncoderDescription description, bool pooler, bool gradients)
    {
        _description = description;
        ParameterLayout layout = new();
        Transformer = new TransformerParameters(description.Transformer, layout);
        _modules = [.. description.Modules.Select((module, i) => module is DenseDescription dense ? Declare(layout, dense, i) : default((int, int?)?))];
        if (pooler)
        {
            foreach (WeightName weight in TransformerWeightNames.Pooler(description.Transformer))
            {
                layout.Unused(weight.Name, [.. weight.Shape]);
            }
        }

        Arena = layout.Build(kernels, gradients);
    }

    public ParameterArena Arena { get; }

    public TransformerParameters Transformer { get; }

    /// <summary>The name in the arena of a parameter of a module.</summary>
    public static string ModuleName(int module, string name) => $"modules.{module}.{name}";

    public LinearParameters Module(int module)
    {
        (int weight, int? bias) = _modules[module] ?? throw new ArgumentException($"module {module} has no parameters", nameof(module));
        return new LinearParameters(Arena[weight], bias is int b ? Arena[b] : Parameter.None);
    }

    /// <summary>Fills the arena from a model's files.</summary>
    public void Load(ModelFolder folder)
    {
        foreach (NamedParameter parameter in Arena.Parameters)
        {
            void Write(int first, ReadOnlySpan<float> values) => Arena.Write(parameter, first, values);
            if (TryModule(parameter.Name, out int module, out string name))
            {
                folder.ReadModuleWeight(module, name, parameter.Shape, Write);
            }
            else
            {
                folder.ReadWeight(parameter.Name, parameter.Shape, Write);
            }
        }

        Arena.Publish();
    }

    /// <summary>
    /// Fills the arena as transformers initialises a new network: matrices normal with the configuration's deviation, the padding token's
    /// row zero (and, where positions begin behind it, its position's), biases zero, LayerNorm weights one. Dense modules are uniform in +-1/sqrt(inputs), as torch's Linear is.
    /// </summary>
    public void Initialise(long seed)
    {
        RandomNumbers random = new(seed);
        foreach (NamedParameter parameter in Arena.Parameters)
        {
            float[] values = new float[parameter.Length];
            if (TryModule(parameter.Name, out int module, out _))
            {
                random.Uniform(values, 1 / Math.Sqrt(((DenseDescription)_description.Modules[module]).InFeatures));
            }
            else if (parameter.Shape.Length == 2)
            {
                random.Normal(values, _description.Transformer.InitializerRange);
                if (PaddingRow(parameter.Name) is int padding)
                {
                    values.AsSpan(padding * parameter.Shape[1], parameter.Shape[1]).Clear();
                }
            }
            else if (WeightNames.IsNorm(parameter.Name) && parameter.Name.EndsWith(".weight", StringComparison.Ordinal))
            {
                values.AsSpan().Fill(1);
            }

            Arena.Write(parameter, values);
        }

        Arena.Publish();
    }

    /// <summary>The transformer's weights, fetched from the device one by one as they are written.</summary>
    public IReadOnlyList<NamedWeight> TransformerWeights() =>
        [.. Arena.Parameters.Where(static p => !TryModule(p.Name, out _, out _)).Select(p => Fetched(p.Name, p))];

    /// <summary>The weights of a module, under their names in its own file.</summary>
    public IReadOnlyList<NamedWeight> ModuleWeights(int module) =>
    [
        .. from parameter in Arena.Parameters
           where parameter.Name.StartsWith(ModuleName(module, ""), StringComparison.Ordinal)
           select Fetched(parameter.Name[ModuleName(module, "").Length..], parameter),
    ];

    public void Dispose() => Arena.Dispose();

    private int? PaddingRow(string name) => name switch
    {
        TransformerWeightNames.WordEmbeddings => _description.Transformer.PadTokenId,
        TransformerWeightNames.PositionEmbeddings => _description.Transformer.Architecture.FixedPaddingToken,
        _ => null,
    };

    private NamedWeight Fetched(string name, NamedParameter parameter) => new(name, parameter.Shape, destination => Arena.Read(parameter, destination));

    private static (int Weight, int? Bias) Declare(ParameterLayout layout, DenseDescription dense, int module) =>
        (layout.Matrix(ModuleName(module, "linear.weight"), dense.OutFeatures, dense.InFeatures),
            dense.Bias ? layout.Vector(ModuleName(module, "linear.bias"), dense.OutFeatures) : null);

    private static bool TryModule(string parameter, out int module, out string name)
    {
        string[] parts = parameter.Split('.', 3);
        name = parts[^1];
        module = -1;
        return parts[0] == "modules" && int.TryParse(parts[1], out module);
    }
}
