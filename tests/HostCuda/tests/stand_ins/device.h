// A context and a module of test kernels on the stand-in driver.
#pragma once

#include "cuda_driver.h"
#include "host_interface.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace stand_in_test
{
// Statuses that tests expect.
enum : int
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    InvalidImage = 200,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    UnsupportedPtxVersion = 222,
    InvalidHandle = 400,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    ContextIsDestroyed = 709,
    MisalignedAddress = 716,
    LaunchFailed = 719,
    CaptureUnsupported = 900,
    CaptureInvalidated = 901,
    CaptureUnjoined = 904,
    CaptureIsolation = 905,
    CaptureImplicit = 906,
    GraphExecUpdateFailure = 910
};

// Makes a fresh primary context current, after an error that left the one before unusable too, and loads the module of test kernels in
// it, through the NVRTC stand-in as the engine does.
void resetContext();

// A kernel of that module.
void* kernel(const std::string& name);
std::string compiledImage(const char* architecture);

// Device memory of numbers; not freed by itself, so that a broken context can be left behind.
template <class Number>
class Buffer
{
public:
    explicit Buffer(std::size_t count) : _count(count)
    {
        cuMemAlloc_v2(&address, count * sizeof(Number));
    }

    explicit Buffer(const std::vector<Number>& values) : Buffer(values.size())
    {
        cuMemcpyHtoD_v2(address, values.data(), values.size() * sizeof(Number));
    }

    std::vector<Number> read() const
    {
        std::vector<Number> values(_count);
        cuMemcpyDtoH_v2(values.data(), address, _count * sizeof(Number));
        return values;
    }

    std::uint64_t address = 0;

private:
    std::size_t _count;
};

// Launches, and waits where it `waits`; the first status that is no success.
int launchPacked(const std::string& name, unsigned grid, unsigned block, unsigned sharedBytes, void* stream, void** arguments, bool waits);

template <class... Arguments>
int launch(const std::string& name, unsigned grid, unsigned block, unsigned sharedBytes, Arguments... arguments)
{
    void* pointers[] = {static_cast<void*>(&arguments)..., nullptr};
    return launchPacked(name, grid, block, sharedBytes, nullptr, pointers, true);
}

template <class... Arguments>
int enqueue(void* stream, const std::string& name, unsigned grid, unsigned block, Arguments... arguments)
{
    void* pointers[] = {static_cast<void*>(&arguments)..., nullptr};
    return launchPacked(name, grid, block, 0, stream, pointers, false);
}

// What is written to standard error while `body` runs.
template <class Body>
std::string standardError(Body body);
}

#include <cstdio>
#include <unistd.h>

namespace stand_in_test
{
template <class Body>
std::string standardError(Body body)
{
    std::fflush(stderr);
    std::FILE* file = std::tmpfile();
    const int before = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    body();
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    std::rewind(file);
    std::string text;
    for (int character = std::fgetc(file); character != EOF; character = std::fgetc(file))
    {
        text += static_cast<char>(character);
    }
    std::fclose(file);
    return text;
}
}
