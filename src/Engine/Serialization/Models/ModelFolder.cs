namespace MnrEngine.Serialization;

/// <summary>
/// A sentence encoder in a folder, as sentence-transformers (2.x to 6.x) or transformers wrote it: its description, and its weights
/// on demand.
/// </summary>
public sealed class ModelFolder : IDisposable
{
    private readonly IWeightSource _weights;
    private readonly IReadOnlyDictionary<string, string> _stored;
    private readonly IReadOnlyList<IWeightSource?> _moduleWeights;

    private ModelFolder(string path, string transformerFolder, EncoderDescription description, IWeightSource weights, IReadOnlyList<IWeightSource?> moduleWeights)
    {
        Path = path;
        TransformerFolder = transformerFolder;
        Description = description;
        _weights = weights;
        _stored = TransformerWeightNames.Match(weights, description.Transformer.Architecture);
        _moduleWeights = moduleWeights;
    }

    /// <summary>The folder as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The folder that holds the network and the tokenizer: <see cref="Path"/>, or in old models a folder in it.</summary>
    public string TransformerFolder { get; }

    /// <summary>What the encoder consists of.</summary>
    public EncoderDescription Description { get; }

    /// <summary>Opens a model: reads its description and checks that every weight it needs is there, in the right shape.</summary>
    /// <exception cref="InputException">The folder is missing or holds no model, a file in it is wrong, or the model is of a kind that is not supported.</exception>
    public static ModelFolder Open(string path)
    {
        if (!Directory.Exists(path))
        {
            AtomicFolder.Recover(path);
        }

        if (!Directory.Exists(path))
        {
            throw new InputException(File.Exists(path) ? $"{path} is a file where a model's folder is expected" : $"there is no folder {path}");
        }

        ModelLayout layout = ModelLayout.Read(path);
        List<IDisposable> opened = [];
        try
        {
            IWeightSource weights = WeightFiles.Open(layout.TransformerFolder);
            opened.Add(weights);
            List<IWeightSource?> moduleWeights = [];
            foreach ((ModuleDescription module, string folder) in layout.Description.Modules.Zip(layout.ModuleFolders))
            {
                IWeightSource? source = module is DenseDescription ? WeightFiles.Open(folder) : null;
                moduleWeights.Add(source);
                if (source is not null)
                {
                    opened.Add(source);
                }
            }

            ModelFolder model = new(path, layout.TransformerFolder, layout.Description, weights, moduleWeights);
            model.CheckWeights();
            return model;
        }
        catch
        {
            opened.ForEach(source => source.Dispose());
            throw;
        }
    }

    /// <summary>Whether the network has a parameter; a saved model may lack the pooler's.</summary>
    /// <param name="name">As <see cref="TransformerWeightNames"/> names it.</param>
    public bool Has(string name) => _stored.ContainsKey(name);

    /// <summary>Reads a parameter of the network.</summary>
    /// <param name="name">As <see cref="TransformerWeightNames"/> names it, whatever the file calls it.</param>
    /// <param name="shape">The shape that it has to have.</param>
    /// <param name="destination">As many numbers as the shape has; row-major.</param>
    /// <exception cref="InputException">It is missing, has another shape, or holds NaN or infinity.</exception>
    public void ReadWeight(string name, ReadOnlySpan<int> shape, Span<float> destination) =>
        _weights.ReadFinite(Stored(name), shape, destination);

    /// <summary>Reads a parameter of the network piece by piece.</summary>
    /// <param name="name">As <see cref="TransformerWeightNames"/> names it, whatever the file calls it.</param>
    /// <param name="shape">The shape that it has to have.</param>
    /// <param name="piece">Takes each.</param>
    /// <exception cref="InputException">It is missing, has another shape, or holds NaN or infinity.</exception>
    public void ReadWeight(string name, ReadOnlySpan<int> shape, WeightPiece piece) =>
        _weights.ReadFinite(Stored(name), shape, piece);

    /// <summary>Reads a parameter of a module after the pooling.</summary>
    /// <param name="module">The module's index in <see cref="EncoderDescription.Modules"/>.</param>
    /// <param name="name">One of the module's parameters, such as <c>linear.weight</c>.</param>
    /// <param name="shape">The shape that it has to have.</param>
    /// <param name="destination">As many numbers as the shape has; row-major.</param>
    /// <exception cref="InputException">It is missing, has another shape, or holds NaN or infinity.</exception>
    public void ReadModuleWeight(int module, string name, ReadOnlySpan<int> shape, Span<float> destination) =>
        WeightsOf(module).ReadFinite(name, shape, destination);

    /// <summary>Reads a parameter of a module piece by piece.</summary>
    /// <param name="module">The module's index in <see cref="EncoderDescription.Modules"/>.</param>
    /// <param name="name">One of the module's parameters.</param>
    /// <param name="shape">The shape that it has to have.</param>
    /// <param name="piece">Takes each.</param>
    /// <exception cref="InputException">It is missing, has another shape, or holds NaN or infinity.</exception>
    public void ReadModuleWeight(int module, string name, ReadOnlySpan<int> shape, WeightPiece piece) =>
        WeightsOf(module).ReadFinite(name, shape, piece);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        foreach (IWeightSource? source in _moduleWeights)
        {
            source?.Dispose();
        }
    }

    private IWeightSource WeightsOf(int module) =>
        _moduleWeights[module] ?? throw new ArgumentException($"module {module} has no weights", nameof(module));

    private string Stored(string name) => _stored.TryGetValue(name, out string? stored) ? stored : name;

    private void CheckWeights()
    {
        foreach (WeightName weight in TransformerWeightNames.Names(Description.Transformer))
        {
            _weights.CheckShape(Stored(weight.Name), weight.Shape);
        }

        foreach ((ModuleDescription module, IWeightSource? source) in Description.Modules.Zip(_moduleWeights))
        {
            foreach (WeightName weight in (module as DenseDescription)?.Weights ?? [])
            {
                source!.CheckShape(weight.Name, weight.Shape);
            }
        }
    }
}
