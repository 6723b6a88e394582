// list-sources OUTPUT.h KERNELS.cu FOLDER: writes the hashes of a kernel source and of all that it includes, from its own folder or from
// FOLDER, for the library compiled from it and for the NVRTC stand-in.
#include "source_hash.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

namespace
{
bool addSource(const std::string& path, const std::string& otherFolder, std::map<std::string, std::uint64_t>& hashes)
{
    if (hashes.count(mnr_host::bareName(path)) != 0)
    {
        return true;
    }
    std::ifstream file(path, std::ios::binary);
    if (!file)
    {
        std::fprintf(stderr, "list-sources: cannot read %s\n", path.c_str());
        return false;
    }
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    hashes[mnr_host::bareName(path)] = mnr_host::hashSource(text);
    const std::string folder = path.substr(0, path.size() - mnr_host::bareName(path).size());
    std::istringstream lines(text);
    const std::string start = "#include \"";
    for (std::string line; std::getline(lines, line);)
    {
        if (line.rfind(start, 0) != 0)
        {
            continue;
        }
        const std::string name = line.substr(start.size(), line.find('"', start.size()) - start.size());
        // The host's own half of device.cuh is no kernel source: a GPU compiler never sees it.
        if (name == "host_instructions.h")
        {
            continue;
        }
        const bool isBeside = std::filesystem::exists(std::filesystem::path(folder + name));
        if (!addSource(isBeside ? folder + name : otherFolder + "/" + name, otherFolder, hashes))
        {
            return false;
        }
    }
    return true;
}
}

int main(int count, char** arguments)
{
    if (count != 4)
    {
        std::fprintf(stderr, "usage: list-sources OUTPUT.h KERNELS.cu FOLDER\n");
        return 2;
    }
    std::map<std::string, std::uint64_t> hashes;
    if (!addSource(arguments[2], arguments[3], hashes))
    {
        return 1;
    }
    std::ofstream output(arguments[1]);
    std::uint64_t all = 0;
    output << "// Made by list-sources.\n#pragma once\n\n#include <cstdint>\n\nnamespace mnr_host\n{\nstruct SourceFile\n{\n    const char* name;\n"
              "    std::uint64_t hash;\n};\n\nconstexpr SourceFile SourceFiles[] = {\n";
    for (const auto& entry : hashes)
    {
        output << "    {\"" << entry.first << "\", " << entry.second << "ull},\n";
        all = all * 31 + entry.second;
    }
    output << "};\nconstexpr const char* MainSource = \"" << mnr_host::bareName(arguments[2]) << "\";\nconstexpr std::uint64_t SourceHash = " << all
           << "ull;\n}\n";
    return output.good() ? 0 : 1;
}
