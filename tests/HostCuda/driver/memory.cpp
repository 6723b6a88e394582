// Allocating and freeing memory of the device, and pinned memory of the host.
#include "host_interface.h"
#include "state.h"

#include <cstdlib>
#include <cstring>

using namespace mnr_driver;

namespace
{
std::uint64_t addressOf(const void* pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

int allocate(Context& context, std::uint64_t* address, std::size_t bytes)
{
    if (address == nullptr || bytes == 0)
    {
        return InvalidValue;
    }
    const std::uint64_t number = ++state().allocationCount;
    if (number == settings().failAllocation || bytes > settings().memoryBytes ||
        context.allocations.usedBytes() > settings().memoryBytes - bytes)
    {
        return OutOfMemory;
    }
    *address = context.allocations.allocate(bytes, settings().fill);
    return *address == 0 ? OutOfMemory : Success;
}

int release(Context& context, std::uint64_t address)
{
    if (address == 0)
    {
        return Success;
    }
    const std::string damage = context.allocations.damage();
    if (!damage.empty())
    {
        report(damage + ", as was found when one was freed");
        context.stickyStatus = IllegalAddress;
        return IllegalAddress;
    }
    return context.allocations.free(address) ? Success : InvalidValue;
}
}

extern "C"
{
int cuMemAlloc_v2(std::uint64_t* address, std::size_t bytes)
{
    return withContext(In::NoCapture, [&](Context& context) { return allocate(context, address, bytes); });
}

int cuMemFree_v2(std::uint64_t address)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            drainAll(context);
            return context.stickyStatus != 0 ? context.stickyStatus : release(context, address);
        });
}

int cuMemAllocAsync(std::uint64_t* address, std::size_t bytes, void*)
{
    return withContext(In::NoCapture, [&](Context& context) { return allocate(context, address, bytes); });
}

int cuMemFreeAsync(std::uint64_t address, void*)
{
    return cuMemFree_v2(address);
}

int cuMemGetInfo_v2(std::size_t* free, std::size_t* total)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            *total = settings().memoryBytes;
            *free = settings().memoryBytes - context.allocations.usedBytes();
            return Success;
        });
}

int cuMemGetAddressRange_v2(std::uint64_t* base, std::size_t* bytes, std::uint64_t address)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            const auto found = context.allocations.find(address);
            if (base != nullptr)
            {
                *base = found.first;
            }
            if (bytes != nullptr)
            {
                *bytes = found.second;
            }
            return found.first == 0 ? NotFound : Success;
        });
}

int cuMemHostAlloc(void** memory, std::size_t bytes, unsigned)
{
    return withContext(
        In::NoCapture,
        [&](Context&)
        {
            if (memory == nullptr || bytes == 0)
            {
                return InvalidValue;
            }
            constexpr std::size_t PageBytes = 4096;
            *memory = std::aligned_alloc(PageBytes, (bytes + PageBytes - 1) / PageBytes * PageBytes);
            if (*memory == nullptr)
            {
                return OutOfMemory;
            }
            std::memset(*memory, settings().fill, bytes);
            state().pinned[addressOf(*memory)] = bytes;
            return Success;
        });
}

int cuMemAllocHost_v2(void** memory, std::size_t bytes)
{
    return cuMemHostAlloc(memory, bytes, 0);
}

int cuMemFreeHost(void* memory)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            drainAll(context);
            if (state().pinned.erase(addressOf(memory)) == 0)
            {
                return static_cast<int>(InvalidValue);
            }
            std::free(memory);
            return context.stickyStatus;
        });
}

int cuMemHostRegister_v2(void* memory, std::size_t bytes, unsigned)
{
    return withContext(
        In::NoCapture,
        [&](Context&) { return state().pinned.emplace(addressOf(memory), bytes).second ? Success : HostMemoryAlreadyRegistered; });
}

int cuMemHostUnregister(void* memory)
{
    return withContext(In::NoCapture, [&](Context&) { return state().pinned.erase(addressOf(memory)) == 0 ? HostMemoryNotRegistered : Success; });
}

int cuMemHostGetDevicePointer_v2(std::uint64_t* address, void* memory, unsigned)
{
    *address = addressOf(memory);
    return Success;
}

int mnrHostIsDeviceMemory(std::uint64_t address, std::size_t bytes)
{
    std::lock_guard<std::recursive_mutex> lock(state().mutex);
    for (const Context* context : state().contexts)
    {
        if (context->allocations.contains(address, bytes))
        {
            return 1;
        }
    }
    return 0;
}
}
