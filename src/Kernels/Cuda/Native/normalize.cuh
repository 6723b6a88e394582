// Rows divided by their length, fp32 (sentence embeddings):
//
//   y = x / max(|x|, 1e-12);  dx = (dy - y (y . dy)) / |x|, zero where |x| < 1e-12
//
// One warp a row, any width. Also the cosine of the ranking loss: normalised copies, then a plain product. Truncated, only the first
// columns of longer rows count (MatryoshkaLoss), and the gradient can be added to that of other truncations.
#pragma once

#include "vectors.cuh"

constexpr float ShortestLength = 1e-12f;

// One row; a lane's columns are the same in both passes, so that dx may be dy.
template <int N>
__device__ __forceinline__ void normalizeRow(const float* x, float* length, float* y, int width)
{
    const int lane = threadIdx.x % WarpSize;
    float squares = 0;
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float values[N];
        load<N>(x + column, values);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            squares = fmaf(values[i], values[i], squares);
        }
    }
    const float norm = sqrtf(warpSum(squares));
    if (lane == 0 && length != nullptr)
    {
        *length = norm;
    }
    const float divisor = fmaxf(norm, ShortestLength);
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float values[N];
        load<N>(x + column, values);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            values[i] /= divisor;
        }
        store<N>(values, y + column);
    }
}

template <int N>
__device__ __forceinline__ void normalizeRowBackward(const float* y, float length, const float* dy, float* dx, int width, bool isAdded = false)
{
    const int lane = threadIdx.x % WarpSize;
    float along = 0;
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float outputs[N], gradients[N];
        load<N>(y + column, outputs);
        load<N>(dy + column, gradients);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            along = fmaf(outputs[i], gradients[i], along);
        }
    }
    along = warpSum(along);
    const bool hasDirection = length >= ShortestLength;
    for (int column = lane * N; column < width; column += WarpSize * N)
    {
        float outputs[N], gradients[N];
        load<N>(y + column, outputs);
        load<N>(dy + column, gradients);
#pragma unroll
        for (int i = 0; i < N; i++)
        {
            gradients[i] = hasDirection ? (gradients[i] - outputs[i] * along) / length : 0.0f;
        }
        if (isAdded)
        {
            float before[N];
            load<N>(dx + column, before);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                gradients[i] += before[i];
            }
        }
        store<N>(gradients, dx + column);
    }
}

// normalize_forward: output = input / length; length (rows) saved or null. output may be input.
// grid: ceil(rows / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void normalize_forward(const float* input, float* length, float* output, int rows, int width)
{
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows)
    {
        return;
    }
    const long long offset = static_cast<long long>(row) * width;
    float* lengthOfRow = length == nullptr ? nullptr : length + row;
    if (width % 4 == 0)
    {
        normalizeRow<4>(input + offset, lengthOfRow, output + offset, width);
    }
    else
    {
        normalizeRow<1>(input + offset, lengthOfRow, output + offset, width);
    }
}
MNR_KERNEL(normalize_forward)

// normalize_backward: inputGradient may be outputGradient.
// grid: ceil(rows / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void normalize_backward(
    const float* output, const float* length, const float* outputGradient, float* inputGradient, int rows, int width)
{
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows)
    {
        return;
    }
    const long long offset = static_cast<long long>(row) * width;
    if (width % 4 == 0)
    {
        normalizeRowBackward<4>(output + offset, length[row], outputGradient + offset, inputGradient + offset, width);
    }
    else
    {
        normalizeRowBackward<1>(output + offset, length[row], outputGradient + offset, inputGradient + offset, width);
    }
}
MNR_KERNEL(normalize_backward)

// truncate_normalize_forward: output (rows, width) = the first columns of input (rows, inputWidth) / their length; length (rows) saved or null.
// grid: ceil(rows / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void truncate_normalize_forward(const float* input, float* length, float* output, int rows, int inputWidth, int width)
{
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows)
    {
        return;
    }
    const float* x = input + static_cast<long long>(row) * inputWidth;
    float* y = output + static_cast<long long>(row) * width;
    float* lengthOfRow = length == nullptr ? nullptr : length + row;
    if (inputWidth % 4 == 0 && width % 4 == 0)
    {
        normalizeRow<4>(x, lengthOfRow, y, width);
    }
    else
    {
        normalizeRow<1>(x, lengthOfRow, y, width);
    }
}
MNR_KERNEL(truncate_normalize_forward)

// truncate_normalize_backward: inputGradient (rows, inputWidth) overwritten, 0 behind the first columns, or in those added to.
// grid: ceil(rows / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void truncate_normalize_backward(
    const float* output, const float* length, const float* outputGradient, float* inputGradient, int rows, int inputWidth, int width, int add)
{
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows)
    {
        return;
    }
    const long long offset = static_cast<long long>(row) * width;
    float* dx = inputGradient + static_cast<long long>(row) * inputWidth;
    if (inputWidth % 4 == 0 && width % 4 == 0)
    {
        normalizeRowBackward<4>(output + offset, length[row], outputGradient + offset, dx, width, add != 0);
    }
    else
    {
        normalizeRowBackward<1>(output + offset, length[row], outputGradient + offset, dx, width, add != 0);
    }
    for (int column = width + threadIdx.x % WarpSize; column < inputWidth && !add; column += WarpSize)
    {
        dx[column] = 0;
    }
}
MNR_KERNEL(truncate_normalize_backward)
