// Events.
#include "state.h"

#include <algorithm>

using namespace mnr_driver;

namespace
{
constexpr unsigned DisableTiming = 2;

template <class Body>
int withEvent(Event* event, Body body)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        { return state().events.count(event) == 0 ? static_cast<int>(InvalidHandle) : static_cast<int>(body(context, *event)); });
}

int record(Context& context, Event& event, void* handle)
{
    Stream* stream = findStream(context, handle);
    if (stream == nullptr)
    {
        return InvalidHandle;
    }
    if (stream->capture != nullptr)
    {
        if (stream->capture->isInvalid)
        {
            return StreamCaptureInvalidated;
        }
        event.capture = stream->capture;
        event.captureTail = stream->captureTail;
        event.ticket = nullptr;
        return Success;
    }
    event.capture = nullptr;
    event.ticket = std::make_shared<Ticket>();
    event.ticket->stream = stream;
    enqueueOperation(context, *stream, {Work(), nullptr, event.ticket});
    return Success;
}

int wait(Context& context, Stream& stream, const Event& event)
{
    if (event.capture != nullptr && !event.capture->isEnded)
    {
        if (stream.capture != nullptr && stream.capture != event.capture)
        {
            stream.capture->isInvalid = true;
            event.capture->isInvalid = true;
            return StreamCaptureMerge;
        }
        if (event.capture->isInvalid)
        {
            return StreamCaptureInvalidated;
        }
        if (stream.capture == nullptr)
        {
            if (&stream == &context.defaultStream)
            {
                event.capture->isInvalid = true;
                return StreamCaptureImplicit;
            }
            stream.capture = event.capture;
            stream.capture->streams.push_back(&stream);
            stream.captureTail.clear();
        }
        for (const std::size_t node : event.captureTail)
        {
            if (std::find(stream.captureTail.begin(), stream.captureTail.end(), node) == stream.captureTail.end())
            {
                stream.captureTail.push_back(node);
            }
        }
        return Success;
    }
    if (stream.capture != nullptr)
    {
        stream.capture->isInvalid = true;
        return StreamCaptureIsolation;
    }
    if (event.ticket != nullptr)
    {
        enqueueOperation(context, stream, {Work(), event.ticket, nullptr});
    }
    return Success;
}
}

extern "C"
{
int cuEventCreate(Event** event, unsigned flags)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            if (event == nullptr || flags > 7)
            {
                return InvalidValue;
            }
            *event = new Event();
            (*event)->context = &context;
            (*event)->flags = flags;
            state().events.insert(*event);
            return Success;
        });
}

int cuEventDestroy_v2(Event* event)
{
    return withEvent(
        event,
        [&](Context&, Event&)
        {
            state().events.erase(event);
            retire(event);
            return Success;
        });
}

int cuEventRecord(Event* handle, void* stream)
{
    return withEvent(handle, [&](Context& context, Event& event) { return record(context, event, stream); });
}

int cuEventRecordWithFlags(Event* event, void* stream, unsigned)
{
    return cuEventRecord(event, stream);
}

int cuEventQuery(Event* handle)
{
    return withEvent(
        handle,
        [](Context& context, Event& event)
        {
            if (event.capture != nullptr)
            {
                event.capture->isInvalid = true;
                return static_cast<int>(CapturedEvent);
            }
            if (event.ticket == nullptr || event.ticket->isDone)
            {
                return static_cast<int>(Success);
            }
            advance(*event.ticket->stream);
            return context.stickyStatus != 0 ? context.stickyStatus : static_cast<int>(NotReady);
        });
}

int cuEventSynchronize(Event* handle)
{
    return withEvent(
        handle,
        [](Context& context, Event& event)
        {
            if (event.capture != nullptr)
            {
                event.capture->isInvalid = true;
                return static_cast<int>(CapturedEvent);
            }
            if (event.ticket != nullptr && !event.ticket->isDone)
            {
                drain(*event.ticket->stream, event.ticket.get());
            }
            return context.stickyStatus;
        });
}

int cuEventElapsedTime(float* milliseconds, Event* first, Event* second)
{
    return withEvent(
        first,
        [&](Context&, Event& start)
        {
            if (state().events.count(second) == 0 || start.ticket == nullptr || second->ticket == nullptr ||
                ((start.flags | second->flags) & DisableTiming) != 0)
            {
                return InvalidHandle;
            }
            if (!start.ticket->isDone || !second->ticket->isDone)
            {
                return NotReady;
            }
            *milliseconds = static_cast<float>((second->ticket->seconds - start.ticket->seconds) * 1e3);
            return Success;
        });
}

int cuEventElapsedTime_v2(float* milliseconds, Event* first, Event* second)
{
    return cuEventElapsedTime(milliseconds, first, second);
}

int cuStreamWaitEvent(void* handle, Event* event, unsigned)
{
    return withEvent(
        event,
        [&](Context& context, Event& recorded)
        {
            Stream* stream = findStream(context, handle);
            return stream == nullptr ? static_cast<int>(InvalidHandle) : wait(context, *stream, recorded);
        });
}
}
