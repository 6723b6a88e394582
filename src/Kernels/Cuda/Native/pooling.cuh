// Pooling of a sentence's l token vectors x_t, t = 0 .. l - 1, in up to six modes side by side:
//
//   1 cls x_0 | 2 max | 4 mean sum(x) / l | 8 sum(x) / sqrt(l) | 16 sum((t + 1) x_t) / (l (l + 1) / 2) | 32 last x_(l-1)
//
// numbered and ordered as src/Kernels/PoolingModes.cs. Pooled vectors are fp32.
// Layout: a block takes one sentence and 512 columns, a thread four neighbouring columns, going down the tokens once for all modes;
// backward adds all modes' shares in registers and writes each gradient once (and rounds it once). The largest value's first place is
// found again in backward: cheaper than to save it.
#pragma once

#include "vectors.cuh"

constexpr int PoolCls = 1;
constexpr int PoolMax = 2;
constexpr int PoolMean = 4;
constexpr int PoolMeanSqrtLength = 8;
constexpr int PoolWeightedMean = 16;
constexpr int PoolLastToken = 32;

__device__ __forceinline__ float positionWeights(int length)
{
    return 0.5f * static_cast<float>(length) * (static_cast<float>(length) + 1.0f);
}

template <class T, int N>
__device__ __forceinline__ void poolForward(
    const int* offsets, int modes, const T* hiddenStates, float* pooled, int hidden, int pooledColumn, int pooledStride)
{
    const int sentence = blockIdx.x;
    const int first = offsets[sentence];
    const int length = offsets[sentence + 1] - first;
    float* target = pooled + static_cast<long long>(sentence) * pooledStride + pooledColumn;
    for (int column = (blockIdx.y * blockDim.x + threadIdx.x) * N; column < hidden; column += gridDim.y * blockDim.x * N)
    {
        const T* source = hiddenStates + static_cast<long long>(first) * hidden + column;
        float cls[N], last[N], largest[N], sum[N], weighted[N];
        load<N>(source, cls);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            last[i] = largest[i] = sum[i] = weighted[i] = cls[i];
        }
        for (int token = 1; token < length; token++)
        {
            load<N>(source + static_cast<long long>(token) * hidden, last);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                largest[i] = fmaxf(largest[i], last[i]);
                sum[i] += last[i];
                weighted[i] = fmaf(static_cast<float>(token + 1), last[i], weighted[i]);
            }
        }
        float mean[N], meanSqrt[N];
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            mean[i] = sum[i] / static_cast<float>(length);
            meanSqrt[i] = sum[i] / sqrtf(static_cast<float>(length));
            weighted[i] /= positionWeights(length);
        }
        float* place = target + column;
        const auto write = [&](int mode, const float(&values)[N])
        {
            if ((modes & mode) != 0)
            {
#pragma unroll
                for (int i = 0; i < N; i++)
                {
                    place[i] = values[i];
                }
                place += hidden;
            }
        };
        write(PoolCls, cls);
        write(PoolMax, largest);
        write(PoolMean, mean);
        write(PoolMeanSqrtLength, meanSqrt);
        write(PoolWeightedMean, weighted);
        write(PoolLastToken, last);
    }
}

// pool_forward: pooled[s][pooledColumn + k hidden + c] for the k-th chosen mode, from rows of pooledStride floats.
// grid: (sentences, ceil(hidden / 512)); block: 128; shared: 0
template <class T>
__device__ __forceinline__ void poolForwardKernel(
    const int* offsets, int modes, const T* hiddenStates, float* pooled, int hidden, int pooledColumn, int pooledStride)
{
    if (hidden % 4 == 0)
    {
        poolForward<T, 4>(offsets, modes, hiddenStates, pooled, hidden, pooledColumn, pooledStride);
    }
    else
    {
        poolForward<T, 1>(offsets, modes, hiddenStates, pooled, hidden, pooledColumn, pooledStride);
    }
}

extern "C" __global__ void pool_forward_f32(
    const int* offsets, int modes, const float* hiddenStates, float* pooled, int hidden, int pooledColumn, int pooledStride)
{
    poolForwardKernel(offsets, modes, hiddenStates, pooled, hidden, pooledColumn, pooledStride);
}
MNR_KERNEL(pool_forward_f32)

extern "C" __global__ void pool_forward_bf16(
    const int* offsets, int modes, const bf16* hiddenStates, float* pooled, int hidden, int pooledColumn, int pooledStride)
{
    poolForwardKernel(offsets, modes, hiddenStates, pooled, hidden, pooledColumn, pooledStride);
}
MNR_KERNEL(pool_forward_bf16)

template <class T, int N>
__device__ __forceinline__ void poolBackward(
    const int* offsets, int modes, const T* hiddenStates, const float* pooledGradient, T* hiddenGradient, int hidden, int pooledColumn,
    int pooledStride)
{
    const int sentence = blockIdx.x;
    const int first = offsets[sentence];
    const int length = offsets[sentence + 1] - first;
    const float* given = pooledGradient + static_cast<long long>(sentence) * pooledStride + pooledColumn;
    for (int column = (blockIdx.y * blockDim.x + threadIdx.x) * N; column < hidden; column += gridDim.y * blockDim.x * N)
    {
        const long long offset = static_cast<long long>(first) * hidden + column;
        const float* place = given + column;
        const auto read = [&](int mode, float factor, float(&values)[N])
        {
            const bool isChosen = (modes & mode) != 0;
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                values[i] = isChosen ? factor * place[i] : 0.0f;
            }
            place += isChosen ? hidden : 0;
        };
        float cls[N], largestGradient[N], mean[N], meanSqrt[N], weighted[N], last[N];
        read(PoolCls, 1.0f, cls);
        read(PoolMax, 1.0f, largestGradient);
        read(PoolMean, 1.0f / static_cast<float>(length), mean);
        read(PoolMeanSqrtLength, 1.0f / sqrtf(static_cast<float>(length)), meanSqrt);
        read(PoolWeightedMean, 1.0f / positionWeights(length), weighted);
        read(PoolLastToken, 1.0f, last);
        int placeOfLargest[N] = {};
        if ((modes & PoolMax) != 0)
        {
            float largest[N];
            load<N>(hiddenStates + offset, largest);
            for (int token = 1; token < length; token++)
            {
                float x[N];
                load<N>(hiddenStates + offset + static_cast<long long>(token) * hidden, x);
#pragma unroll
                for (int i = 0; i < N; i++)
                {
                    placeOfLargest[i] = x[i] > largest[i] ? token : placeOfLargest[i];
                    largest[i] = fmaxf(x[i], largest[i]);
                }
            }
        }
        for (int token = 0; token < length; token++)
        {
            float dx[N];
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                dx[i] = mean[i] + meanSqrt[i] + static_cast<float>(token + 1) * weighted[i];
                dx[i] += token == placeOfLargest[i] ? largestGradient[i] : 0.0f;
                dx[i] += token == 0 ? cls[i] : 0.0f;
                dx[i] += token == length - 1 ? last[i] : 0.0f;
            }
            store<N>(dx, hiddenGradient + offset + static_cast<long long>(token) * hidden);
        }
    }
}

// pool_backward: hiddenGradient of every token of every sentence, overwritten; spare rows: zero_spare_rows.
// grid: (sentences, ceil(hidden / 512)); block: 128; shared: 0
template <class T>
__device__ __forceinline__ void poolBackwardKernel(
    const int* offsets, int modes, const T* hiddenStates, const float* pooledGradient, T* hiddenGradient, int hidden, int pooledColumn,
    int pooledStride)
{
    if (hidden % 4 == 0)
    {
        poolBackward<T, 4>(offsets, modes, hiddenStates, pooledGradient, hiddenGradient, hidden, pooledColumn, pooledStride);
    }
    else
    {
        poolBackward<T, 1>(offsets, modes, hiddenStates, pooledGradient, hiddenGradient, hidden, pooledColumn, pooledStride);
    }
}

extern "C" __global__ void pool_backward_f32(
    const int* offsets, int modes, const float* hiddenStates, const float* pooledGradient, float* hiddenGradient, int hidden,
    int pooledColumn, int pooledStride)
{
    poolBackwardKernel(offsets, modes, hiddenStates, pooledGradient, hiddenGradient, hidden, pooledColumn, pooledStride);
}
MNR_KERNEL(pool_backward_f32)

extern "C" __global__ void pool_backward_bf16(
    const int* offsets, int modes, const bf16* hiddenStates, const float* pooledGradient, bf16* hiddenGradient, int hidden,
    int pooledColumn, int pooledStride)
{
    poolBackwardKernel(offsets, modes, hiddenStates, pooledGradient, hiddenGradient, hidden, pooledColumn, pooledStride);
}
MNR_KERNEL(pool_backward_bf16)
