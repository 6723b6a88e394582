#include "recording_file.h"

#include "recording_format.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace mnr_replay
{
RecordingFile::RecordingFile(const std::string& path) : _file(path, std::ios::binary)
{
    if (!_file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    char mark[sizeof mnr_host::RecordingMark];
    bytes(mark, sizeof mark);
    if (std::memcmp(mark, mnr_host::RecordingMark, sizeof mark) != 0)
    {
        throw std::runtime_error(path + " is no recording of launches");
    }
}

void RecordingFile::bytes(void* target, std::size_t count)
{
    if (!_file.read(static_cast<char*>(target), static_cast<std::streamsize>(count)))
    {
        throw std::runtime_error("the recording breaks off");
    }
}

template <class Number>
Number RecordingFile::number()
{
    Number value;
    bytes(&value, sizeof value);
    return value;
}

void RecordingFile::readPages(std::vector<unsigned char>& content)
{
    for (std::size_t at = 0; at < content.size(); at += mnr_host::PageBytes)
    {
        const std::size_t length = std::min(mnr_host::PageBytes, content.size() - at);
        if (number<unsigned char>() == 0)
        {
            bytes(content.data() + at, length);
        }
        else
        {
            std::memset(content.data() + at, number<unsigned char>(), length);
        }
    }
}

bool RecordingFile::read(RecordedLaunch& launch)
{
    if (_file.peek() == std::ifstream::traits_type::eof())
    {
        return false;
    }
    launch.kernel.resize(number<std::uint32_t>());
    bytes(launch.kernel.data(), launch.kernel.size());
    bytes(launch.grid, sizeof launch.grid);
    bytes(launch.block, sizeof launch.block);
    launch.sharedBytes = number<std::uint32_t>();
    launch.arguments.resize(number<std::uint32_t>());
    for (std::vector<unsigned char>& argument : launch.arguments)
    {
        argument.resize(number<std::uint32_t>());
        bytes(argument.data(), argument.size());
    }
    launch.regions.resize(number<std::uint32_t>());
    for (Region& region : launch.regions)
    {
        region.address = number<std::uint64_t>();
        region.content.resize(number<std::uint64_t>());
        readPages(region.content);
    }
    return true;
}
}
