// Sums over rows in a fixed order. Kernels that sum columns over all rows (bias, LayerNorm and table gradients) first write one row of
// partial sums a block; reduce_partials adds those. Each of its warps adds a run of neighbouring partial rows in order, then the runs
// are added in order, so the result depends on the number of partial rows and nothing else. A sum that is one number (the gradient of a bias of one) may
// cancel to little, so nothing is lost in adding: each float that comes in is added exactly.
#pragma once

#include "vectors.cuh"

constexpr int ReductionWarps = 8;

// A sum of floats that keeps what rounding takes from it (Knuth's two-sum): as right as one in double, and as fast on GPUs that have few units for
// double. An infinite term makes it NaN.
struct CompensatedSum
{
    float sum = 0;
    float lost = 0;

    __device__ __forceinline__ void add(float value)
    {
        const float total = sum + value;
        const float added = total - sum;
        lost += (sum - (total - added)) + (value - added);
        sum = total;
    }

    __device__ __forceinline__ double value() const
    {
        return static_cast<double>(sum) + lost;
    }
};

// reduce_partials: output[c] = sum over i < count of partials[i][c], for up to three outputs of `width` columns side by side.
// grid: ceil(outputs * width / 32); block: 256; shared: 0
// partials (count, outputs * width); columns = outputs * width; output1, output2 null where there are fewer, or where one is not wanted.
extern "C" __global__ void reduce_partials(
    const float* partials, int count, int columns, int width, float* output0, float* output1, float* output2, int accumulate)
{
    __shared__ double sums[ReductionWarps][WarpSize];
    const int lane = threadIdx.x % WarpSize;
    const int warp = threadIdx.x / WarpSize;
    const int column = blockIdx.x * WarpSize + lane;
    const int run = (count + ReductionWarps - 1) / ReductionWarps;
    const int end = (warp + 1) * run < count ? (warp + 1) * run : count;
    CompensatedSum sum;
    if (column < columns)
    {
#pragma unroll 4
        for (int i = warp * run; i < end; i++)
        {
            sum.add(partials[static_cast<long long>(i) * columns + column]);
        }
    }
    sums[warp][lane] = sum.value();
    __syncthreads();
    if (warp == 0 && column < columns)
    {
        float* output = column < width ? output0 : column < 2 * width ? output1 : output2;
        if (output != nullptr)
        {
            float* target = output + column % width;
            double total = accumulate ? *target : 0.0f;
            for (int w = 0; w < ReductionWarps; w++)
            {
                total += sums[w][lane];
            }
            *target = static_cast<float>(total);
        }
    }
}
MNR_KERNEL(reduce_partials)
