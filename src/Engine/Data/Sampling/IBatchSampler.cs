namespace MnrEngine.Data.Sampling;

/// <summary>
/// Decides which rows make up each batch. A sampler is a function of its construction (rows, batch size, seed) and the number of the
/// epoch, nothing else, so a run resumes by enumerating the epoch again and skipping the batches it has already trained on.
/// </summary>
public interface IBatchSampler
{
    /// <summary>The number of rows in a full batch; none has more.</summary>
    int BatchSize { get; }

    /// <summary>
    /// The number of batches an epoch is planned to have, from which step counts and schedules are computed (sentence-transformers'
    /// <c>len()</c>). <see cref="NoDuplicatesSampler"/> may give more or fewer.
    /// </summary>
    int Length { get; }

    /// <summary>The batches of an epoch (counted from 0) in order, made as they are asked for: each an array of row numbers of the data set.</summary>
    IEnumerable<int[]> Epoch(int epoch);
}
