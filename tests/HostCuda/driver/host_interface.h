// What the stand-in driver offers besides CUDA's functions: to the stand-in of cublasLt, and to tests.
#pragma once

#include "kernel_library.h"

#include <cstddef>
#include <cstdint>

extern "C"
{
// Enters work into a stream, or while it is capturing into the graph; `run` returns a CUresult, may run any number of times, and `destroy`
// is called once when it can run no more. `name` identifies the work's kind.
int mnrHostEnqueue(void* stream, const char* name, int (*run)(void* data), void* data, void (*destroy)(void* data));

// Whether all these bytes lie in one live allocation on the device.
int mnrHostIsDeviceMemory(std::uint64_t address, std::size_t bytes);

// Changes a setting of the stand-in, as the environment variable of that name does at the start: 0, or 1 where it is not understood.
int mnrHostSet(const char* name, const char* value);

// The order in which a product of matrices is summed; `seed` is a random order's.
MnrHostOrder mnrHostProductOrder(std::uint64_t* seed);

// Kernel launches that have run since the start.
std::uint64_t mnrHostLaunches();
}
