// The softmax classifier's loss (sentence-transformers' SoftmaxLoss behind its linear layer): cross-entropy of a few classes,
//
//   loss_i = log(sum over c of e^(z_ic)) - z_i,label;  dz = factor (softmax(z) - 1 at the label),  factor = weight / rows
//
// One warp a row: there are a handful of classes. The label's gradient is taken as minus the others' share, which loses nothing when
// the label's probability is nearly 1.
#pragma once

#include "device.cuh"

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
