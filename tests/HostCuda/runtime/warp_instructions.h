// Instructions that a warp's lanes execute together. Each lane hands in its part and waits; the last one to arrive computes everybody's
// result. What a lane reads from one that takes no part is undefined on a GPU, and here NaN.
#pragma once

#include "block.h"

#include <cstring>

namespace mnr_host
{
template <class Value>
struct ShuffleInput
{
    Value value;
    int argument;
    int width;
};

// Kinds of shuffle: the lane read by `lane`, before the check that it is in the same group of `width` lanes.
struct FromLane
{
    static constexpr const char* Name = "__shfl_sync";

    static int source(int lane, int argument, int width)
    {
        return (lane & ~(width - 1)) | (argument & (width - 1));
    }
};

struct FromXor
{
    static constexpr const char* Name = "__shfl_xor_sync";

    static int source(int lane, int argument, int width)
    {
        const int other = lane ^ argument;
        // Lanes of earlier groups can be read, those of later ones cannot.
        return other / width > lane / width ? lane : other;
    }
};

struct FromUp
{
    static constexpr const char* Name = "__shfl_up_sync";

    static int source(int lane, int argument, int width)
    {
        return lane % width < argument ? lane : lane - argument;
    }
};

struct FromDown
{
    static constexpr const char* Name = "__shfl_down_sync";

    static int source(int lane, int argument, int width)
    {
        return lane % width + argument >= width ? lane : lane + argument;
    }
};

template <class Value, class Kind>
Value shuffle(unsigned mask, Value value, int argument, int width)
{
    const ShuffleInput<Value> input = {value, argument, width};
    Value output;
    Collective call = {
        [](Collective* const(&calls)[LanesOfWarp], unsigned present)
        {
            for (unsigned rest = present; rest != 0; rest &= rest - 1)
            {
                const int lane = __builtin_ctz(rest);
                const auto& request = *static_cast<const ShuffleInput<Value>*>(calls[lane]->input);
                const int source = Kind::source(lane, request.argument, request.width);
                if (source >= 0 && source < static_cast<int>(LanesOfWarp) && (present >> source & 1u) != 0)
                {
                    std::memcpy(calls[lane]->output, &static_cast<const ShuffleInput<Value>*>(calls[source]->input)->value, sizeof(Value));
                }
                else
                {
                    std::memset(calls[lane]->output, 0xff, sizeof(Value));
                }
            }
        },
        mask, Kind::Name, &input, &output};
    currentBlock->collective(call);
    return output;
}

// A ballot: the mask of the lanes whose predicate is not zero.
unsigned ballot(unsigned mask, int predicate, const char* name);
void multiplyAccumulate(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
void loadMatrices(unsigned (&result)[4], const void* row, bool isTransposed);
void synchronizeWarp(unsigned mask);
void startCopy(void* shared, const void* global, unsigned bytes);
void commitCopies();
void waitForCopies(unsigned groupsLeft);
}

template <class Value>
inline Value __shfl_sync(unsigned mask, Value value, int lane, int width = 32)
{
    return mnr_host::shuffle<Value, mnr_host::FromLane>(mask, value, lane, width);
}

template <class Value>
inline Value __shfl_xor_sync(unsigned mask, Value value, int laneMask, int width = 32)
{
    return mnr_host::shuffle<Value, mnr_host::FromXor>(mask, value, laneMask, width);
}

template <class Value>
inline Value __shfl_up_sync(unsigned mask, Value value, unsigned delta, int width = 32)
{
    return mnr_host::shuffle<Value, mnr_host::FromUp>(mask, value, static_cast<int>(delta), width);
}

template <class Value>
inline Value __shfl_down_sync(unsigned mask, Value value, unsigned delta, int width = 32)
{
    return mnr_host::shuffle<Value, mnr_host::FromDown>(mask, value, static_cast<int>(delta), width);
}

inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    return mnr_host::ballot(mask, predicate, "__ballot_sync");
}

inline int __any_sync(unsigned mask, int predicate)
{
    return mnr_host::ballot(mask, predicate, "__any_sync") != 0;
}

inline int __all_sync(unsigned mask, int predicate)
{
    return mnr_host::ballot(mask, !predicate, "__all_sync") == 0;
}

inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    mnr_host::synchronizeWarp(mask);
}

// --- the twins of device.cuh's instructions ---

inline void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    mnr_host::multiplyAccumulate(d, a, b);
}

inline void ldmatrix_x4(unsigned (&r)[4], const void* row)
{
    mnr_host::loadMatrices(r, row, false);
}

inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row)
{
    mnr_host::loadMatrices(r, row, true);
}

inline void cp_async_16(void* shared, const void* global)
{
    mnr_host::startCopy(shared, global, 16);
}

inline void cp_async_commit()
{
    mnr_host::commitCopies();
}

template <int GroupsLeft>
inline void cp_async_wait()
{
    mnr_host::waitForCopies(GroupsLeft);
}
