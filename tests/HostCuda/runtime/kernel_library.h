// What a library of host-compiled kernels offers to whoever launches them: the stand-in driver, or the replayer of recorded launches.
// Plain C structures, so that a library built with sanitizers and one without are used alike.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C"
{
// A kernel as MNR_KERNEL registered it.
struct MnrHostKernel
{
    const char* name;
    unsigned argumentCount;
    const unsigned* argumentSizes;
    const bool* argumentIsPointer;
    // Runs one thread; arguments as cuLaunchKernel takes them.
    void (*run)(void** arguments);
    const MnrHostKernel* next;
};

// In which order blocks, and the threads of a block between their barriers, run.
enum MnrHostOrder
{
    MnrHostForward = 0,
    MnrHostReverse = 1,
    MnrHostRandom = 2
};

struct MnrHostLaunch
{
    const MnrHostKernel* kernel;
    unsigned grid[3];
    unsigned block[3];
    unsigned sharedBytes;
    void** arguments;
    MnrHostOrder order;
    std::uint64_t seed;
    // Operating system threads to spread the blocks over, 0 for as many as there are cores.
    unsigned workers;
    // What shared memory is full of when a block begins.
    unsigned char fill;
};

// How a launch ended: a CUresult, and for anything but success a sentence with kernel, block and thread.
struct MnrHostReport
{
    int status;
    char message[1024];
};

// The kernels as a list; the hash of the sources they were compiled from; and the launcher, which returns when all blocks have run.
const MnrHostKernel* mnrHostKernels();
std::uint64_t mnrHostSourceHash();
void mnrHostRun(const MnrHostLaunch* launch, MnrHostReport* report);
}
