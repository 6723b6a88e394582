#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace mnr_cublaslt
{
namespace
{
class Team
{
public:
    static Team& instance()
    {
        // Never destroyed: its threads wait on its members until the process is gone.
        static Team* team = new Team();
        return *team;
    }

    void run(std::size_t count, const std::function<void(std::size_t)>& body)
    {
        std::lock_guard<std::mutex> oneLoop(_loops);
        std::unique_lock<std::mutex> lock(_mutex);
        _body = &body;
        _count = count;
        _next = 0;
        _running = _helpers;
        _generation++;
        _begin.notify_all();
        lock.unlock();
        take();
        lock.lock();
        _end.wait(lock, [this] { return _running == 0; });
    }

private:
    Team()
    {
        const char* wanted = std::getenv("MNR_HOST_THREADS");
        const unsigned given = wanted == nullptr ? 0 : static_cast<unsigned>(std::atoi(wanted));
        _helpers = (given != 0 ? given : std::max(1u, std::thread::hardware_concurrency())) - 1;
        // Signals are for the process's own threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (unsigned i = 0; i < _helpers; i++)
        {
            std::thread(&Team::help, this).detach();
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void help()
    {
        std::uint64_t done = 0;
        for (;;)
        {
            std::unique_lock<std::mutex> lock(_mutex);
            _begin.wait(lock, [&] { return _generation != done; });
            done = _generation;
            lock.unlock();
            take();
            lock.lock();
            if (--_running == 0)
            {
                _end.notify_one();
            }
        }
    }

    void take()
    {
        for (std::size_t i = _next++; i < _count; i = _next++)
        {
            (*_body)(i);
        }
    }

    std::mutex _loops, _mutex;
    std::condition_variable _begin, _end;
    const std::function<void(std::size_t)>* _body = nullptr;
    std::size_t _count = 0;
    std::atomic<std::size_t> _next{0};
    std::uint64_t _generation = 0;
    unsigned _helpers = 0, _running = 0;
};
}

void parallelFor(std::size_t count, const std::function<void(std::size_t)>& body)
{
    if (count == 1)
    {
        body(0);
        return;
    }
    Team::instance().run(count, body);
}
}
