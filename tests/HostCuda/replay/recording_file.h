// Recorded launches as they lie in the file (runtime/recording_format.h).
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace mnr_replay
{
struct Region
{
    std::uint64_t address;
    std::vector<unsigned char> content;
};

struct RecordedLaunch
{
    std::string kernel;
    unsigned grid[3], block[3], sharedBytes;
    std::vector<std::vector<unsigned char>> arguments;
    std::vector<Region> regions;
};

class RecordingFile
{
public:
    explicit RecordingFile(const std::string& path);

    // The next launch; false at the end. A file that breaks off throws.
    bool read(RecordedLaunch& launch);

private:
    template <class Number>
    Number number();
    void bytes(void* target, std::size_t count);
    void readPages(std::vector<unsigned char>& content);

    std::ifstream _file;
};
}
