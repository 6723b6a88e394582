// The stand-in driver's objects. All are touched under one lock: calls of several threads run one after another, kernels included.
#pragma once

#include "allocations.h"
#include "kernel_library.h"
#include "settings.h"
#include "statuses.h"
#include "work.h"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mnr_driver
{
struct Context;

// A stream: work that has been entered and not run yet, and the capture it is part of, if any.
struct Stream
{
    Context* context = nullptr;
    unsigned flags = 0;
    int priority = 0;
    std::deque<Operation> queue;
    std::shared_ptr<Capture> capture;
    std::vector<std::size_t> captureTail;
};

struct Event
{
    Context* context = nullptr;
    unsigned flags = 0;
    std::shared_ptr<Ticket> ticket;
    std::shared_ptr<Capture> capture;
    std::vector<std::size_t> captureTail;
};

struct Function
{
    struct Module* module = nullptr;
    const MnrHostKernel* kernel = nullptr;
    int maxDynamicShared = 48 * 1024;
    int sharedCarveout = -1;
};

struct Module
{
    Context* context = nullptr;
    void* library = nullptr;
    void (*run)(const MnrHostLaunch*, MnrHostReport*) = nullptr;
    std::string file;
    std::map<std::string, Function*> functions;
};

struct GraphExec
{
    Context* context = nullptr;
    Graph graph;
};

struct Context
{
    int device = 0;
    unsigned flags = 0;
    // The error after which nothing works any more, as on a GPU.
    int stickyStatus = 0;
    Stream defaultStream;
    std::unordered_set<Stream*> streams;
    Allocations allocations;
};

struct State
{
    std::recursive_mutex mutex;
    bool isInitialized = false;
    std::vector<Context*> primaryContexts;
    std::vector<unsigned> primaryReferences;
    std::unordered_set<Context*> contexts;
    std::unordered_set<Stream*> streams;
    std::unordered_set<Event*> events;
    std::unordered_set<Module*> modules;
    std::unordered_set<Function*> functions;
    std::unordered_set<Graph*> graphs;
    std::unordered_set<GraphExec*> graphExecs;
    std::map<std::uint64_t, std::size_t> pinned;
    std::vector<std::weak_ptr<Capture>> captures;
    std::uint64_t allocationCount = 0;
    std::uint64_t launchCount = 0;
    std::uint64_t graphCount = 0;
};

State& state();

// The calling thread's contexts, the current one last.
std::vector<Context*>& contextStack();

// Ends an object whose handle callers may still hold: what it owned goes, its address is never used again, so that the handle stays stale.
template <class Object>
void retire(Object* object)
{
    static std::vector<Object*>* retired = new std::vector<Object*>();
    object->~Object();
    retired->push_back(object);
}

enum class In
{
    // May be called while a stream is captured.
    AnyState,
    // May not, and makes the capture invalid.
    NoCapture
};

// A call that needs a context: runs `body(context)` under the lock when there is a usable one.
template <class Body>
int withContext(In in, Body body)
{
    std::lock_guard<std::recursive_mutex> lock(state().mutex);
    if (!state().isInitialized)
    {
        return NotInitialized;
    }
    if (contextStack().empty() || contextStack().back() == nullptr)
    {
        return InvalidContext;
    }
    Context* context = contextStack().back();
    if (state().contexts.count(context) == 0)
    {
        return ContextIsDestroyed;
    }
    if (context->stickyStatus != 0)
    {
        return context->stickyStatus;
    }
    if (in == In::NoCapture && invalidateCaptures())
    {
        return StreamCaptureUnsupported;
    }
    return body(*context);
}

// A call that needs none.
template <class Body>
int initialized(Body body)
{
    std::lock_guard<std::recursive_mutex> lock(state().mutex);
    return state().isInitialized ? static_cast<int>(body()) : static_cast<int>(NotInitialized);
}

// The stream behind a handle: 0 and 1 are the context's default stream; null for no stream.
Stream* findStream(Context& context, void* handle);
}
