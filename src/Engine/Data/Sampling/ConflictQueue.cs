namespace MnrEngine.Data.Sampling;

/// <summary>
/// A queue of rows from which batches are taken: always the first row in line that shares no text with the rows already in the batch.
/// Rows that are passed over keep their place for later batches.
/// </summary>
/// <remarks>
/// Each node of the <see cref="ConflictTree"/> keeps its own rows in a linked list and its children in a binary heap, both by place in
/// line, so the first row in line is found by walking down from the root. A node whose text is in the batch is set aside with all
/// below it until the batch is done. Taking a row costs the logarithm of the number of nodes, however many rows conflict.
/// </remarks>
internal sealed class ConflictQueue
{
    // Greater than any place in line.
    private const int None = int.MaxValue;

    private readonly ConflictTree _tree;
    private readonly int[] _order;
    private readonly int[] _nextPlace;
    private readonly int[] _firstPlace;
    private readonly int[] _key;
    private readonly int[] _heaps;
    private readonly int[] _heapSize;
    private readonly int[] _heapIndex;
    private readonly int[] _usedInBatch;
    private readonly List<int> _aside = [];
    private int _batch = 1;

    /// <summary>Lines the rows up in the given order.</summary>
    public ConflictQueue(ConflictTree tree, int[] order)
    {
        _tree = tree;
        _order = order;
        _nextPlace = new int[order.Length];
        _firstPlace = new int[tree.NodeCount];
        _key = new int[tree.NodeCount];
        _heaps = new int[tree.NodeCount];
        _heapSize = new int[tree.NodeCount];
        _heapIndex = new int[tree.NodeCount];
        _usedInBatch = new int[tree.TextCount];
        Array.Fill(_firstPlace, None);
        Array.Fill(_key, None);
        Array.Fill(_heapIndex, -1);
        LineUp();
    }

    /// <summary>Whether all rows have been taken.</summary>
    public bool IsEmpty => _key[ConflictTree.Root] == None;

    /// <summary>Takes the next batch: of <paramref name="size"/> rows, or fewer where all rows left conflict with those in it.</summary>
    public int[] TakeBatch(int size)
    {
        int[] batch = new int[size];
        int count = 0;
        while (count < size && TryTake(out int row))
        {
            batch[count++] = row;
        }

        foreach (int node in _aside)
        {
            Refresh(node);
        }

        _aside.Clear();
        _batch++;
        return count == size ? batch : batch[..count];
    }

    private void LineUp()
    {
        int[] lastPlace = new int[_tree.NodeCount];
        for (int place = 0; place < _order.Length; place++)
        {
            int node = _tree.NodeOfRow[_order[place]];
            _nextPlace[place] = None;
            if (_firstPlace[node] == None)
            {
                _firstPlace[node] = place;
            }
            else
            {
                _nextPlace[lastPlace[node]] = place;
            }

            lastPlace[node] = place;

            // Places ascend, so appending keeps every heap sorted; ancestors of a node already in line are there too.
            for (int above = node; _key[above] == None; above = _tree.ParentOf[above])
            {
                _key[above] = place;
                if (above == ConflictTree.Root)
                {
                    break;
                }

                int parent = _tree.ParentOf[above];
                _heapIndex[above] = _heapSize[parent]++;
                _heaps[_tree.FirstChildSlot[parent] + _heapIndex[above]] = above;
            }
        }
    }

    private bool TryTake(out int row)
    {
        int node = ConflictTree.Root;
        while (_key[ConflictTree.Root] != None)
        {
            if (_firstPlace[node] == _key[node])
            {
                row = Take(node);
                return true;
            }

            int child = _heaps[_tree.FirstChildSlot[node]];
            if (_usedInBatch[_tree.TextOf[child]] == _batch)
            {
                SetAside(child);
                node = ConflictTree.Root;
            }
            else
            {
                node = child;
            }
        }

        row = -1;
        return false;
    }

    private int Take(int node)
    {
        int place = _firstPlace[node];
        _firstPlace[node] = _nextPlace[place];
        for (int above = node; above != ConflictTree.Root; above = _tree.ParentOf[above])
        {
            _usedInBatch[_tree.TextOf[above]] = _batch;
        }

        Refresh(node);
        return _order[place];
    }

    private void SetAside(int node)
    {
        _aside.Add(node);
        int parent = _tree.ParentOf[node];
        RemoveFromHeap(parent, node);
        Refresh(parent);
    }

    /// <summary>Brings a node's key up to date, and the place of it and of all above it in their heaps.</summary>
    private void Refresh(int node)
    {
        while (true)
        {
            int smallestChild = _heapSize[node] == 0 ? None : _key[_heaps[_tree.FirstChildSlot[node]]];
            _key[node] = Math.Min(_firstPlace[node], smallestChild);
            if (node == ConflictTree.Root)
            {
                return;
            }

            int parent = _tree.ParentOf[node];
            if (_key[node] == None)
            {
                RemoveFromHeap(parent, node);
            }
            else
            {
                PlaceInHeap(parent, node);
            }

            node = parent;
        }
    }

    private void PlaceInHeap(int parent, int node)
    {
        if (_heapIndex[node] < 0)
        {
            _heapIndex[node] = _heapSize[parent]++;
        }

        Span<int> heap = _heaps.AsSpan(_tree.FirstChildSlot[parent], _heapSize[parent]);
        SiftDown(heap, SiftUp(heap, _heapIndex[node], node), node);
    }

    private void RemoveFromHeap(int parent, int node)
    {
        int index = _heapIndex[node];
        if (index < 0)
        {
            return;
        }

        _heapIndex[node] = -1;
        Span<int> heap = _heaps.AsSpan(_tree.FirstChildSlot[parent], --_heapSize[parent]);
        if (index < heap.Length)
        {
            int moved = _heaps[_tree.FirstChildSlot[parent] + heap.Length];
            SiftDown(heap, SiftUp(heap, index, moved), moved);
        }
    }

    /// <summary>Moves the gap at <paramref name="index"/> up to where <paramref name="node"/> may stand.</summary>
    private int SiftUp(Span<int> heap, int index, int node)
    {
        while (index > 0)
        {
            int above = (index - 1) / 2;
            if (_key[heap[above]] <= _key[node])
            {
                break;
            }

            heap[index] = heap[above];
            _heapIndex[heap[index]] = index;
            index = above;
        }

        return index;
    }

    /// <summary>Moves the gap at <paramref name="index"/> down to where <paramref name="node"/> may stand, and puts it there.</summary>
    private void SiftDown(Span<int> heap, int index, int node)
    {
        while ((2 * index) + 1 < heap.Length)
        {
            int below = (2 * index) + 1;
            if (below + 1 < heap.Length && _key[heap[below + 1]] < _key[heap[below]])
            {
                below++;
            }

            if (_key[node] <= _key[heap[below]])
            {
                break;
            }

            heap[index] = heap[below];
            _heapIndex[heap[index]] = index;
            index = below;
        }

        heap[index] = node;
        _heapIndex[node] = index;
    }
}
