namespace MnrEngine.Kernels.Cpu;

/// <summary>How the tiles of a product are dealt out to threads: as a grid of rectangles.</summary>
/// <param name="RowParts">Rectangles from top to bottom.</param>
/// <param name="ColumnParts">Rectangles from left to right.</param>
/// <param name="ColumnTiles">Tiles from left to right in the whole result.</param>
internal readonly record struct GemmGrid(int RowParts, int ColumnParts, int ColumnTiles)
{
    /// <summary>What it costs to pack one tile's height of the left operand, in tiles computed. Every rectangle beside another packs the same rows again.</summary>
    private const double PackingCost = 0.5;

    /// <summary>Number of rectangles.</summary>
    public int Parts => RowParts * ColumnParts;

    /// <summary>The grid whose largest rectangle costs least.</summary>
    public static GemmGrid Choose(int rowTiles, int columnTiles, int threads)
    {
        GemmGrid best = new(1, 1, columnTiles);
        double least = double.PositiveInfinity;
        for (int rowParts = 1; rowParts <= Math.Min(threads, rowTiles); rowParts++)
        {
            int columnParts = Math.Max(1, Math.Min(threads / rowParts, columnTiles));
            double height = (rowTiles + rowParts - 1) / rowParts;
            double width = (columnTiles + columnParts - 1) / columnParts;
            double cost = height * (width + PackingCost);
            if (cost < least)
            {
                least = cost;
                best = new GemmGrid(rowParts, columnParts, columnTiles);
            }
        }

        return best;
    }
}
