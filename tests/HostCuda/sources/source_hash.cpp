// What a library of host kernels says of the sources it was compiled from.
#include "kernel_library.h"
#include "kernel_sources.h"

extern "C" std::uint64_t mnrHostSourceHash()
{
    return mnr_host::SourceHash;
}
