namespace MnrEngine.Kernels.Cuda.Memory;

/// <summary>Sorts the tokens of a batch by the table row they use, stably, by counting: linear in tokens and in the largest row.</summary>
internal sealed unsafe class RunSorter
{
    private int[] _places = [];

    /// <summary>Writes the lists of <see cref="RowRuns"/>.</summary>
    /// <param name="rows">The row of each token.</param>
    /// <param name="largest">The largest of them.</param>
    /// <param name="slot">Where the batch lies on the host.</param>
    /// <param name="runs">Where the lists lie in it.</param>
    public void Sort(ReadOnlySpan<int> rows, int largest, byte* slot, RowRuns runs)
    {
        if (_places.Length <= largest)
        {
            _places = new int[largest + 1];
        }

        Span<int> places = _places.AsSpan(0, largest + 1);
        places.Clear();
        foreach (int row in rows)
        {
            places[row]++;
        }

        int* starts = (int*)(slot + runs.Starts);
        int* rowOfRun = (int*)(slot + runs.Rows);
        int count = 0;
        int first = 0;
        for (int row = 0; row <= largest; row++)
        {
            int length = places[row];
            if (length > 0)
            {
                starts[count] = first;
                rowOfRun[count] = row;
                count++;
            }

            places[row] = first;
            first += length;
        }

        starts[count] = first;
        *(int*)(slot + runs.Count) = count;
        int* order = (int*)(slot + runs.Order);
        for (int token = 0; token < rows.Length; token++)
        {
            order[places[rows[token]]++] = token;
        }
    }
}
