// A launch: its blocks in the order asked for, spread over operating system threads.
#include "block.h"
#include "faults.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <numeric>
#include <thread>

namespace mnr_host
{
namespace
{
// Threads that only run blocks. They belong to nobody else's runtime (a signal that .NET sends its threads never meets a fiber's small
// stack), and stay until the process ends.
class Workers
{
public:
    static Workers& instance()
    {
        // Never destroyed: workers wait on its members until the process is gone.
        static Workers* workers = new Workers();
        return *workers;
    }

    void run(const MnrHostLaunch& launch, MnrHostReport& report)
    {
        std::lock_guard<std::mutex> oneLaunch(_launches);
        installFaultHandler();
        const std::uint64_t blocks = std::uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
        const unsigned wanted = launch.workers != 0 ? launch.workers : std::max(1u, std::thread::hardware_concurrency());
        const unsigned count = static_cast<unsigned>(std::min<std::uint64_t>(wanted, blocks));
        prepareOrder(launch, blocks);
        std::unique_lock<std::mutex> lock(_mutex);
        _launch = &launch;
        _report = &report;
        _nextBlock = 0;
        _blocks = blocks;
        _isFailed = false;
        while (_threads < count)
        {
            start(_threads++);
        }
        _wanted = count;
        _running = count;
        _generation++;
        _begin.notify_all();
        _end.wait(lock, [this] { return _running == 0; });
    }

private:
    void start(unsigned number)
    {
        // Signals meant for the process are handled by its own threads; faults arise where they arise.
        sigset_t blocked, before;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        {
            sigdelset(&blocked, fault);
        }
        pthread_sigmask(SIG_SETMASK, &blocked, &before);
        std::thread(&Workers::work, this, number).detach();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void work(unsigned number)
    {
        catchFaultsOfThisThread();
        Block block;
        std::uint64_t done = 0;
        for (;;)
        {
            std::unique_lock<std::mutex> lock(_mutex);
            _begin.wait(lock, [&] { return _generation != done; });
            done = _generation;
            if (number >= _wanted)
            {
                continue;
            }
            const MnrHostLaunch& launch = *_launch;
            lock.unlock();
            runBlocks(block, launch);
            lock.lock();
            if (--_running == 0)
            {
                _end.notify_one();
            }
        }
    }

    void runBlocks(Block& block, const MnrHostLaunch& launch)
    {
        while (!_isFailed)
        {
            const std::uint64_t turn = _nextBlock++;
            if (turn >= _blocks)
            {
                return;
            }
            const std::uint64_t number = launch.order == MnrHostForward   ? turn
                                         : launch.order == MnrHostReverse ? _blocks - 1 - turn
                                                                          : _shuffled[turn];
            const Index3 index = {
                static_cast<unsigned>(number % launch.grid[0]), static_cast<unsigned>(number / launch.grid[0] % launch.grid[1]),
                static_cast<unsigned>(number / launch.grid[0] / launch.grid[1])};
            MnrHostReport report = {};
            if (!block.run(launch, index, report))
            {
                std::lock_guard<std::mutex> lock(_mutex);
                // The first of several failures is the one that is told.
                *_report = _isFailed ? *_report : report;
                _isFailed = true;
            }
        }
    }

    void prepareOrder(const MnrHostLaunch& launch, std::uint64_t blocks)
    {
        if (launch.order == MnrHostRandom)
        {
            _shuffled.resize(blocks);
            std::iota(_shuffled.begin(), _shuffled.end(), 0u);
            std::mt19937_64 random(launch.seed);
            std::shuffle(_shuffled.begin(), _shuffled.end(), random);
        }
    }

    std::mutex _launches, _mutex;
    std::condition_variable _begin, _end;
    const MnrHostLaunch* _launch = nullptr;
    MnrHostReport* _report = nullptr;
    std::vector<std::uint32_t> _shuffled;
    std::atomic<std::uint64_t> _nextBlock{0};
    std::atomic<bool> _isFailed{false};
    std::uint64_t _blocks = 0, _generation = 0;
    unsigned _threads = 0, _wanted = 0, _running = 0;
};
}
}

extern "C" void mnrHostRun(const MnrHostLaunch* launch, MnrHostReport* report)
{
    std::memset(report, 0, sizeof *report);
    mnr_host::Workers::instance().run(*launch, *report);
}
