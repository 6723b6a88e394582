// Streams and their captures.
#include "host_interface.h"
#include "state.h"

#include <algorithm>
#include <set>

namespace mnr_driver
{
Stream* findStream(Context& context, void* handle)
{
    // CU_STREAM_LEGACY is 1.
    if (handle == nullptr || handle == reinterpret_cast<void*>(std::uintptr_t{1}))
    {
        return &context.defaultStream;
    }
    Stream* stream = static_cast<Stream*>(handle);
    return state().streams.count(stream) != 0 && stream->context == &context ? stream : nullptr;
}
}

using namespace mnr_driver;

namespace
{
int createStream(Stream** stream, unsigned flags, int priority)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            if (stream == nullptr || flags > 1)
            {
                return InvalidValue;
            }
            *stream = new Stream();
            (*stream)->context = &context;
            (*stream)->flags = flags;
            (*stream)->priority = priority;
            context.streams.insert(*stream);
            state().streams.insert(*stream);
            return Success;
        });
}

template <class Body>
int withStream(void* handle, Body body)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            Stream* stream = findStream(context, handle);
            return stream == nullptr ? static_cast<int>(InvalidHandle) : static_cast<int>(body(context, *stream));
        });
}

// Whether every node of a capture comes before the end of the stream that began it: other streams' work has been joined.
bool isJoined(const Capture& capture)
{
    std::set<std::size_t> reached;
    std::vector<std::size_t> next = capture.origin->captureTail;
    while (!next.empty())
    {
        const std::size_t node = next.back();
        next.pop_back();
        if (reached.insert(node).second)
        {
            const std::vector<std::size_t>& before = capture.graph.nodes[node].dependencies;
            next.insert(next.end(), before.begin(), before.end());
        }
    }
    return reached.size() == capture.graph.nodes.size();
}
}

extern "C"
{
int cuStreamCreate(Stream** stream, unsigned flags)
{
    return createStream(stream, flags, 0);
}

int cuStreamCreateWithPriority(Stream** stream, unsigned flags, int priority)
{
    return createStream(stream, flags, priority);
}

int cuStreamDestroy_v2(Stream* stream)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            if (stream == nullptr || findStream(context, stream) != stream)
            {
                return InvalidHandle;
            }
            drain(*stream);
            if (stream->capture != nullptr)
            {
                stream->capture->isInvalid = true;
                std::vector<Stream*>& streams = stream->capture->streams;
                streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
            }
            context.streams.erase(stream);
            state().streams.erase(stream);
            retire(stream);
            return Success;
        });
}

int cuStreamGetFlags(Stream* handle, unsigned* flags)
{
    return withStream(
        handle,
        [&](Context&, Stream& stream)
        {
            *flags = stream.flags;
            return Success;
        });
}

int cuStreamGetPriority(Stream* handle, int* priority)
{
    return withStream(
        handle,
        [&](Context&, Stream& stream)
        {
            *priority = stream.priority;
            return Success;
        });
}

int cuStreamSynchronize(Stream* handle)
{
    return withStream(
        handle,
        [](Context& context, Stream& stream)
        {
            if (stream.capture != nullptr)
            {
                stream.capture->isInvalid = true;
                return static_cast<int>(StreamCaptureUnsupported);
            }
            if (&stream == &context.defaultStream)
            {
                drainAll(context);
            }
            drain(stream);
            return context.stickyStatus;
        });
}

int cuStreamQuery(Stream* handle)
{
    return withStream(
        handle,
        [](Context& context, Stream& stream)
        {
            if (stream.capture != nullptr)
            {
                stream.capture->isInvalid = true;
                return static_cast<int>(StreamCaptureUnsupported);
            }
            // Time passes with every question.
            const bool isBusy = !stream.queue.empty();
            advance(stream);
            return context.stickyStatus != 0 ? context.stickyStatus : static_cast<int>(isBusy ? NotReady : Success);
        });
}

int cuStreamBeginCapture_v2(Stream* handle, int mode)
{
    return withStream(
        handle,
        [&](Context& context, Stream& stream)
        {
            if (&stream == &context.defaultStream)
            {
                return StreamCaptureUnsupported;
            }
            if (stream.capture != nullptr || mode < 0 || mode > 2)
            {
                return stream.capture != nullptr ? IllegalState : InvalidValue;
            }
            stream.capture = std::make_shared<Capture>();
            stream.captureTail.clear();
            stream.capture->origin = &stream;
            stream.capture->streams = {&stream};
            stream.capture->thread = std::this_thread::get_id();
            stream.capture->mode = mode;
            state().captures.push_back(stream.capture);
            return Success;
        });
}

int cuStreamEndCapture(Stream* handle, Graph** graph)
{
    return withStream(
        handle,
        [&](Context&, Stream& stream)
        {
            const std::shared_ptr<Capture> capture = stream.capture;
            if (capture == nullptr)
            {
                return IllegalState;
            }
            constexpr int Relaxed = 2;
            if (capture->mode != Relaxed && capture->thread != std::this_thread::get_id())
            {
                return StreamCaptureWrongThread;
            }
            if (capture->origin != &stream)
            {
                capture->isInvalid = true;
                return StreamCaptureUnmatched;
            }
            const bool isComplete = isJoined(*capture);
            for (Stream* other : std::vector<Stream*>(capture->streams))
            {
                leaveCapture(*other);
            }
            capture->isEnded = true;
            *graph = nullptr;
            if (capture->isInvalid || !isComplete)
            {
                return capture->isInvalid ? StreamCaptureInvalidated : StreamCaptureUnjoined;
            }
            *graph = new Graph(capture->graph);
            state().graphs.insert(*graph);
            return Success;
        });
}

int cuStreamIsCapturing(Stream* handle, int* status)
{
    return withStream(
        handle,
        [&](Context&, Stream& stream)
        {
            constexpr int None = 0, Active = 1, Invalidated = 2;
            *status = stream.capture == nullptr ? None : stream.capture->isInvalid ? Invalidated : Active;
            return Success;
        });
}

int cuThreadExchangeStreamCaptureMode(int* mode)
{
    static thread_local int current = 0;
    std::swap(*mode, current);
    return Success;
}

int cuLaunchHostFunc(Stream* handle, void (*function)(void*), void* data)
{
    return withStream(
        handle,
        [&](Context& context, Stream& stream)
        {
            return enqueue(
                context, stream,
                {NodeType::Host, "host function",
                 [=]
                 {
                     function(data);
                     return Success;
                 }});
        });
}

int mnrHostEnqueue(void* handle, const char* name, int (*run)(void*), void* data, void (*destroy)(void*))
{
    // Kept alive by the work, wherever it is kept.
    const std::shared_ptr<void> owner(data, destroy);
    return withStream(
        handle,
        [&](Context& context, Stream& stream) { return enqueue(context, stream, {NodeType::Kernel, name, [=] { return run(owner.get()); }}); });
}
}
