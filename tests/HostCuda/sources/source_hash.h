// The hash by which the NVRTC stand-in knows kernel sources again.
#pragma once

#include <cstdint>
#include <string>

namespace mnr_host
{
// FNV-1a of a source text, whatever its line ends, and with the folders struck out of its include lines, as for NVRTC in memory.
inline std::uint64_t hashSource(const std::string& text)
{
    constexpr std::uint64_t Basis = 1469598103934665603ull, Prime = 1099511628211ull;
    std::uint64_t hash = Basis;
    for (std::size_t begin = 0; begin < text.size();)
    {
        std::size_t end = text.find('\n', begin);
        end = end == std::string::npos ? text.size() : end;
        std::string line = text.substr(begin, end - begin);
        if (line.rfind("#include \"", 0) == 0)
        {
            const std::size_t slash = line.rfind('/');
            line = slash == std::string::npos ? line : "#include \"" + line.substr(slash + 1);
        }
        if (!line.empty() && line.back() == '\r')
        {
            line.pop_back();
        }
        line += '\n';
        for (const char character : line)
        {
            hash = (hash ^ static_cast<unsigned char>(character)) * Prime;
        }
        begin = end + 1;
    }
    return hash;
}

// The bare name of a file.
inline std::string bareName(const std::string& path)
{
    return path.substr(path.find_last_of("/\\") + 1);
}
}
