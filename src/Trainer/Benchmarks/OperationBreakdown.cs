using System.Globalization;
using System.Text;
using MnrEngine.Kernels.Tracing;

namespace MnrEngine.Trainer.Benchmarks;

/// <summary>What the operations of one sort took, in a step on average.</summary>
/// <param name="Phase">The phase of the step.</param>
/// <param name="Layer">The sort of layer, or the empty string.</param>
/// <param name="Operation">The operation's name in IKernels.</param>
/// <param name="Calls">Calls a step.</param>
/// <param name="Seconds">Seconds a step.</param>
/// <param name="Bytes">Bytes that have to be moved, a step.</param>
/// <param name="Flops">Floating-point operations a step.</param>
internal sealed record BreakdownRow(string Phase, string Layer, string Operation, double Calls, double Seconds, double Bytes, double Flops);

/// <summary>Where the time of steps went.</summary>
/// <param name="Steps">The steps, or batches, that were timed.</param>
/// <param name="Seconds">Seconds a step, from the begin of its first operation to the end of its last.</param>
/// <param name="Rows">The operations: by phase, the longest first.</param>
internal sealed record OperationBreakdown(int Steps, double Seconds, IReadOnlyList<BreakdownRow> Rows)
{
    private const string Between = "(between operations)";

    /// <summary>Sums up operations.</summary>
    /// <param name="operations">All operations of some steps.</param>
    public static OperationBreakdown Of(IReadOnlyCollection<TimedOperation> operations)
    {
        IGrouping<int, TimedOperation>[] steps = [.. operations.GroupBy(static o => o.Batch)];
        double count = Math.Max(1, steps.Length);
        IEnumerable<BreakdownRow> rows =
            from operation in operations
            group operation by (operation.Phase, Layer: operation.Layer?.Kind ?? "", operation.Operation) into same
            let seconds = same.Sum(static o => o.Seconds)
            orderby same.Key.Phase, seconds descending
            let cost = same.Aggregate(default(OperationCost), static (sum, o) => sum + o.Cost)
            select new BreakdownRow(same.Key.Phase.Name(), same.Key.Layer, same.Key.Operation, same.Count() / count, seconds / count, cost.Bytes / count, cost.Flops / count);
        return new OperationBreakdown(steps.Length, steps.Sum(static step => step.Max(static o => o.End) - step.Min(static o => o.Begin)) / count, [.. rows]);
    }

    /// <summary>A table for a person: operations, then sorts of layers.</summary>
    /// <param name="what">What was timed: "training, a step".</param>
    public string ToText(string what)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{what} ({Steps} timed): {Seconds * 1e3:N2} ms\n");
        Append(text, "phase", "layer", "operation", Rows);
        double between = Seconds - Rows.Sum(static row => row.Seconds);
        Append(text, new BreakdownRow("", "", Between, 0, between, 0, 0));
        text.Append('\n');
        Append(text, "", "layer", "", [.. Layers()]);
        return text.ToString();
    }

    private IEnumerable<BreakdownRow> Layers() =>
        from row in Rows
        group row by row.Layer.Length > 0 ? row.Layer : $"({row.Phase})" into same
        let seconds = same.Sum(static row => row.Seconds)
        orderby seconds descending
        select new BreakdownRow("", same.Key, "", same.Sum(static row => row.Calls), seconds, same.Sum(static row => row.Bytes), same.Sum(static row => row.Flops));

    private void Append(StringBuilder text, string phase, string layer, string operation, IReadOnlyList<BreakdownRow> rows)
    {
        text.Append(CultureInfo.InvariantCulture, $"{phase,-10}{layer,-14}{operation,-30}{"calls",7}{"ms",10}{"share",8}{"MB",9}{"MFLOP",11}{"GFLOP/s",9}{"GB/s",8}\n");
        foreach (BreakdownRow row in rows)
        {
            Append(text, row);
        }
    }

    private void Append(StringBuilder text, BreakdownRow row)
    {
        string share = Seconds > 0 ? (row.Seconds / Seconds).ToString("P1", CultureInfo.InvariantCulture) : "";
        text.Append(CultureInfo.InvariantCulture, $"{row.Phase,-10}{row.Layer,-14}{row.Operation,-30}{row.Calls,7:0.#}{row.Seconds * 1e3,10:N3}{share,8}{row.Bytes / 1e6,9:N1}{row.Flops / 1e6,11:N1}{Rate(row.Flops, row.Seconds),9}{Rate(row.Bytes, row.Seconds),8}\n");
    }

    private static string Rate(double amount, double seconds) =>
        amount > 0 && seconds > 0 ? (amount / seconds / 1e9).ToString("N1", CultureInfo.InvariantCulture) : "";
}
