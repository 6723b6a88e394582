namespace MnrEngine.Evaluation;

/// <summary>The documents most similar to a query, of those offered so far; of equally similar ones the first by id.</summary>
/// <param name="capacity">How many are kept.</param>
/// <param name="rankOfId">The place of each document's id among all ids, sorted.</param>
internal sealed class BestDocuments(int capacity, int[] rankOfId)
{
    // The worst of those kept is at the top.
    private readonly PriorityQueue<int, (float Similarity, int NegativeRank)> _kept = new();
    private (float Similarity, int NegativeRank) _worst;

    /// <summary>Offers a document.</summary>
    public void Offer(int document, float similarity)
    {
        if (_kept.Count == capacity && similarity < _worst.Similarity)
        {
            return;
        }

        (float, int) priority = (similarity, -rankOfId[document]);
        if (_kept.Count < capacity)
        {
            _kept.Enqueue(document, priority);
        }
        else
        {
            _kept.EnqueueDequeue(document, priority);
        }

        _kept.TryPeek(out _, out _worst);
    }

    /// <summary>The documents kept, the most similar first.</summary>
    public int[] InOrder() =>
        [.. _kept.UnorderedItems.OrderByDescending(static item => item.Priority).Select(static item => item.Element)];
}
