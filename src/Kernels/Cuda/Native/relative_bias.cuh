// MPNet's relative positions as attention's additive bias (attention.cuh), for each head h, query i and key j of length L:
//
//   B[h, i, j] = table[bucket(j - i), h];   dtable[b, h] = sum over i, j with bucket(j - i) = b of dB[h, i, j]
//
// Buckets with d = |j - i|: d below 8, else 8 + the number of {12, 16, 23, 32, 46, 64, 91} that are <= d; + 16 where j > i. The table is
// (32, heads) and shared by all layers, so both run once a step.
//
// Forward: a thread an element; the table lies in the cache. Backward: a block owns a bucket of a head, whose distances are one run, and
// sums that band of dB in a fixed order. The band of the far buckets is most of the square: summed in double, which costs nothing beside
// the reads.
#pragma once

#include "device.cuh"

constexpr int RelativeBuckets = 32;
constexpr int RelativeSide = RelativeBuckets / 2;
constexpr int RelativeExact = RelativeSide / 2;
constexpr int Farthest = 1 << 30;

// The smallest distance of place 0 to 16 on one side; 16 ends the last.
__device__ __forceinline__ int leastDistance(int place)
{
    constexpr int Thresholds[RelativeSide - RelativeExact + 1] = {8, 12, 16, 23, 32, 46, 64, 91, Farthest};
    return place < RelativeExact ? place : Thresholds[place - RelativeExact];
}

__device__ __forceinline__ int relativeBucket(int distance)
{
    const int magnitude = distance < 0 ? -distance : distance;
    int place = magnitude;
    if (magnitude >= RelativeExact)
    {
        place = RelativeExact;
#pragma unroll
        for (int next = RelativeExact + 1; next < RelativeSide; next++)
        {
            place += magnitude >= leastDistance(next) ? 1 : 0;
        }
    }
    return place + (distance > 0 ? RelativeSide : 0);
}

// relative_bias_forward: bias (heads * length, length).
// grid: G, at most ceil(heads length length / 256); block: 256; shared: 0
extern "C" __global__ void relative_bias_forward(const float* table, float* bias, int heads, int length)
{
    const long long square = static_cast<long long>(length) * length;
    const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < heads * square; i += stride)
    {
        const int head = static_cast<int>(i / square);
        const int query = static_cast<int>(i % square / length);
        const int key = static_cast<int>(i % length);
        bias[i] = table[relativeBucket(key - query) * heads + head];
    }
}
MNR_KERNEL(relative_bias_forward)

// relative_bias_backward: tableGradient (32, heads) from biasGradient (heads * length, length).
// grid: (32, heads); block: 256; shared: 0
extern "C" __global__ void relative_bias_backward(const float* biasGradient, float* tableGradient, int heads, int length, int accumulate)
{
    __shared__ double scratch[MostWarps];
    const int bucket = blockIdx.x;
    const int head = blockIdx.y;
    const int place = bucket % RelativeSide;
    const int least = leastDistance(place);
    const int most = leastDistance(place + 1) - 1 < length - 1 ? leastDistance(place + 1) - 1 : length - 1;

    // The run of distances, key less query. Bucket 16 would be a distance of 0 ahead: it has none.
    const bool isAhead = bucket >= RelativeSide;
    const int first = isAhead ? least : -most;
    const int width = isAhead && place == 0 ? 0 : most - least + 1;
    const float* square = biasGradient + static_cast<long long>(head) * length * length;
    double sum = 0;
    if (width > 0)
    {
        for (long long i = threadIdx.x; i < static_cast<long long>(length) * width; i += blockDim.x)
        {
            const int query = static_cast<int>(i / width);
            const int key = query + first + static_cast<int>(i % width);
            if (key >= 0 && key < length)
            {
                sum += square[static_cast<long long>(query) * length + key];
            }
        }
    }
    sum = blockSum(sum, scratch);
    if (threadIdx.x == 0)
    {
        float* target = tableGradient + bucket * heads + head;
        *target = static_cast<float>(accumulate ? *target + sum : sum);
    }
}
MNR_KERNEL(relative_bias_backward)
