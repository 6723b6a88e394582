// The softmax classifier's loss on pairs (u, v) of embeddings (sentence-transformers' SoftmaxLoss), fp32, cross-entropy of a few classes:
//
//   x = [u, v, |u - v|, u * v], as many of them as `features` says;  z = x W^T + b
//   loss_i = log(sum over c of e^(z_ic)) - z_i,label;  dz = factor (softmax(z) - 1 at the label),  factor = weight / rows
//   dW = dz^T x;  db = sum over rows of dz;  dx = dz W;  du = dx_u + sign(u - v) dx_difference + v dx_product, dv = dx_v - ... + u dx_product
//
// x is never written down: each kernel makes the features it needs from u and v, which with a handful of classes is cheaper than a
// product with x in memory, and needs no scratch but the logits. The label's gradient is taken as minus the others' share, which loses
// nothing when the label's probability is nearly 1. Sums over rows are in their order, and compensated: a class' bias is a single number, whose gradient
// is a sum of terms that cancel the better the classes are told apart.
#pragma once

#include "reductions.cuh"

constexpr int FeatureEmbeddings = 1;
constexpr int FeatureDifference = 2;
constexpr int FeatureProduct = 4;

// The places of the parts in x, in widths; a part that is not there has none to read.
struct FeatureParts
{
    int count, difference, product;
};

__device__ __forceinline__ FeatureParts featureParts(int features)
{
    FeatureParts parts;
    parts.difference = (features & FeatureEmbeddings) != 0 ? 2 : 0;
    parts.product = parts.difference + ((features & FeatureDifference) != 0 ? 1 : 0);
    parts.count = parts.product + ((features & FeatureProduct) != 0 ? 1 : 0);
    return parts;
}

// Feature number `index` of a pair.
__device__ __forceinline__ float pairFeature(const float* u, const float* v, const FeatureParts& parts, int index, int width)
{
    const int part = index / width;
    const int column = index - part * width;
    if (part < parts.difference)
    {
        return part == 0 ? u[column] : v[column];
    }
    return part < parts.product ? fabsf(u[column] - v[column]) : u[column] * v[column];
}

// classifier_logits: logits (pairs, classes) = x W^T + b. weight (classes, parts width), bias (classes).
// grid: (pairs, classes); block: a multiple of 32 to 1024, best 128; shared: 0
extern "C" __global__ void classifier_logits(
    const float* embeddings, const float* weight, const float* bias, float* logits, int pairs, int width, int classes, int features)
{
    __shared__ float scratch[MostWarps];
    const FeatureParts parts = featureParts(features);
    const int depth = parts.count * width;
    const float* u = embeddings + static_cast<long long>(blockIdx.x) * width;
    const float* v = u + static_cast<long long>(pairs) * width;
    const float* row = weight + static_cast<long long>(blockIdx.y) * depth;
    float sum = 0;
    for (int index = threadIdx.x; index < depth; index += blockDim.x)
    {
        sum = fmaf(pairFeature(u, v, parts, index, width), row[index], sum);
    }
    sum = blockSum(sum, scratch);
    if (threadIdx.x == 0)
    {
        logits[static_cast<long long>(blockIdx.x) * classes + blockIdx.y] = sum + bias[blockIdx.y];
    }
}
MNR_KERNEL(classifier_logits)

// classifier_backward_embeddings: embeddingsGradient (2 pairs, width) of logitsGradient (pairs, classes).
// grid: (pairs, ceil(width / threads)); block: best 128; shared: 0
extern "C" __global__ void classifier_backward_embeddings(
    const float* embeddings, const float* weight, const float* logitsGradient, float* embeddingsGradient, int pairs, int width, int classes,
    int features)
{
    const int column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width)
    {
        return;
    }
    const FeatureParts parts = featureParts(features);
    const float* gradient = logitsGradient + static_cast<long long>(blockIdx.x) * classes;
    float first = 0, second = 0, difference = 0, product = 0;
    for (int c = 0; c < classes; c++)
    {
        const float* row = weight + static_cast<long long>(c) * parts.count * width + column;
        const float dz = gradient[c];
        if (parts.difference != 0)
        {
            first = fmaf(dz, row[0], first);
            second = fmaf(dz, row[width], second);
        }
        if (parts.product != parts.difference)
        {
            difference = fmaf(dz, row[static_cast<long long>(parts.difference) * width], difference);
        }
        if (parts.count != parts.product)
        {
            product = fmaf(dz, row[static_cast<long long>(parts.product) * width], product);
        }
    }
    const long long place = static_cast<long long>(blockIdx.x) * width + column;
    const long long other = place + static_cast<long long>(pairs) * width;
    const float u = embeddings[place];
    const float v = embeddings[other];
    const float passed = u > v ? difference : u < v ? -difference : 0.0f;
    embeddingsGradient[place] = first + passed + product * v;
    embeddingsGradient[other] = second - passed + product * u;
}
MNR_KERNEL(classifier_backward_embeddings)

// classifier_backward_weights: weightGradient (classes, parts width) and biasGradient (classes), overwritten or added to.
// grid: (ceil((parts width + 1) / threads), classes); block: best 128; shared: 0. The column behind the last one is the bias'.
extern "C" __global__ void classifier_backward_weights(
    const float* embeddings, const float* logitsGradient, float* weightGradient, float* biasGradient, int pairs, int width, int classes,
    int features, int accumulate)
{
    const FeatureParts parts = featureParts(features);
    const int depth = parts.count * width;
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index > depth)
    {
        return;
    }
    CompensatedSum sum;
    for (int pair = 0; pair < pairs; pair++)
    {
        const float* u = embeddings + static_cast<long long>(pair) * width;
        const float* v = u + static_cast<long long>(pairs) * width;
        const float feature = index == depth ? 1.0f : pairFeature(u, v, parts, index, width);
        sum.add(logitsGradient[static_cast<long long>(pair) * classes + blockIdx.y] * feature);
    }
    float* target = index == depth ? biasGradient + blockIdx.y : weightGradient + static_cast<long long>(blockIdx.y) * depth + index;
    *target = static_cast<float>(sum.value() + (accumulate ? *target : 0.0f));
}
MNR_KERNEL(classifier_backward_weights)

// classifier_loss: logits (rows, classes) become their gradient in place; losses (rows) for reduce_loss.
// grid: ceil(rows / (threads / 32)); block: a multiple of 32, best 128; shared: 0
extern "C" __global__ void classifier_loss(float* logits, const int* labels, float weight, double* losses, int rows, int classes)
{
    const int lane = threadIdx.x % WarpSize;
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows)
    {
        return;
    }
    float* z = logits + static_cast<long long>(row) * classes;
    const int label = labels[row];
    const float labelLogit = z[label];
    float largest = labelLogit;
    for (int c = lane; c < classes; c += WarpSize)
    {
        largest = fmaxf(largest, z[c]);
    }
    largest = warpMax(largest);
    double others = 0;
    for (int c = lane; c < classes; c += WarpSize)
    {
        others += c == label ? 0.0 : exp(static_cast<double>(z[c]) - largest);
    }
    others = warpSum(others);
    const double total = others + exp(static_cast<double>(labelLogit) - largest);
    const double factor = static_cast<double>(weight) / rows;
    for (int c = lane; c < classes; c += WarpSize)
    {
        const double share = c == label ? -others / total : exp(static_cast<double>(z[c]) - largest) / total;
        z[c] = static_cast<float>(factor * share);
    }
    if (lane == 0)
    {
        losses[row] = static_cast<double>(largest) - labelLogit + log(total);
    }
}
MNR_KERNEL(classifier_loss)
