// Kernel launches: checked as the driver checks them, entered into a stream, run by the library of the kernel.
#include "host_interface.h"
#include "recording.h"
#include "state.h"

#include <algorithm>
#include <cstring>

using namespace mnr_driver;

namespace
{
constexpr int LargestDynamicShared = 166912;
constexpr unsigned MostThreads = 1024;

// A launch with its own copy of the arguments.
struct Launch
{
    Function* function;
    Context* context;
    unsigned grid[3], block[3], sharedBytes;
    std::vector<unsigned char> bytes;
    std::vector<std::size_t> offsets;
};

int run(const Launch& launch)
{
    if (state().functions.count(launch.function) == 0)
    {
        // A graph outlived its module.
        return InvalidHandle;
    }
    const std::uint64_t number = ++state().launchCount;
    const MnrHostKernel& kernel = *launch.function->kernel;
    if (number == settings().failLaunch)
    {
        report(std::string("launch ") + std::to_string(number) + ", of " + kernel.name + ", fails as asked");
        return settings().failLaunchStatus;
    }
    std::vector<unsigned char> bytes = launch.bytes;
    std::vector<void*> arguments;
    for (const std::size_t offset : launch.offsets)
    {
        arguments.push_back(bytes.data() + offset);
    }
    MnrHostLaunch request = {};
    request.kernel = &kernel;
    std::memcpy(request.grid, launch.grid, sizeof request.grid);
    std::memcpy(request.block, launch.block, sizeof request.block);
    request.sharedBytes = launch.sharedBytes;
    request.arguments = arguments.data();
    request.order = settings().order;
    request.seed = settings().seed + number;
    request.workers = settings().workers;
    request.fill = settings().fill;
    record(request, *launch.context);
    MnrHostReport result;
    launch.function->module->run(&request, &result);
    if (result.status != Success)
    {
        report(result.message);
        return result.status;
    }
    const std::string damage = launch.context->allocations.damage();
    if (!damage.empty())
    {
        report(std::string("kernel ") + kernel.name + ": " + damage);
        return IllegalAddress;
    }
    return Success;
}

bool isSizeRight(const unsigned (&grid)[3], const unsigned (&block)[3])
{
    constexpr unsigned MostGrid[] = {2147483647u, 65535, 65535}, MostBlock[] = {1024, 1024, 64};
    std::uint64_t threads = 1;
    for (int i = 0; i < 3; i++)
    {
        threads *= block[i];
        if (grid[i] == 0 || block[i] == 0 || grid[i] > MostGrid[i] || block[i] > MostBlock[i])
        {
            return false;
        }
    }
    return threads <= MostThreads;
}

int enqueueLaunch(Context& context, Function* function, const unsigned (&grid)[3], const unsigned (&block)[3], unsigned sharedBytes, void* handle, void** arguments)
{
    Stream* stream = findStream(context, handle);
    if (stream == nullptr || state().functions.count(function) == 0 || function->module->context != &context)
    {
        return InvalidHandle;
    }
    const MnrHostKernel& kernel = *function->kernel;
    if (!isSizeRight(grid, block))
    {
        explain(std::string(kernel.name) + ": no such grid or block");
        return InvalidValue;
    }
    if (sharedBytes > static_cast<unsigned>(function->maxDynamicShared))
    {
        explain(
            std::string(kernel.name) + ": " + std::to_string(sharedBytes) + " bytes of dynamic shared memory, where " +
            std::to_string(function->maxDynamicShared) + " are allowed");
        return InvalidValue;
    }
    Launch launch = {function, &context, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, sharedBytes, {}, {}};
    for (unsigned i = 0; i < kernel.argumentCount; i++)
    {
        if (arguments == nullptr || arguments[i] == nullptr)
        {
            explain(std::string(kernel.name) + ": argument " + std::to_string(i) + " of " + std::to_string(kernel.argumentCount) + " is missing");
            return InvalidValue;
        }
        const std::size_t size = kernel.argumentSizes[i];
        launch.bytes.resize((launch.bytes.size() + size - 1) / size * size);
        launch.offsets.push_back(launch.bytes.size());
        const unsigned char* value = static_cast<const unsigned char*>(arguments[i]);
        launch.bytes.insert(launch.bytes.end(), value, value + size);
    }
    return enqueue(context, *stream, {NodeType::Kernel, kernel.name, [launch] { return run(launch); }});
}

struct LaunchConfig
{
    unsigned grid[3], block[3], sharedBytes;
    void* stream;
    void* attributes;
    unsigned attributeCount;
};
}

extern "C"
{
int cuLaunchKernel(
    Function* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
    void* stream, void** arguments, void** extra)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            if (extra != nullptr)
            {
                return static_cast<int>(NotSupported);
            }
            return enqueueLaunch(context, function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, stream, arguments);
        });
}

int cuLaunchKernelEx(const LaunchConfig* config, Function* function, void** arguments, void** extra)
{
    return cuLaunchKernel(
        function, config->grid[0], config->grid[1], config->grid[2], config->block[0], config->block[1], config->block[2], config->sharedBytes,
        config->stream, arguments, extra);
}

int cuFuncSetAttribute(Function* function, int attribute, int value)
{
    return withContext(
        In::AnyState,
        [&](Context&)
        {
            constexpr int MaxDynamicShared = 8, SharedCarveout = 9;
            if (state().functions.count(function) == 0)
            {
                return InvalidHandle;
            }
            if (attribute == MaxDynamicShared && value >= 0 && value <= LargestDynamicShared)
            {
                function->maxDynamicShared = value;
                return Success;
            }
            if (attribute == SharedCarveout && value >= -1 && value <= 100)
            {
                function->sharedCarveout = value;
                return Success;
            }
            return InvalidValue;
        });
}

int cuFuncGetAttribute(int* value, int attribute, Function* function)
{
    return withContext(
        In::AnyState,
        [&](Context&)
        {
            if (state().functions.count(function) == 0 || attribute < 0 || attribute > 9)
            {
                return attribute < 0 || attribute > 9 ? InvalidValue : InvalidHandle;
            }
            constexpr int Registers = 64, Architecture = 80;
            const int values[] = {MostThreads, 0, 0, 0, Registers, Architecture, Architecture, 0, function->maxDynamicShared, function->sharedCarveout};
            *value = values[attribute];
            return Success;
        });
}

int cuFuncSetCacheConfig(Function* function, int)
{
    return initialized([&] { return state().functions.count(function) == 0 ? InvalidHandle : Success; });
}

int cuFuncGetModule(Module** module, Function* function)
{
    return initialized(
        [&]
        {
            if (state().functions.count(function) == 0)
            {
                return InvalidHandle;
            }
            *module = function->module;
            return Success;
        });
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* function, int blockSize, std::size_t sharedBytes)
{
    return withContext(
        In::AnyState,
        [&](Context&)
        {
            if (state().functions.count(function) == 0 || blockSize <= 0)
            {
                return blockSize <= 0 ? InvalidValue : InvalidHandle;
            }
            constexpr std::size_t ThreadsOfMultiprocessor = 2048, BlocksOfMultiprocessor = 32, SharedOfMultiprocessor = 167936, Reserved = 1024;
            const std::size_t byThreads = ThreadsOfMultiprocessor / static_cast<std::size_t>(blockSize);
            const std::size_t byShared = SharedOfMultiprocessor / (sharedBytes + Reserved);
            *blocks = static_cast<int>(std::min({byThreads, byShared, BlocksOfMultiprocessor}));
            return Success;
        });
}

int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, Function* function, int blockSize, std::size_t sharedBytes, unsigned)
{
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, blockSize, sharedBytes);
}

std::uint64_t mnrHostLaunches()
{
    std::lock_guard<std::recursive_mutex> lock(state().mutex);
    return state().launchCount;
}
}
