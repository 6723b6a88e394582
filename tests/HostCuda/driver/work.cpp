#include "work.h"

#include "state.h"

#include <algorithm>
#include <chrono>
#include <random>

namespace mnr_driver
{
double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int enqueue(Context& context, Stream& stream, Work work)
{
    if (stream.capture != nullptr)
    {
        Capture& capture = *stream.capture;
        if (capture.isInvalid)
        {
            return StreamCaptureInvalidated;
        }
        capture.graph.nodes.push_back({std::move(work), stream.captureTail});
        stream.captureTail = {capture.graph.nodes.size() - 1};
        return Success;
    }
    // The default stream waits for all others, but those that were made not to; a capture cannot be waited for.
    if (&stream == &context.defaultStream)
    {
        for (Stream* other : context.streams)
        {
            constexpr unsigned NonBlocking = 1;
            if (other->capture != nullptr && (other->flags & NonBlocking) == 0)
            {
                other->capture->isInvalid = true;
                return StreamCaptureImplicit;
            }
        }
    }
    enqueueOperation(context, stream, {std::move(work), nullptr, nullptr});
    return Success;
}

void enqueueOperation(Context& context, Stream& stream, Operation operation)
{
    constexpr unsigned NonBlocking = 1;
    if (&stream == &context.defaultStream)
    {
        for (Stream* other : context.streams)
        {
            if ((other->flags & NonBlocking) == 0)
            {
                drain(*other);
            }
        }
    }
    else if ((stream.flags & NonBlocking) == 0)
    {
        drain(context.defaultStream);
    }
    stream.queue.push_back(std::move(operation));
    if (!settings().isLate)
    {
        drain(stream);
    }
}

bool advance(Stream& stream)
{
    if (stream.queue.empty())
    {
        return false;
    }
    const Operation operation = std::move(stream.queue.front());
    stream.queue.pop_front();
    if (operation.waitsFor != nullptr && !operation.waitsFor->isDone && operation.waitsFor->stream != nullptr)
    {
        drain(*operation.waitsFor->stream, operation.waitsFor.get());
    }
    Context& context = *stream.context;
    if (operation.work.run != nullptr && context.stickyStatus == 0)
    {
        context.stickyStatus = operation.work.run();
    }
    if (operation.reaches != nullptr)
    {
        operation.reaches->isDone = true;
        operation.reaches->seconds = now();
    }
    return true;
}

void drain(Stream& stream, const Ticket* until)
{
    while ((until == nullptr || !until->isDone) && advance(stream))
    {
    }
}

void drainAll(Context& context)
{
    drain(context.defaultStream);
    for (Stream* stream : context.streams)
    {
        drain(*stream);
    }
}

bool invalidateCaptures()
{
    constexpr int ThreadLocal = 1, Relaxed = 2;
    bool isDisturbed = false;
    std::vector<std::weak_ptr<Capture>>& captures = state().captures;
    for (std::size_t i = captures.size(); i-- > 0;)
    {
        const std::shared_ptr<Capture> capture = captures[i].lock();
        if (capture == nullptr || capture->isEnded)
        {
            captures.erase(captures.begin() + static_cast<std::ptrdiff_t>(i));
        }
        else if (capture->mode != Relaxed && (capture->mode != ThreadLocal || capture->thread == std::this_thread::get_id()))
        {
            capture->isInvalid = true;
            isDisturbed = true;
        }
    }
    return isDisturbed;
}

void leaveCapture(Stream& stream)
{
    stream.capture = nullptr;
    stream.captureTail.clear();
}

int runGraph(const Graph& graph)
{
    // A GPU may run what does not depend on each other in any order, so the order of threads is the order of nodes too.
    const std::size_t count = graph.nodes.size();
    std::vector<bool> isDone(count, false);
    std::mt19937_64 random(settings().seed);
    for (std::size_t done = 0; done < count; done++)
    {
        std::vector<std::size_t> ready;
        for (std::size_t i = 0; i < count && (ready.empty() || settings().order != MnrHostForward); i++)
        {
            const std::vector<std::size_t>& before = graph.nodes[i].dependencies;
            if (!isDone[i] && std::all_of(before.begin(), before.end(), [&](std::size_t node) { return isDone[node]; }))
            {
                ready.push_back(i);
            }
        }
        const std::size_t next = settings().order == MnrHostForward   ? ready.front()
                                 : settings().order == MnrHostReverse ? ready.back()
                                                                      : ready[random() % ready.size()];
        const int status = graph.nodes[next].work.run();
        if (status != Success)
        {
            return status;
        }
        isDone[next] = true;
    }
    return Success;
}
}
