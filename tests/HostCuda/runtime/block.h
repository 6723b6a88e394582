// One block of CUDA threads, each a fiber on a stack of its own. A fiber runs until it waits at a barrier or a warp collective, or
// ends; then the next one that can run is continued.
#pragma once

#include "fiber_switch.h"
#include "kernel_library.h"
#include "static_shared.h"

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mnr_host
{
constexpr unsigned LanesOfWarp = 32;
constexpr std::size_t StackBytes = 64 * 1024;
constexpr std::size_t StackGuardBytes = 4096;

struct Index3
{
    unsigned x, y, z;
};

// A lane's part in a warp collective. It lies on that lane's stack; the lane that arrives last fills in everybody's result.
struct Collective
{
    using Resolve = void (*)(Collective* const (&calls)[LanesOfWarp], unsigned mask);

    Resolve resolve;
    unsigned mask;
    const char* name;
    const void* input;
    void* output;
};

struct Fiber
{
    Context context;
    Index3 index;
    char* stack = nullptr;
};

struct Warp
{
    unsigned ready = 0;
    unsigned ended = 0;
    unsigned inCollective = 0;
    unsigned atBarrier = 0;
    Collective* calls[LanesOfWarp] = {};
};

// A copy from global to shared memory that has been started, but not waited for.
struct PendingCopy
{
    unsigned thread;
    unsigned group;
    void* target;
    const void* source;
    unsigned bytes;
};

class Block
{
public:
    // Runs all threads of block `index`; false when it failed, and `report` then says why.
    bool run(const MnrHostLaunch& launch, Index3 index, MnrHostReport& report);

    // --- for the kernels, on a fiber ---
    void barrier(int line);
    void collective(Collective& call);
    [[noreturn]] void fail(int status, const std::string& what);

    unsigned currentThread() const
    {
        return _current;
    }

    Index3 threadIndex() const
    {
        return _fibers[_current].index;
    }

    Index3 blockIndex, blockSize, gridSize;
    unsigned char* dynamicShared = nullptr;
    std::vector<PendingCopy> pendingCopies;
    std::vector<unsigned> copyGroups;

    // --- for the fault handler: whether an address lies in the guard below the running thread's stack ---
    bool isBelowStack(std::uintptr_t address) const;

private:
    std::string place() const;
    static void enter();
    void startThreads();
    void prepareShared(unsigned bytes, unsigned char fill);
    bool isSharedIntact(unsigned bytes) const;
    void yield();
    void end();
    bool pickNext();
    bool pickInWarp(unsigned warp, unsigned ready);
    void resolveIfComplete(Warp& warp, Collective& call);
    void releaseBarrierIfComplete();
    std::string describeDeadlock() const;

    const MnrHostLaunch* _launch = nullptr;
    MnrHostReport* _report = nullptr;
    std::vector<Fiber> _fibers;
    std::vector<Warp> _warps;
    StaticShared _staticShared;
    std::vector<unsigned char> _shared;
    std::mt19937_64 _random;
    Context _scheduler;
    unsigned _threads = 0;
    unsigned _current = 0;
    unsigned _live = 0;
    unsigned _waiting = 0;
    int _barrierLine = 0;
    bool _isFailed = false;
};

// The block that runs on this operating system thread.
extern thread_local Block* currentBlock;
}
