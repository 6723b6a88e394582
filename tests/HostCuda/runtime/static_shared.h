// `__shared__` variables are thread-local here: one instance for each operating system thread, which runs one block at a time.
#pragma once

#include <cstddef>

namespace mnr_host
{
// All of this library's thread-local memory on one operating system thread.
class StaticShared
{
public:
    // Fills it with a byte, so that a block finds nothing of the one before; always called on the same thread. currentBlock lies there
    // too, and has to be set again.
    void fill(unsigned char value);

private:
    void* _address = nullptr;
    std::size_t _bytes = 0;
};
}
