#include "warp_instructions.h"

#include <algorithm>
#include <string>

namespace mnr_host
{
namespace
{
constexpr int MisalignedAddress = 716;
constexpr int LaunchFailed = 719;
constexpr unsigned AllLanes = 0xffffffffu;

float upperHalf(unsigned pair)
{
    return __builtin_bit_cast(float, pair & 0xffff0000u);
}

float lowerHalf(unsigned pair)
{
    return __builtin_bit_cast(float, pair << 16);
}

void requireAllLanes(unsigned present, const char* name)
{
    if (present != AllLanes)
    {
        currentBlock->fail(LaunchFailed, std::string("executes ") + name + " in a warp of which some lanes have ended");
    }
}

struct Fragments
{
    const unsigned* a;
    const unsigned* b;
};

// d += a b for the whole warp: with g = lane / 4 and t = lane % 4, as device.cuh says where each lane's numbers belong.
void resolveMultiply(Collective* const (&calls)[LanesOfWarp], unsigned present)
{
    requireAllLanes(present, "mma.sync");
    float a[16][16], b[16][8];
    for (unsigned lane = 0; lane < LanesOfWarp; lane++)
    {
        const Fragments& part = *static_cast<const Fragments*>(calls[lane]->input);
        const unsigned g = lane / 4, t = lane % 4;
        for (unsigned i = 0; i < 4; i++)
        {
            float* row = a[g + i % 2 * 8] + 2 * t + i / 2 * 8;
            row[0] = lowerHalf(part.a[i]);
            row[1] = upperHalf(part.a[i]);
        }
        for (unsigned i = 0; i < 2; i++)
        {
            b[2 * t + 8 * i][g] = lowerHalf(part.b[i]);
            b[2 * t + 8 * i + 1][g] = upperHalf(part.b[i]);
        }
    }
    for (unsigned lane = 0; lane < LanesOfWarp; lane++)
    {
        float* d = static_cast<float*>(calls[lane]->output);
        for (unsigned i = 0; i < 4; i++)
        {
            const unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            for (unsigned k = 0; k < 16; k++)
            {
                d[i] += a[row][k] * b[k][column];
            }
        }
    }
}

template <bool IsTransposed>
void resolveLoad(Collective* const (&calls)[LanesOfWarp], unsigned present)
{
    requireAllLanes(present, "ldmatrix");
    for (unsigned lane = 0; lane < LanesOfWarp; lane++)
    {
        unsigned* result = static_cast<unsigned*>(calls[lane]->output);
        const unsigned g = lane / 4, t = lane % 4;
        for (unsigned matrix = 0; matrix < 4; matrix++)
        {
            const auto element = [&](unsigned row, unsigned column)
            { return unsigned{static_cast<const std::uint16_t*>(calls[8 * matrix + row]->input)[column]}; };
            result[matrix] = IsTransposed ? element(2 * t, g) | element(2 * t + 1, g) << 16 : element(g, 2 * t) | element(g, 2 * t + 1) << 16;
        }
    }
}

void checkAligned(const void* address, unsigned bytes, const char* name)
{
    if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0)
    {
        currentBlock->fail(MisalignedAddress, std::string("hands ") + name + " an address that is no multiple of " + std::to_string(bytes));
    }
}
}

unsigned ballot(unsigned mask, int predicate, const char* name)
{
    unsigned result = 0;
    Collective call = {
        [](Collective* const(&calls)[LanesOfWarp], unsigned present)
        {
            unsigned votes = 0;
            for (unsigned rest = present; rest != 0; rest &= rest - 1)
            {
                const int lane = __builtin_ctz(rest);
                votes |= *static_cast<const int*>(calls[lane]->input) != 0 ? 1u << lane : 0u;
            }
            for (unsigned rest = present; rest != 0; rest &= rest - 1)
            {
                *static_cast<unsigned*>(calls[__builtin_ctz(rest)]->output) = votes;
            }
        },
        mask, name, &predicate, &result};
    currentBlock->collective(call);
    return result;
}

void synchronizeWarp(unsigned mask)
{
    Collective call = {[](Collective* const(&)[LanesOfWarp], unsigned) {}, mask, "__syncwarp", nullptr, nullptr};
    currentBlock->collective(call);
}

void multiplyAccumulate(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    const Fragments part = {a, b};
    Collective call = {&resolveMultiply, AllLanes, "mma.sync", &part, d};
    currentBlock->collective(call);
}

void loadMatrices(unsigned (&result)[4], const void* row, bool isTransposed)
{
    checkAligned(row, 16, "ldmatrix");
    Collective call = {isTransposed ? &resolveLoad<true> : &resolveLoad<false>, AllLanes, "ldmatrix", row, result};
    currentBlock->collective(call);
}

// A copy that has been started takes place when it is waited for, and not before: reading too early finds what was there.
void startCopy(void* shared, const void* global, unsigned bytes)
{
    checkAligned(shared, bytes, "cp.async");
    checkAligned(global, bytes, "cp.async");
    Block& block = *currentBlock;
    block.pendingCopies.push_back({block.currentThread(), block.copyGroups[block.currentThread()], shared, global, bytes});
}

void commitCopies()
{
    currentBlock->copyGroups[currentBlock->currentThread()]++;
}

void waitForCopies(unsigned groupsLeft)
{
    Block& block = *currentBlock;
    const unsigned thread = block.currentThread();
    const unsigned groups = block.copyGroups[thread];
    const auto isDue = [&](const PendingCopy& copy) { return copy.thread == thread && copy.group + groupsLeft < groups; };
    for (const PendingCopy& copy : block.pendingCopies)
    {
        if (isDue(copy))
        {
            std::memcpy(copy.target, copy.source, copy.bytes);
        }
    }
    block.pendingCopies.erase(std::remove_if(block.pendingCopies.begin(), block.pendingCopies.end(), isDue), block.pendingCopies.end());
}
}
