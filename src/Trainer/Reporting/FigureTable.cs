using Spectre.Console;

namespace MnrEngine.Trainer.Reporting;

/// <summary>
/// A table of names and figures. On a terminal that is too narrow for it, where names would be cut off and figures broken, each row becomes lines of its own: the
/// name, and below it every figure with its title.
/// </summary>
/// <param name="nameTitle">What the names are.</param>
/// <param name="titles">What the figures are.</param>
internal sealed class FigureTable(string nameTitle, IReadOnlyList<string> titles)
{
    // Two spaces or a border between columns, and before and behind them.
    private const int Between = 3;
    private const int Indent = 4;

    private readonly List<(string Name, string[] Figures)?> _rows = [];

    /// <summary>Adds a row.</summary>
    /// <param name="name">The name.</param>
    /// <param name="figures">A figure for each title, as Spectre's markup.</param>
    public void Add(string name, IEnumerable<string> figures) => _rows.Add((name, [.. figures]));

    /// <summary>Adds an empty row.</summary>
    public void AddSpace() => _rows.Add(null);

    /// <summary>Prints the table.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="width">The columns of the terminal; null to ask it, or to take as many as the table needs where it is none.</param>
    public void Write(TextWriter output, int? width = null)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Interactive = InteractionSupport.No });
        int needed = Needed();
        if (width is not null || Console.IsOutputRedirected)
        {
            console.Profile.Width = width ?? needed;
        }

        if (needed <= console.Profile.Width)
        {
            WriteTable(console);
        }
        else
        {
            WriteLines(console);
        }
    }

    private int Needed()
    {
        int names = _rows.Max(row => row?.Name.Length ?? 0);
        IEnumerable<int> figures = titles.Select((title, column) => Math.Max(title.Length, _rows.Max(row => row is null ? 0 : Markup.Remove(row.Value.Figures[column]).Length)));
        return Math.Max(nameTitle.Length, names) + figures.Sum() + (Between * (titles.Count + 2));
    }

    private void WriteTable(IAnsiConsole console)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(nameTitle).NoWrap());
        foreach (string title in titles)
        {
            table.AddColumn(new TableColumn(title).RightAligned().NoWrap());
        }

        foreach ((string Name, string[] Figures)? row in _rows)
        {
            if (row is var (name, figures))
            {
                table.AddRow([new Markup(Markup.Escape(name)), .. figures.Select(static figure => new Markup(figure))]);
            }
            else
            {
                table.AddEmptyRow();
            }
        }

        console.Write(table);
    }

    private void WriteLines(IAnsiConsole console)
    {
        foreach ((string Name, string[] Figures)? row in _rows)
        {
            if (row is var (name, figures))
            {
                console.WriteLine(name);
                console.Write(new Padder(new Markup(string.Join(", ", titles.Zip(figures, static (title, figure) => $"{title} {figure.Trim()}")))).Padding(Indent, 0, 0, 0));
            }
        }
    }
}
