// Device memory: the host's, between guards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace mnr_driver
{
class Allocations
{
public:
    Allocations() = default;
    Allocations(const Allocations&) = delete;
    Allocations& operator=(const Allocations&) = delete;
    ~Allocations();

    // Reserves memory full of a byte, at a multiple of 256; 0 when the system has none.
    std::uint64_t allocate(std::size_t bytes, unsigned char fill);

    // Frees memory, after which touching it is an illegal access; false where none begins at this address.
    bool free(std::uint64_t address);

    // Whether these bytes lie in one allocation.
    bool contains(std::uint64_t address, std::size_t bytes) const;

    // The allocation that an address lies in, or 0 and 0.
    std::pair<std::uint64_t, std::size_t> find(std::uint64_t address) const;

    // A sentence on the first allocation whose guards have been written to since the last check, or nothing.
    std::string damage();

    std::size_t usedBytes() const
    {
        return _usedBytes;
    }

private:
    std::map<std::uint64_t, std::size_t> _sizes;
    std::size_t _usedBytes = 0;
};
}
