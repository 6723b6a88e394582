using MnrEngine.Kernels;

namespace MnrEngine.Autograd;

/// <summary>A run of elements that the kernels see as one matrix; it holds one named parameter or several, row after row.</summary>
internal readonly record struct ParameterGroup(long FirstElement, int Rows, int Columns, bool Trained);

/// <summary>
/// Collects the parameters of a model before memory is reserved for them. A declaration gives the number under which
/// <see cref="ParameterArena"/> hands the parameter out.
/// </summary>
public sealed class ParameterLayout
{
    private readonly List<Declaration> _declarations = [];
    private bool _closed;

    private sealed record Declaration((string Name, int[] Shape)[] Members, int Rows, int Columns, bool Trained);

    internal List<ParameterGroup> Groups { get; } = [];

    internal List<NamedParameter> Parameters { get; } = [];

    internal int Length { get; private set; }

    internal int TrainedLength { get; private set; }

    /// <summary>Declares a matrix, (rows, columns).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    public int Matrix(string name, int rows, int columns) => Declare([(name, [rows, columns])], rows, columns, trained: true);

    /// <summary>Declares a vector, (1, length): a bias or a LayerNorm parameter.</summary>
    public int Vector(string name, int length) => Declare([(name, [length])], 1, length, trained: true);

    /// <summary>Declares matrices of one width that lie one below the other, so that a single product serves all of them.</summary>
    public int StackedMatrices(IReadOnlyList<string> names, int rowsOfEach, int columns) =>
        Declare([.. names.Select(n => (n, new[] { rowsOfEach, columns }))], rowsOfEach * names.Count, columns, trained: true);

    /// <summary>Declares vectors that lie side by side.</summary>
    public int JoinedVectors(IReadOnlyList<string> names, int lengthOfEach) =>
        Declare([.. names.Select(n => (n, new[] { lengthOfEach }))], 1, lengthOfEach * names.Count, trained: true);

    /// <summary>Declares a parameter that is loaded and saved but not used.</summary>
    public int Unused(string name, params int[] shape) =>
        Declare([(name, shape)], 1, shape.Aggregate(1, static (product, size) => checked(product * size)), trained: false);

    /// <summary>Reserves memory for everything declared.</summary>
    /// <param name="kernels">The device.</param>
    /// <param name="gradients">Whether there will be backward passes.</param>
    public ParameterArena Build(IKernels kernels, bool gradients)
    {
        if (!_closed)
        {
            _closed = true;
            Place();
        }

        return new ParameterArena(kernels, this, gradients);
    }

    private int Declare((string Name, int[] Shape)[] members, int rows, int columns, bool trained)
    {
        if (_closed)
        {
            throw new InvalidOperationException("parameters cannot be declared after memory has been reserved");
        }

        _declarations.Add(new Declaration(members, rows, columns, trained));
        return _declarations.Count - 1;
    }

    private void Place()
    {
        ParameterGroup[] groups = new ParameterGroup[_declarations.Count];
        int next = 0;
        foreach (bool trained in new[] { true, false })
        {
            for (int i = 0; i < _declarations.Count; i++)
            {
                Declaration declaration = _declarations[i];
                if (declaration.Trained == trained)
                {
                    groups[i] = new ParameterGroup(next, declaration.Rows, declaration.Columns, trained);
                    int length = checked(declaration.Rows * declaration.Columns);
                    next = checked(next + ((length + AdamState.BlockLength - 1) / AdamState.BlockLength * AdamState.BlockLength));
                }
            }

            TrainedLength = trained ? next : TrainedLength;
        }

        Length = next;
        Groups.AddRange(groups);
        for (int i = 0; i < _declarations.Count; i++)
        {
            long first = groups[i].FirstElement;
            foreach ((string name, int[] shape) in _declarations[i].Members)
            {
                NamedParameter parameter = new(name, shape, first, i);
                Parameters.Add(parameter);
                first += parameter.Length;
            }
        }
    }
}
