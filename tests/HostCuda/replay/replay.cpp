// replay LIBRARY RECORDING: runs recorded launches again, with every allocation a heap block of its own, so that the sanitizers this is
// compiled with see each access outside of one. Each launch runs in several orders of blocks and threads, and with other bytes in fresh
// shared memory; the memory it leaves has to be the same. Status 0: nothing found; 1: a launch depends on the order, or on what nobody
// wrote; a sanitizer's own status: it found something, and says where.
// replay --covers LIBRARY RECORDING...: whether every kernel of the library was recorded; status 1 and their names where some were not.
#include "kernel_library.h"
#include "recording_file.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>

namespace
{
using mnr_replay::RecordedLaunch;
using mnr_replay::RecordingFile;

struct Library
{
    std::map<std::string, const MnrHostKernel*> kernels;
    void (*run)(const MnrHostLaunch*, MnrHostReport*);
};

Library open(const std::string& path)
{
    void* library = dlopen(path.c_str(), RTLD_NOW);
    if (library == nullptr)
    {
        throw std::runtime_error(dlerror());
    }
    const auto list = reinterpret_cast<const MnrHostKernel* (*)()>(dlsym(library, "mnrHostKernels"));
    Library result;
    result.run = reinterpret_cast<void (*)(const MnrHostLaunch*, MnrHostReport*)>(dlsym(library, "mnrHostRun"));
    if (list == nullptr || result.run == nullptr)
    {
        throw std::runtime_error(path + " is no library of host kernels");
    }
    for (const MnrHostKernel* kernel = list(); kernel != nullptr; kernel = kernel->next)
    {
        result.kernels[kernel->name] = kernel;
    }
    return result;
}

struct Free
{
    void operator()(unsigned char* memory) const
    {
        std::free(memory);
    }
};

using Block = std::unique_ptr<unsigned char, Free>;

// A launch's memory as heap blocks, its pointers turned into them.
class Memory
{
public:
    Memory(const RecordedLaunch& launch, const MnrHostKernel& kernel) : _launch(launch)
    {
        constexpr std::size_t Alignment = 256;
        for (const mnr_replay::Region& region : launch.regions)
        {
            void* memory = nullptr;
            if (posix_memalign(&memory, Alignment, region.content.size()) != 0)
            {
                throw std::runtime_error("no memory for a recorded allocation");
            }
            std::memcpy(memory, region.content.data(), region.content.size());
            _blocks.emplace_back(static_cast<unsigned char*>(memory));
        }
        _values = launch.arguments;
        if (_values.size() != kernel.argumentCount)
        {
            throw std::runtime_error(launch.kernel + " was recorded with another number of arguments");
        }
        for (std::size_t i = 0; i < _values.size(); i++)
        {
            if (_values[i].size() != kernel.argumentSizes[i])
            {
                throw std::runtime_error(launch.kernel + " was recorded with arguments of other sizes");
            }
            if (kernel.argumentIsPointer[i])
            {
                translate(_values[i]);
            }
            _arguments.push_back(_values[i].data());
        }
    }

    void** arguments()
    {
        return _arguments.data();
    }

    // The first byte that differs, as a text, or nothing.
    std::string difference(const Memory& other) const
    {
        for (std::size_t i = 0; i < _blocks.size(); i++)
        {
            const std::size_t bytes = _launch.regions[i].content.size();
            const bool isSame = std::memcmp(_blocks[i].get(), other._blocks[i].get(), bytes) == 0;
            for (std::size_t at = 0; !isSame && at < bytes; at++)
            {
                if (_blocks[i].get()[at] != other._blocks[i].get()[at])
                {
                    return "byte " + std::to_string(at) + " of allocation " + std::to_string(i) + " (" + std::to_string(bytes) + " bytes)";
                }
            }
        }
        return "";
    }

private:
    void translate(std::vector<unsigned char>& value)
    {
        std::uint64_t address = 0;
        std::memcpy(&address, value.data(), sizeof address);
        for (std::size_t i = 0; i < _blocks.size(); i++)
        {
            const mnr_replay::Region& region = _launch.regions[i];
            if (address >= region.address && address < region.address + region.content.size())
            {
                address = reinterpret_cast<std::uint64_t>(_blocks[i].get()) + (address - region.address);
                break;
            }
        }
        std::memcpy(value.data(), &address, sizeof address);
    }

    const RecordedLaunch& _launch;
    std::vector<Block> _blocks;
    std::vector<std::vector<unsigned char>> _values;
    std::vector<void*> _arguments;
};

struct Variation
{
    const char* name;
    MnrHostOrder order;
    std::uint64_t seed;
    unsigned char fill;
};

constexpr Variation Variations[] = {
    {"forward order", MnrHostForward, 0, 0xff},        {"reverse order", MnrHostReverse, 0, 0xff},
    {"random order 1", MnrHostRandom, 1, 0xff},        {"random order 2", MnrHostRandom, 2, 0xff},
    {"other bytes in shared memory", MnrHostForward, 0, 0x7f}};

std::unique_ptr<Memory> runOnce(const Library& library, const RecordedLaunch& recorded, const MnrHostKernel& kernel, const Variation& variation)
{
    auto memory = std::make_unique<Memory>(recorded, kernel);
    MnrHostLaunch launch = {};
    launch.kernel = &kernel;
    std::memcpy(launch.grid, recorded.grid, sizeof launch.grid);
    std::memcpy(launch.block, recorded.block, sizeof launch.block);
    launch.sharedBytes = recorded.sharedBytes;
    launch.arguments = memory->arguments();
    launch.order = variation.order;
    launch.seed = variation.seed;
    launch.fill = variation.fill;
    MnrHostReport report;
    library.run(&launch, &report);
    if (report.status != 0)
    {
        throw std::runtime_error(std::string(variation.name) + ": " + report.message);
    }
    return memory;
}

int replay(const std::string& libraryPath, const std::string& recordingPath)
{
    const Library library = open(libraryPath);
    RecordingFile file(recordingPath);
    std::map<std::string, int> counts;
    int launches = 0, findings = 0;
    for (RecordedLaunch recorded; file.read(recorded); launches++)
    {
        const auto kernel = library.kernels.find(recorded.kernel);
        if (kernel == library.kernels.end())
        {
            throw std::runtime_error(libraryPath + " has no kernel " + recorded.kernel);
        }
        counts[recorded.kernel]++;
        std::unique_ptr<Memory> first;
        for (const Variation& variation : Variations)
        {
            std::unique_ptr<Memory> memory = runOnce(library, recorded, *kernel->second, variation);
            const std::string difference = first == nullptr ? "" : first->difference(*memory);
            if (!difference.empty())
            {
                std::printf("%s (launch %d): %s gives another %s\n", recorded.kernel.c_str(), launches, variation.name, difference.c_str());
                findings++;
            }
            first = first == nullptr ? std::move(memory) : std::move(first);
        }
    }
    std::printf("%d launches of %zu kernels replayed, %d findings\n", launches, counts.size(), findings);
    if (launches == 0)
    {
        throw std::runtime_error("the recording holds no launch");
    }
    return findings == 0 ? 0 : 1;
}

int covers(const std::string& libraryPath, const std::vector<std::string>& recordingPaths)
{
    const Library library = open(libraryPath);
    std::set<std::string> recorded;
    for (const std::string& path : recordingPaths)
    {
        RecordingFile file(path);
        for (RecordedLaunch launch; file.read(launch);)
        {
            recorded.insert(launch.kernel);
        }
    }
    int missing = 0;
    for (const auto& [name, kernel] : library.kernels)
    {
        if (recorded.count(name) == 0)
        {
            std::printf("%s is launched by no test of the kernels\n", name.c_str());
            missing++;
        }
    }
    std::printf("%zu kernels, %d of them without a test\n", library.kernels.size(), missing);
    return missing == 0 && !library.kernels.empty() ? 0 : 1;
}
}

int main(int count, char** arguments)
{
    const bool isCoverage = count > 3 && std::strcmp(arguments[1], "--covers") == 0;
    if (count != 3 && !isCoverage)
    {
        std::fprintf(stderr, "usage: replay LIBRARY RECORDING, or replay --covers LIBRARY RECORDING...\n");
        return 2;
    }
    try
    {
        return isCoverage ? covers(arguments[2], {arguments + 3, arguments + count}) : replay(arguments[1], arguments[2]);
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "replay: %s\n", error.what());
        return 1;
    }
}
