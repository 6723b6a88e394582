using System.Globalization;
using System.Numerics;
using Parquet;
using Parquet.Schema;

namespace MnrEngine.Data.Reading;

/// <summary>A flat column of a Parquet file: the values of one row group, gone through one by one as text.</summary>
internal abstract class ParquetColumn(DataField column)
{
    private int[] _levels = [];
    private int _row = -1;
    private int _value = -1;
    private bool _isNull;

    /// <summary>The column's name.</summary>
    public string Name => column.Name;

    /// <summary>The current value as text; empty where it is null.</summary>
    public ReadOnlySpan<char> Current => _isNull ? [] : Text(_value);

    /// <summary>The column's description.</summary>
    protected DataField Field => column;

    /// <summary>A column of numbers or truth values; null when it holds something else.</summary>
    /// <param name="column">The column.</param>
    /// <param name="classNames">The names that the file gives to the numbers 0, 1, ..., if it does.</param>
    public static ParquetColumn? OfNumbers(DataField column, IReadOnlyList<string>? classNames) => Type.GetTypeCode(column.ClrType) switch
    {
        TypeCode.Boolean => new ParquetTruths(column),
        TypeCode.SByte => new ParquetNumbers<sbyte>(column, classNames),
        TypeCode.Byte => new ParquetNumbers<byte>(column, classNames),
        TypeCode.Int16 => new ParquetNumbers<short>(column, classNames),
        TypeCode.UInt16 => new ParquetNumbers<ushort>(column, classNames),
        TypeCode.Int32 => new ParquetNumbers<int>(column, classNames),
        TypeCode.UInt32 => new ParquetNumbers<uint>(column, classNames),
        TypeCode.Int64 => new ParquetNumbers<long>(column, classNames),
        TypeCode.UInt64 => new ParquetNumbers<ulong>(column, classNames),
        TypeCode.Single => new ParquetNumbers<float>(column, classNames),
        TypeCode.Double => new ParquetNumbers<double>(column, classNames),
        _ => null,
    };

    /// <summary>Reads the column of a row group; the first value is current after <see cref="Advance"/>.</summary>
    public void Load(ParquetRowGroupReader group)
    {
        int rows = checked((int)group.RowCount);
        if (group.GetMetadata(column)?.MetaData?.NumValues != rows)
        {
            throw new InvalidDataException($"the column '{Name}' doesn't have as many values as its row group has rows");
        }

        bool hasNulls = column.MaxDefinitionLevel > 0;
        if (hasNulls && _levels.Length < rows)
        {
            _levels = new int[rows];
        }

        LoadValues(group, rows, hasNulls ? _levels.AsMemory(0, rows) : default(Memory<int>?));
        _row = -1;
        _value = -1;
    }

    /// <summary>Goes to the next value; false when it is null.</summary>
    public bool Advance()
    {
        _row++;
        _isNull = column.MaxDefinitionLevel > 0 && _levels[_row] < column.MaxDefinitionLevel;
        _value += _isNull ? 0 : 1;
        return !_isNull;
    }

    protected abstract void LoadValues(ParquetRowGroupReader group, int rows, Memory<int>? levels);

    protected abstract ReadOnlySpan<char> Text(int value);
}

/// <summary>A column of texts.</summary>
internal sealed class ParquetTexts(DataField column) : ParquetColumn(column)
{
    private ReadOnlyMemory<char>[] _values = [];

    protected override void LoadValues(ParquetRowGroupReader group, int rows, Memory<int>? levels)
    {
        // Texts of the group before are let go first.
        Array.Clear(_values);
        _values = _values.Length < rows ? new ReadOnlyMemory<char>[rows] : _values;
        group.ReadRawAsync(Field, _values.AsMemory(0, rows), levels, null).AsTask().GetAwaiter().GetResult();
    }

    protected override ReadOnlySpan<char> Text(int value) => _values[value].Span;
}

/// <summary>A column of numbers, which the hub's class labels are too.</summary>
internal sealed class ParquetNumbers<T>(DataField column, IReadOnlyList<string>? classNames) : ParquetColumn(column)
    where T : unmanaged, INumber<T>
{
    private readonly char[] _text = new char[32];
    private T[] _values = [];

    protected override void LoadValues(ParquetRowGroupReader group, int rows, Memory<int>? levels)
    {
        _values = _values.Length < rows ? new T[rows] : _values;
        group.ReadRawAsync(Field, _values.AsMemory(0, rows), levels, null).AsTask().GetAwaiter().GetResult();
    }

    protected override ReadOnlySpan<char> Text(int value)
    {
        T number = _values[value];
        if (classNames is not null && number >= T.Zero && number < T.CreateSaturating(classNames.Count))
        {
            return classNames[int.CreateSaturating(number)];
        }

        // A score of 3.8 in single precision is 3.799999952316284, as other readers have it.
        int length;
        _ = number is float single
            ? ((double)single).TryFormat(_text, out length, provider: CultureInfo.InvariantCulture)
            : number.TryFormat(_text, out length, default, CultureInfo.InvariantCulture);
        return _text.AsSpan(0, length);
    }
}

/// <summary>A column of truth values, written as JSON writes them.</summary>
internal sealed class ParquetTruths(DataField column) : ParquetColumn(column)
{
    private bool[] _values = [];

    protected override void LoadValues(ParquetRowGroupReader group, int rows, Memory<int>? levels)
    {
        _values = _values.Length < rows ? new bool[rows] : _values;
        group.ReadRawAsync(Field, _values.AsMemory(0, rows), levels, null).AsTask().GetAwaiter().GetResult();
    }

    protected override ReadOnlySpan<char> Text(int value) => _values[value] ? "true" : "false";
}
