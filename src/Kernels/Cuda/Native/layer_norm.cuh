// LayerNorm over rows, with what stands before or behind it in BERT.
//
//   add_norm:    x = dropout(linear + bias) + residual;                 y = n w + b
//   embed_norm:  x = word[id] + position[p] + tokenType (embedding.cuh); y = dropout(n w + b)
//   with         n = (x - mean(x)) r,  r = 1 / sqrt(mean((x - mean(x))^2) + epsilon)
//
//   backward     g = dy w;  dx = r (g - mean(g) - n mean(g n));  dw = sum over rows of dy n;  db = sum over rows of dy
//
// Layout: one warp a row, 16 bytes a lane and access. A row stands in shared memory as floats between the passes over it, so that it
// comes from memory once, whatever its width; a lane only ever reads what it wrote itself, so no barrier is needed.
// Two passes for the variance: mean(x^2) - mean(x)^2 would lose what fp32 has.
//
// dw, db and the sums that come along with them are columns' sums over all rows. A warp keeps its own sums of its rows in shared
// memory (in order), the block adds its warps' in order and writes one row of partial sums; reduce_partials (reductions.cuh) adds
// those in order. So the result is the same bits in every run with the same grid, without atomics. (llm.c's layernorm backward.)
#pragma once

#include "philox.cuh"
#include "vectors.cuh"

// Turns a row staged in shared memory, of which this lane wrote its elements, into the outputs. `normalized` may be null.
template <class T, int N>
__device__ __forceinline__ void normalizeStagedRow(
    const float* staged, float sum, const float* weight, const float* bias, float epsilon, const DropoutMask& dropout, long long offset,
    T* normalized, float* inverseDeviation, T* output, int columns)
{
    const int lane = threadIdx.x % WarpSize;
    const float mean = warpSum(sum) / static_cast<float>(columns);
    float squares = 0;
    for (int column = lane * N; column < columns; column += WarpSize * N)
    {
        float x[N];
        load<N>(staged + column, x);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            squares = fmaf(x[i] - mean, x[i] - mean, squares);
        }
    }
    const float inverse = 1.0f / sqrtf(warpSum(squares) / static_cast<float>(columns) + epsilon);
    if (lane == 0 && inverseDeviation != nullptr)
    {
        *inverseDeviation = inverse;
    }
    for (int column = lane * N; column < columns; column += WarpSize * N)
    {
        float x[N], w[N], b[N];
        load<N>(staged + column, x);
        load<N>(weight + column, w);
        load<N>(bias + column, b);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            x[i] = (x[i] - mean) * inverse;
            b[i] = fmaf(x[i], w[i], b[i]);
        }
        if (normalized != nullptr)
        {
            store<N>(x, normalized + offset + column);
        }
        applyDropout<N>(dropout, offset + column, b);
        store<N>(b, output + offset + column);
    }
}

template <class T, int N>
__device__ __forceinline__ void addNormForward(
    const T* linear, const float* linearBias, const DropoutMask& dropout, const T* residual, const float* weight, const float* bias,
    float epsilon, T* normalized, float* inverseDeviation, T* output, int rows, int columns, float* staged)
{
    const int lane = threadIdx.x % WarpSize;
    const int warps = blockDim.x / WarpSize;
    staged += (threadIdx.x / WarpSize) * columns;
    const DropoutMask none = {};
    for (int row = blockIdx.x * warps + threadIdx.x / WarpSize; row < rows; row += gridDim.x * warps)
    {
        const long long offset = static_cast<long long>(row) * columns;
        float sum = 0;
        for (int column = lane * N; column < columns; column += WarpSize * N)
        {
            float x[N], r[N];
            load<N>(linear + offset + column, x);
            if (linearBias != nullptr)
            {
                float b[N];
                load<N>(linearBias + column, b);
#pragma unroll
                for (int i = 0; i < N; i++)
                {
                    x[i] += b[i];
                }
            }
            applyDropout<N>(dropout, offset + column, x);
            load<N>(residual + offset + column, r);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                x[i] += r[i];
                sum += x[i];
            }
            store<N>(x, staged + column);
        }
        normalizeStagedRow<T, N>(
            staged, sum, weight, bias, epsilon, none, offset, normalized, inverseDeviation == nullptr ? nullptr : inverseDeviation + row,
            output, columns);
    }
}

// Backward of both. `IsEmbedding` says where dropout stands: false for add_norm's (its mask then makes linearGradient from dx), true
// for embed_norm's on the output. The third sum is of linearGradient (the bias' gradient), or of dx (the token type row's).
template <class T, int N, bool IsEmbedding>
__device__ __forceinline__ void normBackward(
    const T* outputGradient, const T* normalized, const float* inverseDeviation, const float* weight, const DropoutMask& dropout,
    T* inputGradient, T* linearGradient, float* partials, int rows, int columns, float* shared)
{
    const int lane = threadIdx.x % WarpSize;
    const int warp = threadIdx.x / WarpSize;
    const int warps = blockDim.x / WarpSize;
    float* staged = shared + 4 * warp * columns;
    float* weightSums = staged + columns;
    float* biasSums = weightSums + columns;
    float* inputSums = biasSums + columns;
    for (int column = lane * N; column < columns; column += WarpSize * N)
    {
        const float zeros[N] = {};
        store<N>(zeros, weightSums + column);
        store<N>(zeros, biasSums + column);
        store<N>(zeros, inputSums + column);
    }
    for (int row = blockIdx.x * warps + warp; row < rows; row += gridDim.x * warps)
    {
        const long long offset = static_cast<long long>(row) * columns;
        float sum = 0, sumAlong = 0;
        for (int column = lane * N; column < columns; column += WarpSize * N)
        {
            float dy[N], n[N], w[N], dw[N], db[N];
            load<N>(outputGradient + offset + column, dy);
            if constexpr (IsEmbedding)
            {
                applyDropout<N>(dropout, offset + column, dy);
            }
            load<N>(normalized + offset + column, n);
            load<N>(weight + column, w);
            load<N>(weightSums + column, dw);
            load<N>(biasSums + column, db);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                dw[i] = fmaf(dy[i], n[i], dw[i]);
                db[i] += dy[i];
                dy[i] *= w[i];
                sum += dy[i];
                sumAlong = fmaf(dy[i], n[i], sumAlong);
            }
            store<N>(dw, weightSums + column);
            store<N>(db, biasSums + column);
            store<N>(dy, staged + column);
        }
        const float mean = warpSum(sum) / static_cast<float>(columns);
        const float meanAlong = warpSum(sumAlong) / static_cast<float>(columns);
        const float inverse = inverseDeviation[row];
        for (int column = lane * N; column < columns; column += WarpSize * N)
        {
            float dx[N], n[N], sums[N];
            load<N>(staged + column, dx);
            load<N>(normalized + offset + column, n);
            load<N>(inputSums + column, sums);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                dx[i] = inverse * (dx[i] - mean - n[i] * meanAlong);
            }
            store<N>(dx, inputGradient + offset + column);
            if constexpr (!IsEmbedding)
            {
                applyDropout<N>(dropout, offset + column, dx);
                store<N>(dx, linearGradient + offset + column);
            }
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                sums[i] += dx[i];
            }
            store<N>(sums, inputSums + column);
        }
    }
    __syncthreads();
    float* target = partials + static_cast<long long>(blockIdx.x) * 3 * columns;
    for (int i = threadIdx.x; i < 3 * columns; i += blockDim.x)
    {
        float sum = 0;
        for (int w = 0; w < warps; w++)
        {
            sum += shared[(4 * w + 1) * columns + i];
        }
        target[i] = sum;
    }
}

// add_norm_forward: dropout(linear + bias) + residual, LayerNorm.
// grid: any, best min(ceil(rows / warps), a few blocks a multiprocessor); block: 32 * warps; shared: warps * columns * 4
// linear (rows, columns): the product without its bias, or with it and linearBias null; may be `normalized` or `output` itself.
// normalized, inverseDeviation: saved for the backward pass, or null.
template <class T>
__device__ __forceinline__ void addNormForwardKernel(
    const T* linear, const float* linearBias, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    const T* residual, const float* weight, const float* bias, float epsilon, T* normalized, float* inverseDeviation, T* output, int rows, int columns)
{
    DYNAMIC_SHARED(float, staged);
    const DropoutMask dropout = dropoutMask(dropoutState, site, keepBelow, keepScale);
    if (columns % PackOf<T> == 0)
    {
        addNormForward<T, PackOf<T>>(
            linear, linearBias, dropout, residual, weight, bias, epsilon, normalized, inverseDeviation, output, rows, columns, staged);
    }
    else
    {
        addNormForward<T, 1>(
            linear, linearBias, dropout, residual, weight, bias, epsilon, normalized, inverseDeviation, output, rows, columns, staged);
    }
}

extern "C" __global__ void add_norm_forward_f32(
    const float* linear, const float* linearBias, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    const float* residual, const float* weight, const float* bias, float epsilon, float* normalized, float* inverseDeviation, float* output,
    int rows, int columns)
{
    addNormForwardKernel(
        linear, linearBias, dropoutState, site, keepBelow, keepScale, residual, weight, bias, epsilon, normalized, inverseDeviation, output,
        rows, columns);
}
MNR_KERNEL(add_norm_forward_f32)

extern "C" __global__ void add_norm_forward_bf16(
    const bf16* linear, const float* linearBias, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    const bf16* residual, const float* weight, const float* bias, float epsilon, bf16* normalized, float* inverseDeviation, bf16* output,
    int rows, int columns)
{
    addNormForwardKernel(
        linear, linearBias, dropoutState, site, keepBelow, keepScale, residual, weight, bias, epsilon, normalized, inverseDeviation, output,
        rows, columns);
}
MNR_KERNEL(add_norm_forward_bf16)

// add_norm_backward: residualGradient = dx, linearGradient = dx through dropout, and partial sums of dw, db and the linear layer's db.
// grid: G, any, best a few blocks a multiprocessor; block: 32 * warps; shared: 4 * warps * columns * 4
// residualGradient may be outputGradient itself. partials: float (G, 3, columns), for reduce_partials with count G, width columns.
template <class T>
__device__ __forceinline__ void addNormBackwardKernel(
    const T* outputGradient, const T* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState,
    unsigned site, unsigned keepBelow, float keepScale, T* residualGradient, T* linearGradient, float* partials, int rows, int columns)
{
    DYNAMIC_SHARED(float, shared);
    const DropoutMask dropout = dropoutMask(dropoutState, site, keepBelow, keepScale);
    if (columns % PackOf<T> == 0)
    {
        normBackward<T, PackOf<T>, false>(
            outputGradient, normalized, inverseDeviation, weight, dropout, residualGradient, linearGradient, partials, rows, columns, shared);
    }
    else
    {
        normBackward<T, 1, false>(
            outputGradient, normalized, inverseDeviation, weight, dropout, residualGradient, linearGradient, partials, rows, columns, shared);
    }
}

extern "C" __global__ void add_norm_backward_f32(
    const float* outputGradient, const float* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState,
    unsigned site, unsigned keepBelow, float keepScale, float* residualGradient, float* linearGradient, float* partials, int rows, int columns)
{
    addNormBackwardKernel(
        outputGradient, normalized, inverseDeviation, weight, dropoutState, site, keepBelow, keepScale, residualGradient, linearGradient,
        partials, rows, columns);
}
MNR_KERNEL(add_norm_backward_f32)

extern "C" __global__ void add_norm_backward_bf16(
    const bf16* outputGradient, const bf16* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState,
    unsigned site, unsigned keepBelow, float keepScale, bf16* residualGradient, bf16* linearGradient, float* partials, int rows, int columns)
{
    addNormBackwardKernel(
        outputGradient, normalized, inverseDeviation, weight, dropoutState, site, keepBelow, keepScale, residualGradient, linearGradient,
        partials, rows, columns);
}
MNR_KERNEL(add_norm_backward_bf16)
