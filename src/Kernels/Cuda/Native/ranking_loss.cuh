// The multiple-negatives-ranking loss on a matrix of similarities S = R C^T (a product made elsewhere), and its gradient by S in place.
// As src/Kernels/Cpu lays it out, with b queries, R the first rows and C the last of the embeddings [queries; positives; negatives]:
//
//                queries            documents
//   queries      query to query     query to document
//   positives    document to query  document to document
//
// where the lower half is absent when no chosen direction needs it (hasPositives 0), and the left part too (firstDocument 0 instead of b).
// Logits L = scale S + strength S where hardness asks for it (no gradient through that), -infinity where a direction is not chosen, a
// row meets itself or its own documents. With p_i the logit at the own positive, o_i the sum of the others' exponentials:
//
//   loss_i = log(1 + o_i / e^p_i);  dS = factor softmax(L), at the positive -factor o_i / (o_i + e^p_i)
//
// over row i, or rows i and b + i together (joint). So no difference of nearly equal numbers is taken at the positive.
// With partition per direction the two rows are two softmaxes, each of half the weight.
//
// Layout: one block a query; a row of S is read twice (largest and sum in one pass, then the gradient) and written once. Neighbouring
// threads read neighbouring columns; with batches to 16,384 a row (64 KB) stays in L2 between the passes. Sums are in a fixed order.
#pragma once

#include "device.cuh"

constexpr int QueryToDocument = 1;
constexpr int QueryToQuery = 2;
constexpr int DocumentToQuery = 4;
constexpr int DocumentToDocument = 8;

constexpr int HardnessInBatch = 1;
constexpr int HardnessOwn = 2;
constexpr int HardnessAll = 3;

struct RankingRows
{
    float* upper;
    float* lower;
    int query, queries, columns, firstDocument, directions, hardness;
    float scale, hardnessStrength;
};

// The logit of a column of the upper row: the query against queries and documents.
__device__ __forceinline__ float upperLogit(const RankingRows& rows, int column)
{
    const float similarity = rows.upper[column];
    if (column < rows.firstDocument)
    {
        const bool isIn = (rows.directions & QueryToQuery) != 0 && column != rows.query;
        return isIn ? rows.scale * similarity : -infinity();
    }
    const int document = column - rows.firstDocument;
    const bool isOwn = document % rows.queries == rows.query;
    const bool isPositive = document == rows.query;
    const bool isPenalized = isOwn ? !isPositive && (rows.hardness == HardnessOwn || rows.hardness == HardnessAll)
                                   : rows.hardness == HardnessInBatch || rows.hardness == HardnessAll;
    return (isPenalized ? rows.scale + rows.hardnessStrength : rows.scale) * similarity;
}

// The logit of a column of the lower row: the query's positive against queries and documents.
__device__ __forceinline__ float lowerLogit(const RankingRows& rows, int column)
{
    const float logit = rows.scale * rows.lower[column];
    if (column < rows.firstDocument)
    {
        return (rows.directions & DocumentToQuery) != 0 ? logit : -infinity();
    }
    const bool isOwn = (column - rows.firstDocument) % rows.queries == rows.query;
    return (rows.directions & DocumentToDocument) != 0 && !isOwn ? logit : -infinity();
}

// Adds one logit to a running largest value and sum of exponentials relative to it.
__device__ __forceinline__ void addExponential(float logit, float& largest, float& sum)
{
    if (logit > largest)
    {
        sum = largest == -infinity() ? 1.0f : fmaf(sum, expf(largest - logit), 1.0f);
        largest = logit;
    }
    else if (logit != -infinity())
    {
        sum += expf(logit - largest);
    }
}

// One softmax over the upper row, the lower row, or both; the logits' places become the gradient. Returns the loss.
// `positive` is the positive's column, in the upper row where that takes part, else in the lower one.
__device__ __forceinline__ double rankingSoftmax(
    const RankingRows& rows, bool hasUpper, bool hasLower, int positive, float factor, float* floats, double* doubles)
{
    const float positiveLogit = hasUpper ? upperLogit(rows, positive) : lowerLogit(rows, positive);
    float largest = -infinity();
    float sum = 0;
    if (hasUpper)
    {
        for (int column = threadIdx.x; column < rows.columns; column += blockDim.x)
        {
            if (column != positive)
            {
                addExponential(upperLogit(rows, column), largest, sum);
            }
        }
    }
    if (hasLower)
    {
        for (int column = threadIdx.x; column < rows.columns; column += blockDim.x)
        {
            if (hasUpper || column != positive)
            {
                addExponential(lowerLogit(rows, column), largest, sum);
            }
        }
    }
    const float blockLargest = fmaxf(positiveLogit, blockMax(largest, floats));
    const float rescaled = largest == -infinity() ? 0.0f : sum * expf(largest - blockLargest);
    const double others = blockSum(static_cast<double>(rescaled), doubles);
    const double total = others + exp(static_cast<double>(positiveLogit) - blockLargest);
    const float share = static_cast<float>(factor / total);
    const float positiveGradient = static_cast<float>(-factor * (others / total));
    if (hasUpper)
    {
        for (int column = threadIdx.x; column < rows.columns; column += blockDim.x)
        {
            rows.upper[column] = column == positive ? positiveGradient : share * expf(upperLogit(rows, column) - blockLargest);
        }
    }
    if (hasLower)
    {
        for (int column = threadIdx.x; column < rows.columns; column += blockDim.x)
        {
            rows.lower[column] =
                !hasUpper && column == positive ? positiveGradient : share * expf(lowerLogit(rows, column) - blockLargest);
        }
    }
    return static_cast<double>(blockLargest) - positiveLogit + log(total);
}

// ranking_softmax: similarities to the gradient of weight * loss by them, in place; queryLosses (queries): each query's loss_i.
// grid: queries; block: a multiple of 32 to 1024, best 256; shared: 0
// similarities: rows of `stride` floats, `columns` used. directions and hardness as in LossOptions.cs; isPerDirection 1 or 0;
// weight: the factor on loss and gradient.
extern "C" __global__ void ranking_softmax(
    float* similarities, int queries, int columns, int stride, int firstDocument, int hasPositives, int directions, int isPerDirection,
    int hardness, float scale, float hardnessStrength, float weight, double* queryLosses)
{
    __shared__ float floats[MostWarps];
    __shared__ double doubles[MostWarps];
    const int query = blockIdx.x;
    const RankingRows rows = {
        similarities + static_cast<long long>(query) * stride,
        similarities + (static_cast<long long>(query) + (hasPositives ? queries : 0)) * stride,
        query, queries, columns, firstDocument, directions, hardness, scale, hardnessStrength};
    const bool isSplit = isPerDirection != 0 && hasPositives != 0;
    const float factor = static_cast<float>((isSplit ? 0.5 : 1.0) / queries * weight * scale);
    double loss;
    if (isSplit)
    {
        // In the other direction the own query is the positive: the same similarity, so that its gradient may stand there.
        const double upperLoss = rankingSoftmax(rows, true, false, firstDocument + query, factor, floats, doubles);
        loss = 0.5 * (upperLoss + rankingSoftmax(rows, false, true, query, factor, floats, doubles));
    }
    else
    {
        loss = rankingSoftmax(rows, true, hasPositives != 0, firstDocument + query, factor, floats, doubles);
    }
    if (threadIdx.x == 0)
    {
        queryLosses[query] = loss;
    }
}
MNR_KERNEL(ranking_softmax)

// reduce_loss: loss = weight * sum(losses) / count, or added to what is there; in double, in a fixed order.
// grid: 1; block: 256; shared: 0
extern "C" __global__ void reduce_loss(const double* losses, int count, float weight, float* loss, int accumulate)
{
    __shared__ double scratch[MostWarps];
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x)
    {
        sum += losses[i];
    }
    sum = blockSum(sum, scratch);
    if (threadIdx.x == 0)
    {
        const float result = static_cast<float>(weight * sum / count);
        *loss = accumulate ? *loss + result : result;
    }
}
MNR_KERNEL(reduce_loss)
