// Copying and filling memory.
#include "state.h"

#include <cstring>

using namespace mnr_driver;

namespace
{
std::uint64_t addressOf(const void* pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

void* pointerTo(std::uint64_t address)
{
    return reinterpret_cast<void*>(address);
}

bool isPinned(std::uint64_t address, std::size_t bytes)
{
    auto above = state().pinned.upper_bound(address);
    return above != state().pinned.begin() && (--above, address + bytes <= above->first + above->second);
}

enum class Direction
{
    ToDevice,
    ToHost,
    OnDevice,
    ByAddress
};

int enqueueCopy(Context& context, void* handle, std::uint64_t target, std::uint64_t source, std::size_t bytes, Direction direction)
{
    Stream* stream = findStream(context, handle);
    if (stream == nullptr)
    {
        return InvalidHandle;
    }
    if (bytes == 0)
    {
        return Success;
    }
    const Allocations& device = context.allocations;
    const bool isTargetOnDevice = direction == Direction::ByAddress ? device.find(target).first != 0 : direction != Direction::ToHost;
    const bool isSourceOnDevice = direction == Direction::ByAddress ? device.find(source).first != 0 : direction != Direction::ToDevice;
    if ((isTargetOnDevice && !device.contains(target, bytes)) || (isSourceOnDevice && !device.contains(source, bytes)) || target == 0 || source == 0)
    {
        explain("a copy of " + std::to_string(bytes) + " bytes does not lie within an allocation");
        return InvalidValue;
    }
    // As the driver does: what is not pinned is read before the call returns, and written before it returns.
    const bool isCapturing = stream->capture != nullptr;
    std::shared_ptr<std::vector<unsigned char>> staged;
    if (settings().isLate && !isCapturing && !isSourceOnDevice && !isPinned(source, bytes))
    {
        const unsigned char* first = static_cast<const unsigned char*>(pointerTo(source));
        staged = std::make_shared<std::vector<unsigned char>>(first, first + bytes);
    }
    const int status = enqueue(
        context, *stream,
        {NodeType::Memcpy, "copy",
         [=]
         {
             std::memmove(pointerTo(target), staged != nullptr ? staged->data() : pointerTo(source), bytes);
             return Success;
         }});
    if (status == Success && !isCapturing && !isTargetOnDevice && !isPinned(target, bytes))
    {
        drain(*stream);
        return context.stickyStatus;
    }
    return status;
}

int copyNow(std::uint64_t target, std::uint64_t source, std::size_t bytes, Direction direction)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            const int status = enqueueCopy(context, nullptr, target, source, bytes, direction);
            drain(context.defaultStream);
            return status != Success ? status : context.stickyStatus;
        });
}

int copyLater(void* stream, std::uint64_t target, std::uint64_t source, std::size_t bytes, Direction direction)
{
    return withContext(In::AnyState, [&](Context& context) { return enqueueCopy(context, stream, target, source, bytes, direction); });
}

template <class Number>
int enqueueFill(Context& context, void* handle, std::uint64_t target, Number value, std::size_t count)
{
    Stream* stream = findStream(context, handle);
    if (stream == nullptr)
    {
        return InvalidHandle;
    }
    if (count == 0)
    {
        return Success;
    }
    if (target % sizeof(Number) != 0 || !context.allocations.contains(target, count * sizeof(Number)))
    {
        return InvalidValue;
    }
    return enqueue(
        context, *stream,
        {NodeType::Memset, "fill",
         [=]
         {
             std::fill_n(static_cast<Number*>(pointerTo(target)), count, value);
             return Success;
         }});
}

template <class Number>
int fillNow(std::uint64_t target, Number value, std::size_t count)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            const int status = enqueueFill(context, nullptr, target, value, count);
            drain(context.defaultStream);
            return status != Success ? status : context.stickyStatus;
        });
}

template <class Number>
int fillLater(std::uint64_t target, Number value, std::size_t count, void* stream)
{
    return withContext(In::AnyState, [&](Context& context) { return enqueueFill(context, stream, target, value, count); });
}
}

extern "C"
{
int cuMemcpy(std::uint64_t target, std::uint64_t source, std::size_t bytes)
{
    return copyNow(target, source, bytes, Direction::ByAddress);
}

int cuMemcpyHtoD_v2(std::uint64_t target, const void* source, std::size_t bytes)
{
    return copyNow(target, addressOf(source), bytes, Direction::ToDevice);
}

int cuMemcpyDtoH_v2(void* target, std::uint64_t source, std::size_t bytes)
{
    return copyNow(addressOf(target), source, bytes, Direction::ToHost);
}

int cuMemcpyDtoD_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes)
{
    return copyNow(target, source, bytes, Direction::OnDevice);
}

int cuMemcpyAsync(std::uint64_t target, std::uint64_t source, std::size_t bytes, void* stream)
{
    return copyLater(stream, target, source, bytes, Direction::ByAddress);
}

int cuMemcpyHtoDAsync_v2(std::uint64_t target, const void* source, std::size_t bytes, void* stream)
{
    return copyLater(stream, target, addressOf(source), bytes, Direction::ToDevice);
}

int cuMemcpyDtoHAsync_v2(void* target, std::uint64_t source, std::size_t bytes, void* stream)
{
    return copyLater(stream, addressOf(target), source, bytes, Direction::ToHost);
}

int cuMemcpyDtoDAsync_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes, void* stream)
{
    return copyLater(stream, target, source, bytes, Direction::OnDevice);
}

int cuMemsetD8_v2(std::uint64_t target, unsigned char value, std::size_t count)
{
    return fillNow(target, value, count);
}

int cuMemsetD16_v2(std::uint64_t target, unsigned short value, std::size_t count)
{
    return fillNow(target, value, count);
}

int cuMemsetD32_v2(std::uint64_t target, unsigned value, std::size_t count)
{
    return fillNow(target, value, count);
}

int cuMemsetD8Async(std::uint64_t target, unsigned char value, std::size_t count, void* stream)
{
    return fillLater(target, value, count, stream);
}

int cuMemsetD16Async(std::uint64_t target, unsigned short value, std::size_t count, void* stream)
{
    return fillLater(target, value, count, stream);
}

int cuMemsetD32Async(std::uint64_t target, unsigned value, std::size_t count, void* stream)
{
    return fillLater(target, value, count, stream);
}
}
