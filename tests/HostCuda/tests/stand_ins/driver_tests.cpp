// Contexts, memory, modules and launches: what the real driver accepts, what it refuses, and with which status.
#include "device.h"
#include "expect.h"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace stand_in_test;

namespace
{
void contexts()
{
    std::uint64_t address = 0;
    expect("before cuInit", cuMemAlloc_v2(&address, 16), NotInitialized);
    expect("cuInit", cuInit(0), Success);
    expect("without a context", cuMemAlloc_v2(&address, 16), InvalidContext);
    resetContext();
    expect("with one", cuMemAlloc_v2(&address, 16), Success);
    expect("reset", cuDevicePrimaryCtxReset_v2(0), Success);
    expect("in a context that is gone", cuMemAlloc_v2(&address, 16), ContextIsDestroyed);
    int device = 0;
    expect("a device that is not there", cuDeviceGet(&device, 1), 101);
}

void staleHandles()
{
    resetContext();
    void* function = kernel("add_one");
    void* stream = nullptr;
    void* event = nullptr;
    cuStreamCreate(&stream, 0);
    cuEventCreate(&event, 0);
    resetContext();
    int count = 1;
    Buffer<float> target(1);
    void* arguments[] = {&target.address, &count};
    expect("a function of a context that is gone", cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), InvalidHandle);
    expect("its stream", cuStreamSynchronize(stream), InvalidHandle);
    expect("its event", cuEventRecord(event, nullptr), InvalidHandle);
    expect("a kernel", launch("add_one", 1, 32, 0, target.address, count), Success);
}

void memory()
{
    resetContext();
    std::uint64_t address = 0;
    expect("no bytes", cuMemAlloc_v2(&address, 0), InvalidValue);
    std::size_t free = 0, freeBefore = 0, total = 0;
    cuMemGetInfo_v2(&freeBefore, &total);
    expect("some", cuMemAlloc_v2(&address, 1000), Success);
    cuMemGetInfo_v2(&free, &total);
    expect("the rest", freeBefore - free, std::size_t{1000});
    expect("address", address % 256, 0u);
    float fresh = 0;
    cuMemcpyDtoH_v2(&fresh, address + 996, 4);
    expectTrue(std::isnan(fresh), "fresh memory is NaN");
    expect("a copy beyond the end", cuMemcpyHtoD_v2(address + 998, &fresh, 4), InvalidValue);
    expect("a copy to where nothing is", cuMemcpyHtoD_v2(64, &fresh, 4), InvalidValue);
    expect("free", cuMemFree_v2(address), Success);
    expect("free again", cuMemFree_v2(address), InvalidValue);
    expect("a copy to what was freed", cuMemcpyHtoD_v2(address, &fresh, 4), InvalidValue);
    expect("free of nothing", cuMemFree_v2(0), Success);
    expect("more than there is", cuMemAlloc_v2(&address, total + 1), OutOfMemory);
    expect("limit", mnrHostSet("MNR_HOST_MEMORY", "4096"), Success);
    expect("within the limit", cuMemAlloc_v2(&address, 4096), Success);
    expect("beyond", cuMemAlloc_v2(&address, 1), OutOfMemory);
    mnrHostSet("MNR_HOST_MEMORY", "1073741824");
    void* pinned = nullptr;
    expect("pinned memory", cuMemHostAlloc(&pinned, 100, 0), Success);
    expect("its end", cuMemFreeHost(pinned), Success);
    expect("once only", cuMemFreeHost(pinned), InvalidValue);
}

void launchLimits()
{
    resetContext();
    Buffer<float> target(1);
    int count = 0;
    void* arguments[] = {&target.address, &count, nullptr};
    void* function = kernel("add_one");
    const auto start = [&](unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned shared)
    { return cuLaunchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ, shared, nullptr, arguments, nullptr); };
    expect("a thread", start(1, 1, 1, 1, 1, 1, 0), Success);
    expect("1024 threads", start(1, 1, 1, 1024, 1, 1, 0), Success);
    expect("1025 threads", start(1, 1, 1, 1025, 1, 1, 0), InvalidValue);
    expect("1024 threads in a cube", start(1, 1, 1, 16, 16, 4, 0), Success);
    expect("2048 threads in a cube", start(1, 1, 1, 16, 16, 8, 0), InvalidValue);
    expect("65 layers of threads", start(1, 1, 1, 1, 1, 65, 0), InvalidValue);
    expect("no block", start(0, 1, 1, 32, 1, 1, 0), InvalidValue);
    expect("no thread", start(1, 1, 1, 0, 1, 1, 0), InvalidValue);
    expect("65,535 rows of blocks", start(1, 65535, 1, 1, 1, 1, 0), Success);
    expect("65,536 rows of blocks", start(1, 65536, 1, 1, 1, 1, 0), InvalidValue);
    expect("65,536 layers of blocks", start(1, 1, 65536, 1, 1, 1, 0), InvalidValue);
    expect("70,000 blocks", start(70000, 1, 1, 1, 1, 1, 0), Success);
    expect("48 KiB of shared memory", start(1, 1, 1, 1, 1, 1, 49152), Success);
    expect("more", start(1, 1, 1, 1, 1, 1, 49153), InvalidValue);
    constexpr int MaxDynamicShared = 8, LargestShared = 166912;
    int value = 0;
    expect("allow more", cuFuncSetAttribute(function, MaxDynamicShared, LargestShared), Success);
    expect("ask", cuFuncGetAttribute(&value, MaxDynamicShared, function), Success);
    expect("the attribute", value, LargestShared);
    expect("now it runs", start(1, 1, 1, 1, 1, 1, LargestShared), Success);
    expect("the device has no more", cuFuncSetAttribute(function, MaxDynamicShared, LargestShared + 1), InvalidValue);
    void* incomplete[] = {&target.address, nullptr};
    expect("a missing argument", cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, incomplete, nullptr), InvalidValue);
    expect("no function", cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), InvalidHandle);
    expect("nothing of this is an error for long", cuCtxSynchronize(), Success);
}

void modules()
{
    resetContext();
    void* module = nullptr;
    expect("an image that is none", cuModuleLoadData(&module, "no image"), InvalidImage);
    expect("code for another GPU", cuModuleLoadData(&module, compiledImage("sm_90").c_str()), NoBinaryForGpu);
    expect("PTX for an older GPU", cuModuleLoadData(&module, compiledImage("compute_75").c_str()), Success);
    mnrHostSet("MNR_HOST_DRIVER_VERSION", "12030");
    expect("PTX from a newer compiler than the driver's", cuModuleLoadData(&module, compiledImage("compute_75").c_str()), UnsupportedPtxVersion);
    mnrHostSet("MNR_HOST_DRIVER_VERSION", "12040");
    std::string stale = compiledImage("sm_80");
    const std::size_t number = stale.find("sources ") + 8;
    stale[number] = stale[number] == '1' ? '2' : '1';
    char log[200] = "";
    int options[] = {5, 6};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    expect("kernels of other sources", cuModuleLoadDataEx(&module, stale.c_str(), 2, options, values), InvalidImage);
    expectTrue(std::strstr(log, "other sources") != nullptr, std::string("the log says why: ") + log);
    void* function = nullptr;
    expect("a module", cuModuleLoadData(&module, compiledImage("sm_80").c_str()), Success);
    expect("its kernel", cuModuleGetFunction(&function, module, "add_one"), Success);
    expect("no such kernel", cuModuleGetFunction(&function, module, "add_two"), NotFound);
    mnrHostSet("MNR_HOST_MISSING_KERNEL", "add_one");
    expect("as if it were not there", cuModuleGetFunction(&function, module, "add_one"), NotFound);
    mnrHostSet("MNR_HOST_MISSING_KERNEL", "");
    expect("unload", cuModuleUnload(module), Success);
    expect("gone", cuModuleGetFunction(&function, module, "add_one"), InvalidHandle);
    int value = 0, one = 1;
    Buffer<float> target(1);
    void* arguments[] = {&target.address, &one};
    expect("its functions too", cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), InvalidHandle);
    expect("version", cuDriverGetVersion(&value), Success);
    expect("version", value, 12040);
}

// An error of a kernel shows in every later call, until the context is reset.
void injectedFaults()
{
    resetContext();
    const std::vector<float> zero(1, 0.0f);
    const Buffer<float> target(zero);
    const std::uint64_t before = mnrHostLaunches();
    mnrHostSet("MNR_HOST_FAIL_LAUNCH", std::to_string(before + 2).c_str());
    const std::string said = standardError(
        [&]
        {
            expect("the first launch", launch("add_one", 1, 1, 0, target.address, 1), Success);
            expect("the second", launch("add_one", 1, 1, 0, target.address, 1), LaunchFailed);
            expect("the third", launch("add_one", 1, 1, 0, target.address, 1), LaunchFailed);
        });
    expectTrue(said.find("add_one") != std::string::npos, "it says which: " + said);
    std::uint64_t address = 0;
    expect("memory", cuMemAlloc_v2(&address, 16), LaunchFailed);
    mnrHostSet("MNR_HOST_FAIL_LAUNCH", "0");
    resetContext();
    expect("a new context", launch("add_one", 1, 1, 0, Buffer<float>(1).address, 1), Success);
    mnrHostSet("MNR_HOST_FAIL_ALLOCATION", "500");
    int outOfMemory = 0;
    for (int i = 0; i < 500; i++)
    {
        const int status = cuMemAlloc_v2(&address, 16);
        outOfMemory += status == OutOfMemory ? 1 : 0;
        expectTrue(status == OutOfMemory || cuMemFree_v2(address) == Success, "every other allocation is one");
    }
    mnrHostSet("MNR_HOST_FAIL_ALLOCATION", "0");
    expect("allocations that failed", outOfMemory, 1);
    expect("a setting that is none", mnrHostSet("MNR_HOST_NOTHING", "1"), InvalidValue);
    expect("a value that is none", mnrHostSet("MNR_HOST_ORDER", "sideways"), InvalidValue);
}

// The driver of before CUDA 11.4: an engine has to say what is missing.
void oldDriver()
{
    void* old = dlopen(std::getenv("MNR_OLD_DRIVER"), RTLD_NOW | RTLD_LOCAL);
    expectTrue(old != nullptr, "it is there");
    expectTrue(dlsym(old, "cuInit") != nullptr, "cuInit");
    expectTrue(dlsym(old, "cuGraphInstantiateWithFlags") == nullptr, "cuGraphInstantiateWithFlags came with 11.4");
}

void names()
{
    const char* name = nullptr;
    expect("status", cuGetErrorName(OutOfMemory, &name), Success);
    expect("name", std::string(name), std::string("CUDA_ERROR_OUT_OF_MEMORY"));
    expect("no such status", cuGetErrorName(12345, &name), InvalidValue);
}
}

int main()
{
    return runCases(
        {{"a call needs cuInit and a live context", contexts},
         {"handles end with their context", staleHandles},
         {"memory", memory},
         {"limits of a launch", launchLimits},
         {"modules", modules},
         {"faults on demand, which stay", injectedFaults},
         {"a driver that lacks functions", oldDriver},
         {"names of errors", names}});
}
