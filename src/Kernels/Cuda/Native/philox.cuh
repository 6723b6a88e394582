// Dropout masks by Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), as src/Kernels/Dropout.cs
// numbers them: key = seed, counter = (element / 4 as 64 bits, low word first; site; step), word number element % 4. An element is
// kept when its word is below (1 - probability) 2^32. Nothing is stored: backward draws the mask again.
//
// A kernel's dropout arguments are (const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale): the state is
// {seed low, seed high, step, unused} on the device or null for no dropout; keepBelow = min(ceil((1 - p) 2^32), 2^32 - 1) and
// keepScale = 1 / (1 - p), both computed in double from the float p, as the CPU implementation does.
#pragma once

#include "device.cuh"

struct DropoutMask
{
    unsigned seedLow, seedHigh, step, site, keepBelow;
    float keepScale;
    bool isActive;
};

__device__ __forceinline__ DropoutMask dropoutMask(const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale)
{
    DropoutMask mask = {0, 0, 0, site, keepBelow, keepScale, dropoutState != nullptr};
    if (mask.isActive)
    {
        mask.seedLow = dropoutState[0];
        mask.seedHigh = dropoutState[1];
        mask.step = dropoutState[2];
    }
    return mask;
}

// The words of the four elements 4 block .. 4 block + 3.
__device__ __forceinline__ void philoxWords(const DropoutMask& mask, unsigned long long block, unsigned (&words)[4])
{
    unsigned c0 = static_cast<unsigned>(block), c1 = static_cast<unsigned>(block >> 32), c2 = mask.site, c3 = mask.step;
    unsigned k0 = mask.seedLow, k1 = mask.seedHigh;
#pragma unroll
    for (int round = 0; round < 10; round++)
    {
        const unsigned long long first = 0xD2511F53ull * c0;
        const unsigned long long second = 0xCD9E8D57ull * c2;
        c0 = static_cast<unsigned>(second >> 32) ^ c1 ^ k0;
        c2 = static_cast<unsigned>(first >> 32) ^ c3 ^ k1;
        c1 = static_cast<unsigned>(second);
        c3 = static_cast<unsigned>(first);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

// What dropout multiplies one element by.
__device__ __forceinline__ float dropoutFactor(const DropoutMask& mask, unsigned long long element)
{
    if (!mask.isActive)
    {
        return 1.0f;
    }
    unsigned words[4];
    philoxWords(mask, element / 4, words);
    const unsigned index = static_cast<unsigned>(element % 4);
    const unsigned word = index == 0 ? words[0] : index == 1 ? words[1] : index == 2 ? words[2] : words[3];
    return word < mask.keepBelow ? mask.keepScale : 0.0f;
}

// Multiplies N neighbouring elements; with N > 1 the first one's number is a multiple of 4.
template <int N>
__device__ __forceinline__ void applyDropout(const DropoutMask& mask, unsigned long long element, float (&values)[N])
{
    if (!mask.isActive)
    {
        return;
    }
    if constexpr (N == 1)
    {
        values[0] *= dropoutFactor(mask, element);
    }
    else
    {
#pragma unroll
        for (int i = 0; i < N; i += 4)
        {
            unsigned words[4];
            philoxWords(mask, element / 4 + i / 4, words);
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                values[i + j] *= words[j] < mask.keepBelow ? mask.keepScale : 0.0f;
            }
        }
    }
}
