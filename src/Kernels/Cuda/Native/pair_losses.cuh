// Losses on the similarity s of pairs (u, v) of embeddings, fp32; the b first sentences lie above the b second ones:
//
//   cosine: s = u . v / (|u| |v|);  du = ds (v / |v| - s u / |u|) / |u|, and with u and v exchanged;  dot: s = u . v, du = ds v
//   cosine similarity loss: the mean of (s - y)^2, or of another error e(t(s) - y) of a transform t; ds = e'(t(s) - y) t'(s) / pairs
//   CoSENT: L = log(1 + sum over y_i < y_j of e^(scale (s_i - s_j)))
//     ds_i = scale (sum over y_j > y_i of e^(scale (s_i - s_j) - L) - sum over y_k < y_i of e^(scale (s_k - s_i) - L))
//
// Similarities and their gradients go through memory (a few numbers a pair), so that both losses share them: one warp a pair there.
// CoSENT is b^2 terms in memory that grows with b: one block a pair sums over the pairs with larger and with smaller labels, each
// relative to its own largest term, and leaves logarithms; a single block adds those up in order. So nothing overflows, no exponent is a
// difference of large numbers, and the same bits come out every time.
#pragma once

#include "vectors.cuh"

constexpr float ShortestPairLength = 1e-12f;

template <int N>
__device__ __forceinline__ void pairProducts(const float* u, const float* v, int width, float& product, float& squaresU, float& squaresV)
{
    const int lane = threadIdx.x % WarpSize;
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float first[N], second[N];
        load<N>(u + column, first);
        load<N>(v + column, second);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            product = fmaf(first[i], second[i], product);
            squaresU = fmaf(first[i], first[i], squaresU);
            squaresV = fmaf(second[i], second[i], squaresV);
        }
    }
}

template <int N>
__device__ __forceinline__ void pairGradients(
    const float* u, const float* v, float across, float alongU, float alongV, float* du, float* dv, int width)
{
    const int lane = threadIdx.x % WarpSize;
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float first[N], second[N], firstGradient[N], secondGradient[N];
        load<N>(u + column, first);
        load<N>(v + column, second);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            firstGradient[i] = across * second[i] - alongU * first[i];
            secondGradient[i] = across * first[i] - alongV * second[i];
        }
        store<N>(firstGradient, du + column);
        store<N>(secondGradient, dv + column);
    }
}

// pair_similarity: similarities (pairs); inverseLengths (2 pairs): 1 / |u| of all, then 1 / |v|, 0 for a row too short to have a direction.
// grid: ceil(pairs / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void pair_similarity(
    const float* embeddings, float* similarities, float* inverseLengths, int pairs, int width, int isCosine)
{
    const int pair = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (pair >= pairs)
    {
        return;
    }
    const float* u = embeddings + static_cast<long long>(pair) * width;
    const float* v = u + static_cast<long long>(pairs) * width;
    float product = 0, squaresU = 0, squaresV = 0;
    if (width % 4 == 0)
    {
        pairProducts<4>(u, v, width, product, squaresU, squaresV);
    }
    else
    {
        pairProducts<1>(u, v, width, product, squaresU, squaresV);
    }
    product = warpSum(product);
    if (isCosine)
    {
        const double lengthU = sqrt(static_cast<double>(warpSum(squaresU)));
        const double lengthV = sqrt(static_cast<double>(warpSum(squaresV)));
        const double inverseU = lengthU < ShortestPairLength ? 0.0 : 1 / lengthU;
        const double inverseV = lengthV < ShortestPairLength ? 0.0 : 1 / lengthV;
        product = static_cast<float>(product * inverseU * inverseV);
        if (threadIdx.x % WarpSize == 0)
        {
            inverseLengths[pair] = static_cast<float>(inverseU);
            inverseLengths[pairs + pair] = static_cast<float>(inverseV);
        }
    }
    if (threadIdx.x % WarpSize == 0)
    {
        similarities[pair] = product;
    }
}
MNR_KERNEL(pair_similarity)

// pair_similarity_backward: gradients (pairs), by the similarities, to embeddingsGradient (2 pairs, width).
// grid: ceil(pairs / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void pair_similarity_backward(
    const float* embeddings, const float* similarities, const float* inverseLengths, const float* gradients, float* embeddingsGradient,
    int pairs, int width, int isCosine)
{
    const int pair = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (pair >= pairs)
    {
        return;
    }
    const long long first = static_cast<long long>(pair) * width;
    const long long second = first + static_cast<long long>(pairs) * width;
    float across = gradients[pair], alongU = 0, alongV = 0;
    if (isCosine)
    {
        const float inverseU = inverseLengths[pair];
        const float inverseV = inverseLengths[pairs + pair];
        const float along = across * similarities[pair];
        alongU = along * inverseU * inverseU;
        alongV = along * inverseV * inverseV;
        across *= inverseU * inverseV;
    }
    if (width % 4 == 0)
    {
        pairGradients<4>(
            embeddings + first, embeddings + second, across, alongU, alongV, embeddingsGradient + first, embeddingsGradient + second, width);
    }
    else
    {
        pairGradients<1>(
            embeddings + first, embeddings + second, across, alongU, alongV, embeddingsGradient + first, embeddingsGradient + second, width);
    }
}
MNR_KERNEL(pair_similarity_backward)

// A similarity's transform, as CosineTransform in LossOptions.cs numbers them, and its derivative.
__device__ __forceinline__ double transformedCosine(double cosine, int transform, double& derivative)
{
    double value = cosine;
    derivative = 1;
    if (transform == 1)
    {
        value = 1 / (1 + exp(-cosine));
        derivative = value * (1 - value);
    }
    else if (transform == 2)
    {
        value = tanh(cosine);
        derivative = 1 - value * value;
    }
    else if (transform == 3)
    {
        value = cosine > 0 ? cosine : 0;
        derivative = cosine > 0 ? 1 : 0;
    }
    return value;
}

// The error of a difference, as PairError in LossOptions.cs numbers them, and its derivative.
__device__ __forceinline__ double pairError(double difference, int error, double& derivative)
{
    const double size = fabs(difference);
    const double sign = difference > 0 ? 1 : difference < 0 ? -1 : 0;
    if (error == 0)
    {
        derivative = 2 * difference;
        return difference * difference;
    }
    if (error == 2 && size < 1)
    {
        derivative = difference;
        return difference * difference / 2;
    }
    derivative = sign;
    return error == 2 ? size - 0.5 : size;
}

// cosine_similarity_loss: losses (pairs) for reduce_loss, and the gradients (pairs) of weight * loss by the similarities.
// grid: at most ceil(pairs / 256); block: 256; shared: 0
extern "C" __global__ void cosine_similarity_loss(
    const float* similarities, const float* labels, float weight, double* losses, float* gradients, int pairs, int error, int transform)
{
    for (int pair = blockIdx.x * blockDim.x + threadIdx.x; pair < pairs; pair += gridDim.x * blockDim.x)
    {
        double ofTransform, ofError;
        const double transformed = transformedCosine(similarities[pair], transform, ofTransform);
        losses[pair] = pairError(transformed - labels[pair], error, ofError);
        gradients[pair] = static_cast<float>(ofError * ofTransform * weight / pairs);
    }
}
MNR_KERNEL(cosine_similarity_loss)

// cosent_rows: for each pair the logarithms of its two sums, logAbove and logBelow (pairs); -infinity where no label is above, or below.
// grid: pairs; block: a multiple of 32 to 1024, best 256; shared: 0
extern "C" __global__ void cosent_rows(
    const float* similarities, const float* labels, float scale, double* logAbove, double* logBelow, int pairs)
{
    __shared__ float floats[MostWarps];
    __shared__ double doubles[MostWarps];
    const int pair = blockIdx.x;
    const float own = labels[pair];
    float smallest = infinity(), largest = -infinity();
    for (int other = threadIdx.x; other < pairs; other += blockDim.x)
    {
        const float similarity = similarities[other];
        smallest = labels[other] > own ? fminf(smallest, similarity) : smallest;
        largest = labels[other] < own ? fmaxf(largest, similarity) : largest;
    }
    smallest = -blockMax(-smallest, floats);
    largest = blockMax(largest, floats);
    double above = 0, below = 0;
    for (int other = threadIdx.x; other < pairs; other += blockDim.x)
    {
        const float similarity = similarities[other];
        above += labels[other] > own ? expf(scale * (smallest - similarity)) : 0.0f;
        below += labels[other] < own ? expf(scale * (similarity - largest)) : 0.0f;
    }
    above = blockSum(above, doubles);
    below = blockSum(below, doubles);
    if (threadIdx.x == 0)
    {
        const double similarity = similarities[pair];
        logAbove[pair] = above == 0 ? -infinity() : scale * (similarity - smallest) + log(above);
        logBelow[pair] = below == 0 ? -infinity() : scale * (largest - similarity) + log(below);
    }
}
MNR_KERNEL(cosent_rows)

// cosent_loss: loss = weight * L, or added to what is there, and the gradients (pairs) of it by the similarities.
// grid: 1; block: 256; shared: 0
extern "C" __global__ void cosent_loss(
    const double* logAbove, const double* logBelow, float scale, float weight, float* loss, float* gradients, int pairs, int accumulate)
{
    __shared__ float floats[MostWarps];
    __shared__ double doubles[MostWarps];
    float rounded = 0;
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x)
    {
        rounded = fmaxf(rounded, static_cast<float>(logAbove[pair]));
    }
    const double largest = blockMax(rounded, floats);
    double sum = 0;
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x)
    {
        sum += exp(logAbove[pair] - largest);
    }
    sum = blockSum(sum, doubles);

    // The 1 under the logarithm is e^-largest by now; where it is the largest term, a tiny sum must not vanish in it.
    const double logTotal = largest == 0 ? log1p(sum) : largest + log(sum + exp(-largest));
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x)
    {
        gradients[pair] = static_cast<float>(static_cast<double>(scale) * weight * (exp(logAbove[pair] - logTotal) - exp(logBelow[pair] - logTotal)));
    }
    if (threadIdx.x == 0)
    {
        const float result = static_cast<float>(weight * logTotal);
        *loss = accumulate ? *loss + result : result;
    }
}
MNR_KERNEL(cosent_loss)
