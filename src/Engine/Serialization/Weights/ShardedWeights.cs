using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnrEngine.Serialization;

/// <summary>
/// Weights over several files, as an index tells (model.safetensors.index.json or pytorch_model.bin.index.json): its weight_map names
/// the file of each tensor. Tensors that a file holds and the index does not name are left out.
/// </summary>
public sealed class ShardedWeights : IWeightSource
{
    private readonly string _indexPath;
    private readonly Dictionary<string, IWeightSource> _shards = [];
    private readonly Dictionary<string, IWeightSource> _shardOf = [];
    private readonly Dictionary<string, WeightEntry> _entries = [];

    private ShardedWeights(string indexPath) => _indexPath = indexPath;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries => _entries;

    /// <summary>Opens an index and every file that it names.</summary>
    /// <param name="indexPath">The index; the files lie beside it.</param>
    /// <param name="openShard">Opens one of them.</param>
    /// <exception cref="InputException">The index or a file is missing or malformed, or a tensor is not where the index says.</exception>
    public static ShardedWeights Open(string indexPath, Func<string, IWeightSource> openShard)
    {
        ShardedWeights weights = new(indexPath);
        try
        {
            weights.OpenShards(openShard);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, Span<float> destination)
    {
        this.CheckReadable(name, destination.Length);
        _shardOf[name].Read(name, destination);
    }

    /// <inheritdoc/>
    public void ReadPieces(string name, Span<float> room, WeightPiece piece)
    {
        this.CountOf(name);
        _shardOf[name].ReadPieces(name, room, piece);
    }

    /// <inheritdoc/>
    public string Location(string name) => _shardOf.TryGetValue(name, out IWeightSource? shard) ? shard.Location(name) : $"tensor {name} of {_indexPath}";

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IWeightSource shard in _shards.Values)
        {
            shard.Dispose();
        }
    }

    private void OpenShards(Func<string, IWeightSource> openShard)
    {
        JsonFields index = new(JsonFile.ReadObject(_indexPath), _indexPath);
        index.Require("weight_map");
        JsonFields map = new(index.Object("weight_map")!, $"weight_map of {_indexPath}");
        foreach ((string name, JsonNode? node) in map.Source)
        {
            string file = node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : "";
            if (file is "" or "." or ".." || file.AsSpan().IndexOfAny('/', '\\', '\0') >= 0)
            {
                throw map.Wrong(name, "the name of a file beside the index");
            }

            if (!_shards.TryGetValue(file, out IWeightSource? shard))
            {
                shard = openShard(Path.Combine(Path.GetDirectoryName(_indexPath)!, file));
                _shards[file] = shard;
            }

            _entries[name] = shard.Entries.TryGetValue(name, out WeightEntry? entry) ? entry
                : throw new InputException($"{shard.Location(name)} does not exist, but {_indexPath} says that it is there");
            _shardOf[name] = shard;
        }
    }
}
