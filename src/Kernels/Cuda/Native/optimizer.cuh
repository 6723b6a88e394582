// Clipping and the optimizer, over flat fp32 arrays of all parameters.
//
//   norm = sqrt(sum of squares); factor = min(1, maximum / (norm + 1e-6))            (torch's clip_grad_norm_)
//   g = factor * gradient (+ decay * p for Adam);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   p = p (1 - rate * decay for AdamW) - stepSize * m / (sqrt(v) * inverseRootCorrection + epsilon)
//
// Both are bound by memory. The norm: one block sums NormBlock neighbouring elements, whatever the GPU, in fp32 within a thread (256
// squares) and in double beyond; one block then adds the blocks' sums in order. Since a block belongs to a place and not to a
// multiprocessor, slices of the gradients may be summed as backward completes them.
// Adam: one pass, four elements a thread: 16 bytes read, 12 written an element, 2 more for the bf16 copy of the weights that the next
// forward pass multiplies with. Rates and clip factor come from device memory, so that a recorded step can be replayed.
#pragma once

#include "vectors.cuh"

constexpr int NormBlock = 65536;
constexpr int NormThreads = 256;
constexpr int DecayBlock = 64;

// square_sums: sums[i] = sum of squares of elements i * 65536 .. (i + 1) * 65536 - 1.
// grid: ceil(count / 65536); block: 256; shared: 0. gradients 16-byte aligned.
extern "C" __global__ void square_sums(const float* gradients, long long count, double* sums)
{
    __shared__ double scratch[MostWarps];
    const long long first = static_cast<long long>(blockIdx.x) * NormBlock;
    const long long end = first + NormBlock < count ? first + NormBlock : count;
    const long long whole = first + (end - first) / 4 * 4;
    float sum[4] = {};
    for (long long i = first + 4 * threadIdx.x; i < whole; i += 4 * NormThreads)
    {
        float g[4];
        load<4>(gradients + i, g);
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            sum[j] = fmaf(g[j], g[j], sum[j]);
        }
    }
    if (whole + threadIdx.x < end)
    {
        const float g = gradients[whole + threadIdx.x];
        sum[0] = fmaf(g, g, sum[0]);
    }
    const double total = blockSum((static_cast<double>(sum[0]) + sum[1]) + (static_cast<double>(sum[2]) + sum[3]), scratch);
    if (threadIdx.x == 0)
    {
        sums[blockIdx.x] = total;
    }
}
MNR_KERNEL(square_sums)

// clip_factor: norm and factor from the blocks' sums. maximum infinite: factor 1.
// grid: 1; block: 256; shared: 0
extern "C" __global__ void clip_factor(const double* sums, int blocks, float maximum, float* norm, float* factor)
{
    __shared__ double scratch[MostWarps];
    double sum = 0;
    for (int i = threadIdx.x; i < blocks; i += NormThreads)
    {
        sum += sums[i];
    }
    const double root = sqrt(blockSum(sum, scratch));
    if (threadIdx.x == 0)
    {
        const double limit = maximum / (root + 1e-6);
        *norm = static_cast<float>(root);
        // NaN stays NaN, so that it shows in the weights rather than as a gradient too large by chance.
        *factor = maximum < infinity() ? static_cast<float>(limit < 1.0 || root != root ? limit : 1.0) : 1.0f;
    }
}
MNR_KERNEL(clip_factor)

// adam: one step over count elements (a multiple of 64).
// grid: ceil(count / 1024), or fewer; block: 256; shared: 0
// blockDecay (count / 64); rates {rate, stepSize, inverseRootCorrection}; rest1 = 1 - beta1 and rest2 = 1 - beta2 rounded from double;
// isDecoupled 1 for AdamW, 0 for Adam; copy: the weights as bf16, or null.
extern "C" __global__ void adam(
    float* weights, const float* gradients, float* firstMoments, float* secondMoments, const float* blockDecay, const float* rates,
    const float* clipFactor, float beta1, float rest1, float beta2, float rest2, float epsilon, int isDecoupled, bf16* copy, long long count)
{
    const float rate = rates[0];
    const float stepSize = rates[1];
    const float correction = rates[2];
    const float clip = *clipFactor;
    const long long stride = 4ll * gridDim.x * blockDim.x;
    for (long long i = 4 * (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x); i < count; i += stride)
    {
        const float decay = blockDecay[i / DecayBlock];
        const float shrink = isDecoupled ? static_cast<float>(1.0 - static_cast<double>(rate) * decay) : 1.0f;
        const float addedDecay = isDecoupled ? 0.0f : decay;
        float w[4], g[4], m[4], v[4];
        load<4>(weights + i, w);
        load<4>(gradients + i, g);
        load<4>(firstMoments + i, m);
        load<4>(secondMoments + i, v);
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            g[j] = fmaf(addedDecay, w[j], g[j] * clip);
            m[j] = fmaf(beta1, m[j], rest1 * g[j]);
            v[j] = fmaf(beta2, v[j], rest2 * g[j] * g[j]);
            w[j] = w[j] * shrink - stepSize * m[j] / fmaf(sqrtf(v[j]), correction, epsilon);
        }
        store<4>(m, firstMoments + i);
        store<4>(v, secondMoments + i);
        store<4>(w, weights + i);
        if (copy != nullptr)
        {
            store<4>(w, copy + i);
        }
    }
}
MNR_KERNEL(adam)
