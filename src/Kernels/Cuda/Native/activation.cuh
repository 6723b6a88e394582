// A linear layer's bias and activation function, element by element, around a matrix product made elsewhere:
//
//   forward   z = linear + bias;  y = f(z), z saved
//   backward  dz = dy f'(z) in place of dy;  db = sum over rows of dz
//
//   f = x | x P(x), P the normal distribution (GELU) | x (1 + tanh(a (x + c x^3))) / 2 | max(x, 0) | tanh x | 1 / (1 + e^-x)
//
// numbered as src/Kernels/Activation.cs. The function is chosen once at the top, so that the loops have no branch.
// Forward: a thread 16 bytes. Backward: a block takes 32 neighbouring packs of columns and a slab of rows; a thread keeps the sums of
// its columns in registers while it goes down its rows, the block adds its eight warps' sums in order: db costs no extra pass.
// db's partial sums, a row a slab, go to reduce_partials. Where columns are few, slabs are as low as the block's warps, so that no thread adds
// two rows in float.
#pragma once

#include "reductions.cuh"

struct Identity
{
    static __device__ __forceinline__ float value(float x)
    {
        return x;
    }

    static __device__ __forceinline__ float derivative(float)
    {
        return 1.0f;
    }
};

struct Gelu
{
    static __device__ __forceinline__ float distribution(float x)
    {
        return fmaf(0.5f, erff(x * 0.70710678f), 0.5f);
    }

    static __device__ __forceinline__ float value(float x)
    {
        return x * distribution(x);
    }

    static __device__ __forceinline__ float derivative(float x)
    {
        return fmaf(x, 0.39894228f * expf(-0.5f * x * x), distribution(x));
    }
};

struct GeluTanh
{
    static constexpr float A = 0.79788456f;
    static constexpr float C = 0.044715f;

    static __device__ __forceinline__ float hyperbolicTangent(float x)
    {
        return tanhf(x * fmaf(A * C, x * x, A));
    }

    static __device__ __forceinline__ float value(float x)
    {
        return fmaf(0.5f * x, hyperbolicTangent(x), 0.5f * x);
    }

    static __device__ __forceinline__ float derivative(float x)
    {
        const float t = hyperbolicTangent(x);
        return 0.5f * (1.0f + t) + 0.5f * x * ((1.0f - t) * (1.0f + t)) * fmaf(3.0f * A * C, x * x, A);
    }
};

struct Relu
{
    static __device__ __forceinline__ float value(float x)
    {
        return fmaxf(x, 0.0f);
    }

    static __device__ __forceinline__ float derivative(float x)
    {
        return x > 0.0f ? 1.0f : 0.0f;
    }
};

struct Tanh
{
    static __device__ __forceinline__ float value(float x)
    {
        return tanhf(x);
    }

    static __device__ __forceinline__ float derivative(float x)
    {
        const float t = tanhf(x);
        return (1.0f - t) * (1.0f + t);
    }
};

struct Sigmoid
{
    static __device__ __forceinline__ float value(float x)
    {
        return 1.0f / (1.0f + expf(-x));
    }

    static __device__ __forceinline__ float derivative(float x)
    {
        const float y = value(x);
        return y * (1.0f - y);
    }
};

template <class T, int N, class Function>
__device__ __forceinline__ void activationForward(
    const T* linear, const float* bias, T* preactivation, T* output, long long elements, int columns)
{
    const long long stride = static_cast<long long>(gridDim.x) * blockDim.x * N;
    for (long long i = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * N; i < elements; i += stride)
    {
        float z[N];
        load<N>(linear + i, z);
        if (bias != nullptr)
        {
            float b[N];
            load<N>(bias + i % columns, b);
#pragma unroll
            for (int j = 0; j < N; j++)
            {
                z[j] += b[j];
            }
        }
        if (preactivation != nullptr)
        {
            store<N>(z, preactivation + i);
        }
#pragma unroll
        for (int j = 0; j < N; j++)
        {
            z[j] = Function::value(z[j]);
        }
        store<N>(z, output + i);
    }
}

template <class T, class Function>
__device__ __forceinline__ void activationForward(const T* linear, const float* bias, T* preactivation, T* output, int rows, int columns)
{
    const long long elements = static_cast<long long>(rows) * columns;
    if (columns % PackOf<T> == 0)
    {
        activationForward<T, PackOf<T>, Function>(linear, bias, preactivation, output, elements, columns);
    }
    else
    {
        activationForward<T, 1, Function>(linear, bias, preactivation, output, elements, columns);
    }
}

// activation_forward: preactivation = linear + bias; output = f(preactivation).
// grid: any, best min(ceil(rows * columns / (256 * pack)), a few blocks a multiprocessor) with pack 4 (f32) or 8 (bf16); block: 256; shared: 0
// linear, preactivation and output may be the same; bias null for none; preactivation null when nothing has to be saved.
// With activation 0 and output = linear this is the addition of a bias.
template <class T>
__device__ __forceinline__ void activationForwardKernel(
    const T* linear, const float* bias, int activation, T* preactivation, T* output, int rows, int columns)
{
    switch (activation)
    {
        case 0:
            activationForward<T, Identity>(linear, bias, preactivation, output, rows, columns);
            break;
        case 1:
            activationForward<T, Gelu>(linear, bias, preactivation, output, rows, columns);
            break;
        case 2:
            activationForward<T, GeluTanh>(linear, bias, preactivation, output, rows, columns);
            break;
        case 3:
            activationForward<T, Relu>(linear, bias, preactivation, output, rows, columns);
            break;
        case 4:
            activationForward<T, Tanh>(linear, bias, preactivation, output, rows, columns);
            break;
        default:
            activationForward<T, Sigmoid>(linear, bias, preactivation, output, rows, columns);
            break;
    }
}

extern "C" __global__ void activation_forward_f32(
    const float* linear, const float* bias, int activation, float* preactivation, float* output, int rows, int columns)
{
    activationForwardKernel(linear, bias, activation, preactivation, output, rows, columns);
}
MNR_KERNEL(activation_forward_f32)

extern "C" __global__ void activation_forward_bf16(
    const bf16* linear, const float* bias, int activation, bf16* preactivation, bf16* output, int rows, int columns)
{
    activationForwardKernel(linear, bias, activation, preactivation, output, rows, columns);
}
MNR_KERNEL(activation_forward_bf16)

// The columns of a block: 32 packs of the narrower type.
constexpr int MostColumns = WarpSize * PackOf<bf16>;

template <class T, int N, bool IsColumnSum, class Function>
__device__ __forceinline__ void activationBackward(
    const T* preactivation, const T* given, T* written, float* partials, int rows, int columns, float (*sums)[MostColumns])
{
    const int lane = threadIdx.x % WarpSize;
    const int warp = threadIdx.x / WarpSize;
    const int firstColumn = blockIdx.x * WarpSize * N;
    const int column = firstColumn + lane * N;
    const int slab = (rows + gridDim.y - 1) / gridDim.y;
    const int end = static_cast<int>(blockIdx.y + 1) * slab < rows ? (blockIdx.y + 1) * slab : rows;
    float sum[N] = {};
    if (column < columns)
    {
        for (int row = blockIdx.y * slab + warp; row < end; row += ReductionWarps)
        {
            const long long offset = static_cast<long long>(row) * columns + column;
            float dz[N];
            load<N>(given + offset, dz);
            if constexpr (!IsColumnSum)
            {
                float z[N];
                load<N>(preactivation + offset, z);
#pragma unroll
                for (int i = 0; i < N; i++)
                {
                    dz[i] *= Function::derivative(z[i]);
                }
                store<N>(dz, written + offset);
            }
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                sum[i] += dz[i];
            }
        }
    }
    if (partials == nullptr)
    {
        return;
    }
    store<N>(sum, sums[warp] + lane * N);
    __syncthreads();
    for (int i = threadIdx.x; i < WarpSize * N && firstColumn + i < columns; i += blockDim.x)
    {
        double total = 0;
        for (int w = 0; w < ReductionWarps; w++)
        {
            total += sums[w][i];
        }
        partials[static_cast<long long>(blockIdx.y) * columns + firstColumn + i] = static_cast<float>(total);
    }
}

template <class T, class Function>
__device__ __forceinline__ void activationBackward(
    const T* preactivation, T* gradient, float* partials, int rows, int columns, float (*sums)[MostColumns])
{
    if (columns % PackOf<T> == 0)
    {
        activationBackward<T, PackOf<T>, false, Function>(preactivation, gradient, gradient, partials, rows, columns, sums);
    }
    else
    {
        activationBackward<T, 1, false, Function>(preactivation, gradient, gradient, partials, rows, columns, sums);
    }
}

// activation_backward: gradient dy becomes dz = dy f'(preactivation) in place; partials (slabs, columns) of db, or null.
// grid: (ceil(columns / (32 * pack)), slabs), pack 4 (f32) or 8 (bf16), 1 where columns is no multiple of that, slabs any, best so many
// that the grid fills the GPU; block: 256; shared: 0.   Then reduce_partials with count = slabs, width = columns.
template <class T>
__device__ __forceinline__ void activationBackwardKernel(
    const T* preactivation, int activation, T* gradient, float* partials, int rows, int columns)
{
    __shared__ __align__(16) float sums[ReductionWarps][MostColumns];
    switch (activation)
    {
        case 0:
            activationBackward<T, Identity>(preactivation, gradient, partials, rows, columns, sums);
            break;
        case 1:
            activationBackward<T, Gelu>(preactivation, gradient, partials, rows, columns, sums);
            break;
        case 2:
            activationBackward<T, GeluTanh>(preactivation, gradient, partials, rows, columns, sums);
            break;
        case 3:
            activationBackward<T, Relu>(preactivation, gradient, partials, rows, columns, sums);
            break;
        case 4:
            activationBackward<T, Tanh>(preactivation, gradient, partials, rows, columns, sums);
            break;
        default:
            activationBackward<T, Sigmoid>(preactivation, gradient, partials, rows, columns, sums);
            break;
    }
}

extern "C" __global__ void activation_backward_f32(
    const float* preactivation, int activation, float* gradient, float* partials, int rows, int columns)
{
    activationBackwardKernel(preactivation, activation, gradient, partials, rows, columns);
}
MNR_KERNEL(activation_backward_f32)

extern "C" __global__ void activation_backward_bf16(
    const bf16* preactivation, int activation, bf16* gradient, float* partials, int rows, int columns)
{
    activationBackwardKernel(preactivation, activation, gradient, partials, rows, columns);
}
MNR_KERNEL(activation_backward_bf16)

// column_sums: partials (slabs, columns) of the sums of a matrix's columns: the gradient of a bias without activation.
// grid: (ceil(columns / (32 * pack)), slabs), as activation_backward; block: 256; shared: 0.   Then reduce_partials.
template <class T>
__device__ __forceinline__ void columnSumsKernel(const T* matrix, float* partials, int rows, int columns)
{
    __shared__ __align__(16) float sums[ReductionWarps][MostColumns];
    const T* noPreactivation = nullptr;
    T* nothingWritten = nullptr;
    if (columns % PackOf<T> == 0)
    {
        activationBackward<T, PackOf<T>, true, Identity>(noPreactivation, matrix, nothingWritten, partials, rows, columns, sums);
    }
    else
    {
        activationBackward<T, 1, true, Identity>(noPreactivation, matrix, nothingWritten, partials, rows, columns, sums);
    }
}

extern "C" __global__ void column_sums_f32(const float* matrix, float* partials, int rows, int columns)
{
    columnSumsKernel(matrix, partials, rows, columns);
}
MNR_KERNEL(column_sums_f32)

extern "C" __global__ void column_sums_bf16(const bf16* matrix, float* partials, int rows, int columns)
{
    columnSumsKernel(matrix, partials, rows, columns);
}
MNR_KERNEL(column_sums_bf16)
