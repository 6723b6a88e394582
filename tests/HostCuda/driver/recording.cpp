#include "recording.h"

#include "recording_format.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace mnr_driver
{
namespace
{
class Recording
{
public:
    explicit Recording(const std::string& path) : _file(std::fopen(path.c_str(), "wb"))
    {
        if (_file == nullptr)
        {
            report("cannot write the recording " + path);
            return;
        }
        write(mnr_host::RecordingMark, sizeof mnr_host::RecordingMark);
    }

    // Nothing is closed or freed: the file is complete after each launch, and lives as long as the process.
    void add(const MnrHostLaunch& launch, const std::map<std::uint64_t, std::size_t>& regions)
    {
        const MnrHostKernel& kernel = *launch.kernel;
        if (_file == nullptr || _counts[kernel.name] >= settings().recordPerKernel || _bytes >= settings().recordBytes)
        {
            return;
        }
        _counts[kernel.name]++;
        const std::string name = kernel.name;
        number(static_cast<std::uint32_t>(name.size()));
        write(name.data(), name.size());
        write(launch.grid, sizeof launch.grid);
        write(launch.block, sizeof launch.block);
        number(launch.sharedBytes);
        number(kernel.argumentCount);
        for (unsigned i = 0; i < kernel.argumentCount; i++)
        {
            number(kernel.argumentSizes[i]);
            write(launch.arguments[i], kernel.argumentSizes[i]);
        }
        number(static_cast<std::uint32_t>(regions.size()));
        for (const auto& region : regions)
        {
            number(region.first);
            number(static_cast<std::uint64_t>(region.second));
            writePages(reinterpret_cast<const unsigned char*>(region.first), region.second);
        }
        std::fflush(_file);
    }

private:
    template <class Number>
    void number(Number value)
    {
        write(&value, sizeof value);
    }

    void writePages(const unsigned char* memory, std::size_t bytes)
    {
        for (std::size_t at = 0; at < bytes; at += mnr_host::PageBytes)
        {
            const unsigned char* page = memory + at;
            const std::size_t length = std::min(mnr_host::PageBytes, bytes - at);
            const bool isOneByte = std::memcmp(page, page + 1, length - 1) == 0;
            number(static_cast<unsigned char>(isOneByte ? 1 : 0));
            write(page, isOneByte ? 1 : length);
        }
    }

    void write(const void* data, std::size_t bytes)
    {
        _bytes += bytes;
        if (std::fwrite(data, 1, bytes, _file) != bytes)
        {
            report("the recording cannot be written to its end");
            std::abort();
        }
    }

    std::FILE* _file;
    std::map<std::string, unsigned> _counts;
    std::uint64_t _bytes = 0;
};
}

void record(const MnrHostLaunch& launch, Context& context)
{
    if (settings().recordFile.empty())
    {
        return;
    }
    static Recording* recording = new Recording(settings().recordFile);
    std::map<std::uint64_t, std::size_t> regions;
    for (unsigned i = 0; i < launch.kernel->argumentCount; i++)
    {
        if (launch.kernel->argumentIsPointer[i])
        {
            std::uint64_t address = 0;
            std::memcpy(&address, launch.arguments[i], sizeof address);
            const auto region = context.allocations.find(address);
            if (region.first != 0)
            {
                regions.insert(region);
            }
        }
    }
    recording->add(launch, regions);
}
}
