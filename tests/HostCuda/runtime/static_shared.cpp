#include "static_shared.h"

#include "block.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>

namespace mnr_host
{
namespace
{
struct ThreadMemory
{
    const void* library;
    void* address;
    std::size_t bytes;
};

int findThreadMemory(dl_phdr_info* library, std::size_t, void* result)
{
    ThreadMemory& memory = *static_cast<ThreadMemory*>(result);
    if (reinterpret_cast<const void*>(library->dlpi_addr) != memory.library)
    {
        return 0;
    }
    for (int i = 0; i < library->dlpi_phnum; i++)
    {
        if (library->dlpi_phdr[i].p_type == PT_TLS)
        {
            memory.address = library->dlpi_tls_data;
            memory.bytes = library->dlpi_phdr[i].p_memsz;
        }
    }
    return 1;
}
}

void StaticShared::fill(unsigned char value)
{
    if (_address == nullptr)
    {
        // Using a variable is what makes the thread get its memory, which then does not move.
        currentBlock = nullptr;
        Dl_info self;
        if (dladdr(reinterpret_cast<const void*>(&findThreadMemory), &self) != 0)
        {
            ThreadMemory memory = {self.dli_fbase, nullptr, 0};
            dl_iterate_phdr(findThreadMemory, &memory);
            _address = memory.address;
            _bytes = memory.bytes;
        }
    }
    if (_address != nullptr)
    {
        std::memset(_address, value, _bytes);
    }
}
}
