#include "block.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mnr_host
{
thread_local Block* currentBlock = nullptr;

namespace
{
constexpr int IllegalAddress = 700;
constexpr int LaunchFailed = 719;
constexpr std::size_t SharedGuardBytes = 64;
constexpr unsigned char SharedGuard = 0xff;

// A stack with a page below it that must not be touched.
char* allocateStack()
{
    void* memory = mmap(nullptr, StackBytes + StackGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
    {
        std::fprintf(stderr, "host-cuda: no memory for the stack of a thread\n");
        std::abort();
    }
    mprotect(memory, StackGuardBytes, PROT_NONE);
    return static_cast<char*>(memory) + StackGuardBytes;
}

std::string text(Index3 index)
{
    return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

unsigned lowest(unsigned bits)
{
    return static_cast<unsigned>(__builtin_ctz(bits));
}

unsigned highest(unsigned bits)
{
    return LanesOfWarp - 1 - static_cast<unsigned>(__builtin_clz(bits));
}
}

bool Block::run(const MnrHostLaunch& launch, Index3 index, MnrHostReport& report)
{
    _launch = &launch;
    _report = &report;
    _isFailed = false;
    blockIndex = index;
    blockSize = {launch.block[0], launch.block[1], launch.block[2]};
    gridSize = {launch.grid[0], launch.grid[1], launch.grid[2]};
    prepareShared(launch.sharedBytes, launch.fill);
    _staticShared.fill(launch.fill);
    currentBlock = this;
    startThreads();
    switchTo(_scheduler, _fibers[_current].context);
    currentBlock = nullptr;
    if (!_isFailed && !isSharedIntact(launch.sharedBytes))
    {
        _isFailed = true;
        report.status = IllegalAddress;
        std::snprintf(
            report.message, sizeof report.message, "kernel %s, block %s: something was written behind its %u bytes of dynamic shared memory",
            launch.kernel->name, text(index).c_str(), launch.sharedBytes);
    }
    return !_isFailed;
}

void Block::startThreads()
{
    _threads = blockSize.x * blockSize.y * blockSize.z;
    while (_fibers.size() < _threads)
    {
        _fibers.emplace_back();
        _fibers.back().stack = allocateStack();
    }
    _warps.assign((_threads + LanesOfWarp - 1) / LanesOfWarp, Warp());
    for (unsigned thread = 0; thread < _threads; thread++)
    {
        Fiber& fiber = _fibers[thread];
        fiber.index = {thread % blockSize.x, thread / blockSize.x % blockSize.y, thread / blockSize.x / blockSize.y};
        prepare(fiber.context, fiber.stack, StackBytes, &Block::enter);
        _warps[thread / LanesOfWarp].ready |= 1u << (thread % LanesOfWarp);
    }
    for (unsigned lane = _threads % LanesOfWarp; lane != 0 && lane < LanesOfWarp; lane++)
    {
        _warps.back().ended |= 1u << lane;
    }
    _live = _threads;
    _waiting = 0;
    pendingCopies.clear();
    copyGroups.assign(_threads, 0);
    if (_launch->order == MnrHostRandom)
    {
        std::seed_seq seed{
            static_cast<unsigned>(_launch->seed), static_cast<unsigned>(_launch->seed >> 32), blockIndex.x, blockIndex.y, blockIndex.z};
        _random.seed(seed);
    }
    _current = _launch->order == MnrHostReverse ? _threads - 1 : 0;
    if (_launch->order == MnrHostRandom)
    {
        pickNext();
    }
}

void Block::enter()
{
    Block& block = *currentBlock;
    arrived(&block._scheduler);
    block._launch->kernel->run(block._launch->arguments);
    block.end();
}

// Shared memory holds NaNs, or what else the launch says, when a block begins, so that reading what was never written shows.
void Block::prepareShared(unsigned bytes, unsigned char fill)
{
    constexpr std::size_t Alignment = 128;
    _shared.resize(bytes + SharedGuardBytes + Alignment);
    const std::size_t address = reinterpret_cast<std::size_t>(_shared.data());
    dynamicShared = _shared.data() + (Alignment - address % Alignment) % Alignment;
    std::memset(dynamicShared, fill, bytes);
    std::memset(dynamicShared + bytes, SharedGuard, SharedGuardBytes);
}

bool Block::isSharedIntact(unsigned bytes) const
{
    for (std::size_t i = 0; i < SharedGuardBytes; i++)
    {
        if (dynamicShared[bytes + i] != SharedGuard)
        {
            return false;
        }
    }
    return true;
}

void Block::barrier(int line)
{
    if (_waiting != 0 && _barrierLine != line)
    {
        fail(
            LaunchFailed, "waits at the barrier of line " + std::to_string(line) + " while others wait at that of line " +
                              std::to_string(_barrierLine));
    }
    _barrierLine = line;
    const unsigned bit = 1u << (_current % LanesOfWarp);
    Warp& warp = _warps[_current / LanesOfWarp];
    warp.ready &= ~bit;
    warp.atBarrier |= bit;
    _waiting++;
    releaseBarrierIfComplete();
    if ((warp.ready & bit) == 0)
    {
        yield();
    }
}

void Block::releaseBarrierIfComplete()
{
    if (_waiting == 0 || _waiting != _live)
    {
        return;
    }
    _waiting = 0;
    for (Warp& warp : _warps)
    {
        warp.ready |= warp.atBarrier;
        warp.atBarrier = 0;
    }
}

void Block::collective(Collective& call)
{
    const unsigned lane = _current % LanesOfWarp;
    const unsigned bit = 1u << lane;
    Warp& warp = _warps[_current / LanesOfWarp];
    if ((call.mask & bit) == 0)
    {
        fail(LaunchFailed, std::string("calls ") + call.name + " with a mask that it is not in itself");
    }
    warp.calls[lane] = &call;
    warp.inCollective |= bit;
    warp.ready &= ~bit;
    resolveIfComplete(warp, call);
    if ((warp.ready & bit) == 0)
    {
        yield();
    }
}

void Block::resolveIfComplete(Warp& warp, Collective& call)
{
    const unsigned expected = call.mask & ~warp.ended;
    if ((warp.inCollective & expected) != expected)
    {
        return;
    }
    for (unsigned rest = expected; rest != 0; rest &= rest - 1)
    {
        const Collective& other = *warp.calls[lowest(rest)];
        if (other.resolve != call.resolve || other.mask != call.mask)
        {
            fail(LaunchFailed, std::string("is in ") + call.name + " while another lane of its mask is in " + other.name + ", or in it with another mask");
        }
    }
    call.resolve(warp.calls, expected);
    warp.inCollective &= ~expected;
    warp.ready |= expected;
}

void Block::end()
{
    const unsigned bit = 1u << (_current % LanesOfWarp);
    Warp& warp = _warps[_current / LanesOfWarp];
    warp.ready &= ~bit;
    warp.ended |= bit;
    _live--;
    releaseBarrierIfComplete();
    for (unsigned rest = warp.inCollective; rest != 0; rest &= rest - 1)
    {
        const unsigned lane = lowest(rest);
        if ((warp.inCollective >> lane & 1u) != 0)
        {
            resolveIfComplete(warp, *warp.calls[lane]);
        }
    }
    const unsigned ending = _current;
    if (pickNext())
    {
        switchTo(_fibers[ending].context, _fibers[_current].context, true);
    }
    if (_live != 0)
    {
        fail(LaunchFailed, describeDeadlock());
    }
    switchTo(_fibers[ending].context, _scheduler, true);
    std::abort();
}

void Block::yield()
{
    const unsigned waiting = _current;
    if (!pickNext())
    {
        fail(LaunchFailed, describeDeadlock());
    }
    if (_current != waiting)
    {
        switchTo(_fibers[waiting].context, _fibers[_current].context);
    }
}

// The next thread that can run: in forward order the next higher lane of the warp, or the next warp's lowest, and around.
bool Block::pickNext()
{
    const unsigned warps = static_cast<unsigned>(_warps.size());
    const unsigned warp = _current / LanesOfWarp;
    const unsigned lane = _current % LanesOfWarp;
    if (_launch->order == MnrHostRandom)
    {
        const std::uint64_t draw = _random();
        const unsigned first = static_cast<unsigned>(draw % warps);
        const unsigned turn = static_cast<unsigned>(draw >> 32) % LanesOfWarp;
        for (unsigned i = 0; i < warps; i++)
        {
            const unsigned other = (first + i) % warps;
            const unsigned ready = _warps[other].ready;
            if (ready != 0)
            {
                const unsigned turned = turn == 0 ? ready : ready >> turn | ready << (LanesOfWarp - turn);
                _current = other * LanesOfWarp + (lowest(turned) + turn) % LanesOfWarp;
                return true;
            }
        }
        return false;
    }
    const bool isForward = _launch->order == MnrHostForward;
    const unsigned above = lane == LanesOfWarp - 1 ? 0 : ~0u << (lane + 1);
    const unsigned below = (1u << lane) - 1;
    if (pickInWarp(warp, _warps[warp].ready & (isForward ? above : below)) || pickInWarp(warp, _warps[warp].ready))
    {
        return true;
    }
    for (unsigned i = 1; i < warps; i++)
    {
        const unsigned other = isForward ? (warp + i) % warps : (warp + warps - i) % warps;
        if (pickInWarp(other, _warps[other].ready))
        {
            return true;
        }
    }
    return false;
}

bool Block::pickInWarp(unsigned warp, unsigned ready)
{
    if (ready == 0)
    {
        return false;
    }
    _current = warp * LanesOfWarp + (_launch->order == MnrHostForward ? lowest(ready) : highest(ready));
    return true;
}

bool Block::isBelowStack(std::uintptr_t address) const
{
    const std::uintptr_t bottom = reinterpret_cast<std::uintptr_t>(_fibers[_current].stack);
    return address < bottom && address >= bottom - StackGuardBytes;
}

std::string Block::place() const
{
    return std::string("kernel ") + _launch->kernel->name + ", block " + text(blockIndex) + ", thread " + text(threadIndex());
}

void Block::fail(int status, const std::string& what)
{
    _isFailed = true;
    _report->status = status;
    std::snprintf(_report->message, sizeof _report->message, "%s %s", place().c_str(), what.c_str());
    switchTo(_fibers[_current].context, _scheduler, true);
    std::abort();
}

std::string Block::describeDeadlock() const
{
    unsigned inCollective = 0;
    std::string names;
    for (const Warp& warp : _warps)
    {
        for (unsigned rest = warp.inCollective; rest != 0; rest &= rest - 1)
        {
            const std::string name = warp.calls[lowest(rest)]->name;
            inCollective++;
            if (names.find(name) == std::string::npos)
            {
                names += (names.empty() ? "" : ", ") + name;
            }
        }
    }
    std::string what = "is in a deadlock: of " + std::to_string(_threads) + " threads " + std::to_string(_threads - _live) + " have ended, " +
                       std::to_string(_waiting) + " wait at the barrier";
    what += _waiting == 0 ? "" : " of line " + std::to_string(_barrierLine);
    what += ", " + std::to_string(inCollective) + " in warp collectives";
    return what + (names.empty() ? "" : " (" + names + ")");
}
}
