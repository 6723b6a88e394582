namespace MnrEngine.Kernels.Cpu;

/// <summary>How the tiles of a product are dealt out to threads: as a grid of rectangles, of which each thread does several.</summary>
/// <param name="RowParts">Rectangles from top to bottom.</param>
/// <param name="ColumnParts">Rectangles from left to right.</param>
/// <param name="ColumnTiles">Tiles from left to right in the whole result.</param>
internal readonly record struct GemmGrid(int RowParts, int ColumnParts, int ColumnTiles)
{
    /// <summary>What it costs to bring one tile's height of the left operand near, or to pack it, in tiles computed. Every rectangle beside another does so with the same rows again.</summary>
    private const double PackingCost = 1;

    /// <summary>What it costs to bring one panel of the right operand near, in tiles computed. Every rectangle below another brings the same panels again.</summary>
    private const double PanelCost = 0.3;

    /// <summary>The share of a rectangle that threads wait for each other at the end: some are always slower.</summary>
    private const double WaitingShare = 0.5;

    /// <summary>The most rectangles of a thread.</summary>
    private const int MaxPartsOfThread = 4;

    /// <summary>Number of rectangles.</summary>
    public int Parts => RowParts * ColumnParts;

    /// <summary>The grid that is expected to be done first.</summary>
    public static GemmGrid Choose(int rowTiles, int columnTiles, int threads)
    {
        GemmGrid best = new(1, 1, columnTiles);
        if (threads == 1)
        {
            return best;
        }

        double least = double.PositiveInfinity;
        for (int parts = threads; parts <= MaxPartsOfThread * threads; parts += threads)
        {
            for (int rowParts = 1; rowParts <= Math.Min(parts, rowTiles); rowParts++)
            {
                int columnParts = Math.Max(1, Math.Min(parts / rowParts, columnTiles));
                double height = (rowTiles + rowParts - 1) / rowParts;
                double width = (columnTiles + columnParts - 1) / columnParts;
                double part = height * (width + PackingCost) + width * PanelCost;
                double rounds = (rowParts * columnParts + threads - 1) / threads;
                double cost = part * (rounds + WaitingShare);
                if (cost < least)
                {
                    least = cost;
                    best = new GemmGrid(rowParts, columnParts, columnTiles);
                }
            }
        }

        return best;
    }
}
