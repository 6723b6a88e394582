using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MnrEngine.Serialization;

/// <summary>A Python tuple.</summary>
internal sealed record PickleTuple(IReadOnlyList<object?> Items);

/// <summary>A Python dictionary: its items as they were set.</summary>
internal sealed class PickleDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];

    public object? this[string key] => Items.LastOrDefault(item => item.Key is string name && name == key).Value;
}

/// <summary>
/// Reads a Python pickle without executing anything. A pickle is a program for a stack machine that may call any Python function;
/// this machine knows the instructions that torch.save writes, and leaves every function and every reference to an outside object
/// to <see cref="TorchObjects"/>, which knows the few that make up a tensor and refuses all others by name. Memory is bounded by a
/// small multiple of the pickle's length. Numbers are long (BigInteger beyond), double and bool, texts string, None null.
/// </summary>
/// <param name="pickle">The bytes, from which one or several pickles are read.</param>
/// <param name="path">The file, for an error's sentence.</param>
internal sealed class Unpickler(ReadOnlyMemory<byte> pickle, string path)
{
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly Dictionary<string, TorchStorage> _storages = [];
    private int _opcodeAt;

    /// <summary>Where the next pickle begins, from the first byte.</summary>
    public int Position { get; private set; }

    /// <summary>Every storage that the pickles referred to so far, by key.</summary>
    public IReadOnlyDictionary<string, TorchStorage> Storages => _storages;

    /// <summary>Reads one pickle.</summary>
    /// <exception cref="InputException">The pickle is malformed, or needs an instruction or a Python object that a model's weights do not.</exception>
    public object? Load()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        while (true)
        {
            _opcodeAt = Position;
            byte opcode = Bytes(1)[0];
            if (opcode == (byte)'.')
            {
                return Pop();
            }

            Execute(opcode);
        }
    }

    private void Execute(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                if (Bytes(1)[0] is byte version and > 5)
                {
                    throw Wrong($"its protocol is {version}, where at most 5 is expected");
                }

                break;
            case 0x95: // FRAME: its length tells nothing that is needed
                Bytes(8);
                break;
            case (byte)'(': // MARK
                _marks.Push(_stack.Count);
                break;
            case (byte)'0': // POP
                Pop();
                break;
            case (byte)'R': // REDUCE: call a function
                PickleTuple arguments = Pop<PickleTuple>("a tuple of arguments");
                Push(TorchObjects.Call(Pop<PickleGlobal>("a function"), arguments, path));
                break;
            case (byte)'b': // BUILD: an OrderedDict's attributes, which are not weights
                Pop();
                Peek<PickleDictionary>("a dictionary");
                break;
            case (byte)'Q': // BINPERSID
                Push(Register(TorchObjects.Storage(Pop(), path)));
                break;
            case (byte)'c': // GLOBAL
                Push(TorchObjects.Global(Line(), Line(), path));
                break;
            case 0x93: // STACK_GLOBAL
                string name = Pop<string>("a name");
                Push(TorchObjects.Global(Pop<string>("a module's name"), name, path));
                break;
            default:
                if (!Memoize(opcode) && !PushConstant(opcode) && !PushContainer(opcode))
                {
                    throw Wrong($"instruction 0x{opcode:X2} is not one that a model's weights need");
                }

                break;
        }
    }

    private TorchStorage Register(TorchStorage storage) =>
        _storages.TryAdd(storage.Key, storage) || _storages[storage.Key] == storage ? storage
            : throw Wrong($"storage {storage.Key} has two types or lengths");

    private bool Memoize(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'q': // BINPUT
                _memo[Bytes(1)[0]] = Peek();
                return true;
            case (byte)'r': // LONG_BINPUT
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = Peek();
                return true;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Peek();
                return true;
            case (byte)'h': // BINGET
                Push(Recall(Bytes(1)[0]));
                return true;
            case (byte)'j': // LONG_BINGET
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))));
                return true;
            default:
                return false;
        }
    }

    private bool PushConstant(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'N': // NONE
                Push(null);
                return true;
            case 0x88: // NEWTRUE
                Push(true);
                return true;
            case 0x89: // NEWFALSE
                Push(false);
                return true;
            case (byte)'J': // BININT
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)));
                return true;
            case (byte)'K': // BININT1
                Push((long)Bytes(1)[0]);
                return true;
            case (byte)'M': // BININT2
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)));
                return true;
            case 0x8A: // LONG1
                BigInteger integer = new(Bytes(Bytes(1)[0]));
                Push(integer >= long.MinValue && integer <= long.MaxValue ? (long)integer : integer);
                return true;
            case (byte)'G': // BINFLOAT
                Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)));
                return true;
            case (byte)'X': // BINUNICODE
                Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))));
                return true;
            case 0x8C: // SHORT_BINUNICODE
            case (byte)'U': // SHORT_BINSTRING, from Python 2
                Push(Text(Bytes(1)[0]));
                return true;
            case 0x8D: // BINUNICODE8
                Push(Text(BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8))));
                return true;
            default:
                return false;
        }
    }

    private bool PushContainer(byte opcode)
    {
        switch (opcode)
        {
            case (byte)')': // EMPTY_TUPLE
                Push(new PickleTuple([]));
                return true;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                Push(new PickleTuple(PopFrom(_stack.Count - (opcode - 0x84))));
                return true;
            case (byte)'t': // TUPLE
                Push(new PickleTuple(PopMarked()));
                return true;
            case (byte)']': // EMPTY_LIST
                Push(new List<object?>());
                return true;
            case (byte)'a': // APPEND
                object? item = Pop();
                Peek<List<object?>>("a list").Add(item);
                return true;
            case (byte)'e': // APPENDS
                object?[] items = PopMarked();
                Peek<List<object?>>("a list").AddRange(items);
                return true;
            case (byte)'}': // EMPTY_DICT
                Push(new PickleDictionary());
                return true;
            case (byte)'s': // SETITEM
                SetItems(PopFrom(_stack.Count - 2));
                return true;
            case (byte)'u': // SETITEMS
                SetItems(PopMarked());
                return true;
            default:
                return false;
        }
    }

    private void SetItems(object?[] keysAndValues)
    {
        if (keysAndValues.Length % 2 != 0)
        {
            throw Wrong("a key is without a value");
        }

        PickleDictionary dictionary = Peek<PickleDictionary>("a dictionary");
        for (int i = 0; i < keysAndValues.Length; i += 2)
        {
            dictionary.Items.Add((keysAndValues[i], keysAndValues[i + 1]));
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek()
    {
        int floor = _marks.Count == 0 ? 0 : _marks.Peek();
        return _stack.Count > floor ? _stack[^1] : throw Wrong("nothing is on its stack");
    }

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private T Peek<T>(string expected) => Peek() is T value ? value : throw Wrong($"{expected} is expected on its stack");

    private T Pop<T>(string expected)
    {
        T value = Peek<T>(expected);
        Pop();
        return value;
    }

    private object?[] PopMarked() => _marks.TryPop(out int mark) ? PopFrom(mark) : throw Wrong("no mark is on its stack");

    private object?[] PopFrom(int start)
    {
        int floor = _marks.Count == 0 ? 0 : _marks.Peek();
        if (start < floor)
        {
            throw Wrong("too little is on its stack");
        }

        object?[] values = [.. _stack[start..]];
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    private object? Recall(uint index) => _memo.TryGetValue(index, out object? value) ? value : throw Wrong($"it refers to an object {index} that it did not store");

    private string Text(ulong length) => length <= int.MaxValue ? Decode(Bytes((int)length)) : throw Wrong("it ends too early");

    private string Line()
    {
        int length = pickle.Span[Position..].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw Wrong("it ends too early");
        }

        string line = Decode(Bytes(length));
        Bytes(1);
        return line;
    }

    private string Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException(Wrong("a text in it is not valid UTF-8").Message, error);
        }
    }

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > pickle.Length - Position)
        {
            throw Wrong("it ends too early");
        }

        ReadOnlySpan<byte> bytes = pickle.Span.Slice(Position, count);
        Position += count;
        return bytes;
    }

    private InputException Wrong(string what) => new($"the pickle in {path} can't be read at byte {_opcodeAt}: {what}");
}
