namespace MnrEngine.Serialization;

/// <summary>A Python function or class that a pickle names.</summary>
internal sealed record PickleGlobal(string Module, string Name);

/// <summary>A torch storage: numbers in a row, kept outside the pickle.</summary>
/// <param name="Type">Their type.</param>
/// <param name="Key">The storage's name in the file.</param>
/// <param name="Count">How many numbers it has.</param>
internal sealed record TorchStorage(WeightType Type, string Key, long Count);

/// <summary>A torch tensor: a view into a storage. Element (i, j, ...) is number offset + i strides[0] + j strides[1] + ...</summary>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, int[] Shape, long[] Strides)
{
    /// <summary>The storage's numbers from <see cref="Offset"/> to the last one that the tensor has; 0 for an empty tensor.</summary>
    public required long Extent { get; init; }

    /// <summary>Whether the numbers lie in row-major order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                {
                    return false;
                }

                expected *= Shape[i];
            }

            return true;
        }
    }
}

/// <summary>The whole Python world of a <see cref="Unpickler"/>: the names that a state dictionary of tensors needs, and no others.</summary>
internal static class TorchObjects
{
    private const string RebuildTensor = "_rebuild_tensor_v2";
    private const string RebuildParameter = "_rebuild_parameter";
    private const string OrderedDictionary = "OrderedDict";

    private static readonly Dictionary<string, WeightType> StorageTypes = new()
    {
        ["DoubleStorage"] = WeightType.F64,
        ["FloatStorage"] = WeightType.F32,
        ["HalfStorage"] = WeightType.F16,
        ["BFloat16Storage"] = WeightType.BF16,
        ["LongStorage"] = WeightType.I64,
        ["IntStorage"] = WeightType.I32,
        ["ShortStorage"] = WeightType.I16,
        ["CharStorage"] = WeightType.I8,
        ["ByteStorage"] = WeightType.U8,
        ["BoolStorage"] = WeightType.BOOL,
    };

    /// <summary>The Python object of a name.</summary>
    /// <exception cref="InputException">It is not one of those that weights need.</exception>
    public static PickleGlobal Global(string module, string name, string path)
    {
        bool known = (module, name) is ("torch._utils", RebuildTensor or RebuildParameter) or ("collections", OrderedDictionary)
            || (module == "torch" && StorageTypes.ContainsKey(name));
        return known ? new PickleGlobal(module, name)
            : throw new InputException($"the pickle in {path} asks for {module}.{name}, which is refused: only torch tensors, parameters and dictionaries of them are read");
    }

    /// <summary>What a call of a known function gives.</summary>
    public static object Call(PickleGlobal function, PickleTuple arguments, string path)
    {
        IReadOnlyList<object?> items = arguments.Items;
        return function.Name switch
        {
            // (storage, offset, shape, strides, requires_grad, hooks[, metadata])
            RebuildTensor when items is [TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, _, _, ..] => Tensor(storage, offset, shape, strides, path),

            // (tensor, requires_grad, hooks)
            RebuildParameter when items is [TorchTensor tensor, _, _] => tensor,
            OrderedDictionary when items.Count == 0 => new PickleDictionary(),
            _ => throw new InputException($"the pickle in {path} calls {function.Module}.{function.Name} with {items.Count} arguments of which the kinds are not those that torch writes"),
        };
    }

    /// <summary>The storage that a persistent id of torch.save stands for: ("storage", class, key, device, count[, view]).</summary>
    public static TorchStorage Storage(object? id, string path)
    {
        return id is PickleTuple { Items: ["storage", PickleGlobal type, string key, string, long count, ..] and ([_, _, _, _, _] or [_, _, _, _, _, null]) }
            && count >= 0 && StorageTypes.TryGetValue(type.Name, out WeightType stored)
            ? new TorchStorage(stored, key, count)
            : throw new InputException($"the pickle in {path} refers to an outside object that is not a storage as torch writes it");
    }

    private static TorchTensor Tensor(TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, string path)
    {
        string where = $"a tensor over storage {storage.Key} of {path}";
        if (shape.Items.Count != strides.Items.Count || !shape.Items.All(size => size is long and >= 0 and <= int.MaxValue) || !strides.Items.All(stride => stride is long and >= 0))
        {
            throw new InputException($"{where} has a shape or strides that no tensor can have");
        }

        int[] sizes = [.. shape.Items.Select(size => (int)(long)size!)];
        long[] steps = [.. strides.Items.Select(stride => (long)stride!)];
        try
        {
            bool empty = WeightShape.Count(sizes) == 0;
            long extent = 1;
            for (int i = 0; i < sizes.Length && !empty; i++)
            {
                extent = checked(extent + ((sizes[i] - 1) * steps[i]));
            }

            extent = empty ? 0 : extent;
            return offset >= 0 && checked(offset + extent) <= storage.Count
                ? new TorchTensor(storage, offset, sizes, steps) { Extent = extent }
                : throw new InputException($"{where} reaches from number {offset} to {offset + extent}, but the storage has {storage.Count}");
        }
        catch (OverflowException error)
        {
            throw new InputException($"{where} has the shape {WeightShape.Text(sizes)}, more numbers than a file can hold", error);
        }
    }
}
