#include "allocations.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace mnr_driver
{
namespace
{
// Read as a number it is NaN or -1, so that what is read there shows in results.
constexpr unsigned char Guard = 0xff;
constexpr std::size_t GuardBytes = 256;
constexpr std::size_t PageBytes = 4096;

std::size_t mappedBytes(std::size_t bytes)
{
    return PageBytes + (bytes + GuardBytes + PageBytes - 1) / PageBytes * PageBytes;
}

unsigned char* pointer(std::uint64_t address)
{
    return reinterpret_cast<unsigned char*>(address);
}

bool isIntact(const unsigned char* guard)
{
    unsigned char untouched[GuardBytes];
    std::memset(untouched, Guard, GuardBytes);
    return std::memcmp(guard, untouched, GuardBytes) == 0;
}
}

Allocations::~Allocations()
{
    while (!_sizes.empty())
    {
        free(_sizes.begin()->first);
    }
}

std::uint64_t Allocations::allocate(std::size_t bytes, unsigned char fill)
{
    void* memory = mmap(nullptr, mappedBytes(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
    {
        return 0;
    }
    unsigned char* data = static_cast<unsigned char*>(memory) + PageBytes;
    std::memset(data - GuardBytes, Guard, GuardBytes);
    std::memset(data, fill, bytes);
    std::memset(data + bytes, Guard, GuardBytes);
    const std::uint64_t address = reinterpret_cast<std::uint64_t>(data);
    _sizes[address] = bytes;
    _usedBytes += bytes;
    return address;
}

bool Allocations::free(std::uint64_t address)
{
    const auto found = _sizes.find(address);
    if (found == _sizes.end())
    {
        return false;
    }
    // The addresses stay taken, so that whoever still uses them is caught.
    mmap(
        pointer(address) - PageBytes, mappedBytes(found->second), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    _usedBytes -= found->second;
    _sizes.erase(found);
    return true;
}

std::pair<std::uint64_t, std::size_t> Allocations::find(std::uint64_t address) const
{
    auto above = _sizes.upper_bound(address);
    if (above == _sizes.begin())
    {
        return {0, 0};
    }
    --above;
    return address < above->first + above->second ? std::pair<std::uint64_t, std::size_t>(*above) : std::pair<std::uint64_t, std::size_t>(0, 0);
}

bool Allocations::contains(std::uint64_t address, std::size_t bytes) const
{
    const std::pair<std::uint64_t, std::size_t> found = find(address);
    return found.first != 0 && bytes <= found.first + found.second - address;
}

std::string Allocations::damage()
{
    for (const auto& allocation : _sizes)
    {
        unsigned char* before = pointer(allocation.first) - GuardBytes;
        unsigned char* behind = pointer(allocation.first) + allocation.second;
        const bool isBeforeIntact = isIntact(before);
        if (isBeforeIntact && isIntact(behind))
        {
            continue;
        }
        std::memset(before, Guard, GuardBytes);
        std::memset(behind, Guard, GuardBytes);
        return std::string("something was written ") + (isBeforeIntact ? "behind" : "before") + " an allocation of " +
               std::to_string(allocation.second) + " bytes";
    }
    return "";
}
}
