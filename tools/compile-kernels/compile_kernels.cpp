// Compiles kernels.cu to machine code with NVRTC, without a GPU or a driver, and prints what every kernel needs.
//
//   compile-kernels [--arch sm_80,sm_90] [--library libnvrtc.so] [--include FOLDER] [--cubin FOLDER] kernels.cu
//
// NVRTC is handed everything as the engine does it: kernels.cu with the folders struck out of its includes, and the headers in memory by
// their bare names, with no folder to look into. FOLDER is where the includes' paths begin, that of kernels.cu if it is not named.
//
// Any warning or error of the compiler or the assembler ends it with status 1. The table is read from the cubin, an ELF file: a
// kernel NAME has its code in section .text.NAME and its static shared memory in .nv.shared.NAME; section .nv.info has entries for
// all with the registers of a thread and its stack frame, which is where arrays indexed at run time and spilled registers go. How many
// bytes of it are spilled registers, stored and loaded, the assembler says in the log when it is asked (ptxas -v). From sm_90 on, .nv.shared includes the 1,024 bytes that the system keeps of every block that uses shared memory.
#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct KernelNeeds
{
    unsigned registers = 0, sharedBytes = 0, stackBytes = 0, spillBytes = 0, codeBytes = 0;
    bool hasSpills = false; // whether the assembler has said how many there are
};

using Table = std::map<std::string, KernelNeeds>;

// What is compiled: the main file's text, and headers by the names that they are included by.
struct Unit
{
    std::string text;
    std::map<std::string, std::string> headers;
};

template <class Function>
Function symbol(void* library, const char* name)
{
    void* address = dlsym(library, name);
    if (address == nullptr)
    {
        throw std::runtime_error(std::string("NVRTC has no function ") + name);
    }
    return reinterpret_cast<Function>(address);
}

class Nvrtc
{
public:
    explicit Nvrtc(const std::string& wanted)
    {
        std::vector<std::string> names = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"};
        if (!wanted.empty())
        {
            names = {wanted};
        }
        for (const std::string& name : names)
        {
            _library = _library == nullptr ? dlopen(name.c_str(), RTLD_NOW) : _library;
        }
        if (_library == nullptr)
        {
            throw std::runtime_error("no NVRTC library found (on Debian: package libnvrtc11.2, component non-free)");
        }
    }

    std::string version() const
    {
        int major = 0, minor = 0;
        check(symbol<int (*)(int*, int*)>(_library, "nvrtcVersion")(&major, &minor), "nvrtcVersion");
        return std::to_string(major) + "." + std::to_string(minor);
    }

    // Source to machine code; what the compiler says goes to `log`.
    bool compile(const Unit& unit, const std::string& file, const std::vector<std::string>& options, std::string& log, std::vector<char>& cubin) const
    {
        std::vector<const char*> texts, names;
        for (const auto& header : unit.headers)
        {
            names.push_back(header.first.c_str());
            texts.push_back(header.second.c_str());
        }
        void* program = nullptr;
        check(
            symbol<int (*)(void**, const char*, const char*, int, const char* const*, const char* const*)>(_library, "nvrtcCreateProgram")(
                &program, unit.text.c_str(), file.c_str(), static_cast<int>(names.size()), texts.data(), names.data()),
            "nvrtcCreateProgram");
        std::vector<const char*> arguments;
        for (const std::string& option : options)
        {
            arguments.push_back(option.c_str());
        }
        const int status = symbol<int (*)(void*, int, const char* const*)>(_library, "nvrtcCompileProgram")(
            program, static_cast<int>(arguments.size()), arguments.data());
        std::vector<char> text;
        take(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog", text);
        log = text.data();
        if (status == 0)
        {
            take(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN", cubin);
        }
        check(symbol<int (*)(void**)>(_library, "nvrtcDestroyProgram")(&program), "nvrtcDestroyProgram");
        return status == 0;
    }

private:
    void take(void* program, const char* sizeName, const char* name, std::vector<char>& result) const
    {
        std::size_t size = 0;
        check(symbol<int (*)(void*, std::size_t*)>(_library, sizeName)(program, &size), sizeName);
        result.assign(size + 1, 0);
        check(symbol<int (*)(void*, char*)>(_library, name)(program, result.data()), name);
        result.resize(size == 0 ? 1 : size);
    }

    void check(int status, const char* call) const
    {
        if (status != 0)
        {
            throw std::runtime_error(
                std::string(call) + ": " + symbol<const char* (*)(int)>(_library, "nvrtcGetErrorString")(status));
        }
    }

    void* _library = nullptr;
};

template <class Record>
Record recordAt(const std::vector<char>& image, std::size_t offset)
{
    if (offset + sizeof(Record) > image.size())
    {
        throw std::runtime_error("the cubin ends early");
    }
    Record record;
    std::memcpy(&record, image.data() + offset, sizeof(Record));
    return record;
}

// What the kernels of a cubin need.
Table readCubin(const std::vector<char>& image)
{
    // An entry is format, attribute, size of its value, value; these attributes' values are {symbol, number}.
    constexpr std::uint8_t SizedValue = 4;
    constexpr std::uint8_t FrameSize = 0x11;
    constexpr std::uint8_t RegisterCount = 0x2f;
    const auto header = recordAt<Elf64_Ehdr>(image, 0);
    std::vector<Elf64_Shdr> sections;
    for (unsigned i = 0; i < header.e_shnum; i++)
    {
        sections.push_back(recordAt<Elf64_Shdr>(image, header.e_shoff + i * sizeof(Elf64_Shdr)));
    }
    const auto nameOf = [&](const Elf64_Shdr& section) { return std::string(image.data() + sections[header.e_shstrndx].sh_offset + section.sh_name); };
    Table table;
    const Elf64_Shdr* symbols = nullptr;
    for (const Elf64_Shdr& section : sections)
    {
        const std::string name = nameOf(section);
        if (name.rfind(".text.", 0) == 0)
        {
            table[name.substr(6)].codeBytes = static_cast<unsigned>(section.sh_size);
        }
        else if (name.rfind(".nv.shared.", 0) == 0)
        {
            table[name.substr(11)].sharedBytes = static_cast<unsigned>(section.sh_size);
        }
        symbols = section.sh_type == SHT_SYMTAB ? &section : symbols;
    }
    for (const Elf64_Shdr& section : sections)
    {
        if (nameOf(section) != ".nv.info" || symbols == nullptr)
        {
            continue;
        }
        for (std::size_t at = section.sh_offset; at < section.sh_offset + section.sh_size;)
        {
            const auto format = recordAt<std::uint8_t>(image, at);
            const auto attribute = recordAt<std::uint8_t>(image, at + 1);
            const auto size = format == SizedValue ? recordAt<std::uint16_t>(image, at + 2) : std::uint16_t{0};
            if (format == SizedValue && (attribute == FrameSize || attribute == RegisterCount))
            {
                const auto index = recordAt<std::uint32_t>(image, at + 4);
                const auto symbolEntry = recordAt<Elf64_Sym>(image, symbols->sh_offset + index * sizeof(Elf64_Sym));
                const std::string name = image.data() + sections[symbols->sh_link].sh_offset + symbolEntry.st_name;
                if (table.count(name) != 0)
                {
                    (attribute == FrameSize ? table[name].stackBytes : table[name].registers) = recordAt<std::uint32_t>(image, at + 8);
                }
            }
            at += 4 + size;
        }
    }
    for (const auto& entry : table)
    {
        if (entry.second.registers == 0)
        {
            throw std::runtime_error("the cubin does not say how many registers " + entry.first + " needs");
        }
    }
    return table;
}

// Takes the assembler's report out of a log and notes what it says of spills in the table; what remains are warnings and errors.
//
//   ptxas info    : Function properties for NAME
//   ptxas         .     16 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads
std::string takeSpills(const std::string& log, Table& table)
{
    std::istringstream lines(log);
    std::string rest, kernel;
    for (std::string line; std::getline(lines, line);)
    {
        const std::string properties = "Function properties for ";
        const std::size_t name = line.find(properties);
        unsigned stack = 0, stores = 0, loads = 0;
        if (line.rfind("ptxas info", 0) == 0)
        {
            kernel = name == std::string::npos ? kernel : line.substr(name + properties.size());
        }
        else if (std::sscanf(line.c_str() + std::min(line.find_first_of("0123456789"), line.size()), "%u bytes stack frame, %u bytes spill stores, %u bytes spill loads", &stack, &stores, &loads) == 3)
        {
            if (table.count(kernel) != 0)
            {
                table[kernel].spillBytes = stores + loads;
                table[kernel].hasSpills = true;
            }
        }
        else if (line.find_first_not_of(std::string(" \r\n\0", 4)) != std::string::npos)
        {
            rest += line + "\n";
        }
    }
    return rest;
}

std::vector<std::string> split(const std::string& list)
{
    std::vector<std::string> parts;
    std::stringstream stream(list);
    for (std::string part; std::getline(stream, part, ',');)
    {
        parts.push_back(part);
    }
    return parts;
}

std::string readFile(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void print(const std::vector<std::string>& architectures, const std::vector<Table>& tables)
{
    std::printf("%-42s", "kernel");
    for (const std::string& architecture : architectures)
    {
        std::printf(" | %-8s registers  shared   stack  spills    code", architecture.c_str());
    }
    std::printf("\n");
    for (const auto& entry : tables.front())
    {
        std::printf("%-42s", entry.first.c_str());
        for (const Table& table : tables)
        {
            const KernelNeeds& needs = table.at(entry.first);
            std::printf(" | %18u %7u %7u %7u %7u", needs.registers, needs.sharedBytes, needs.stackBytes, needs.spillBytes, needs.codeBytes);
        }
        std::printf("\n");
    }
}

// The main file and all headers of the folders that it includes some from.
Unit readUnit(const std::string& file, const std::string& folder)
{
    const std::string start = "#include \"";
    Unit unit;
    std::istringstream lines(readFile(file));
    for (std::string line; std::getline(lines, line); unit.text += line + "\n")
    {
        const std::size_t slash = line.rfind('/');
        if (line.rfind(start, 0) != 0 || slash == std::string::npos)
        {
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(folder + "/" + line.substr(start.size(), slash - start.size())))
        {
            if (entry.path().extension() == ".cuh")
            {
                unit.headers[entry.path().filename().string()] = readFile(entry.path().string());
            }
        }
        line = start + line.substr(slash + 1);
    }
    return unit;
}

int run(int count, char** arguments)
{
    std::string library, folder, cubinFolder, file;
    std::vector<std::string> architectures = {"sm_80", "sm_90"};
    for (int i = 1; i < count; i++)
    {
        const std::string argument = arguments[i];
        const bool hasValue = i + 1 < count;
        if (argument == "--arch" && hasValue)
        {
            architectures = split(arguments[++i]);
        }
        else if (argument == "--library" && hasValue)
        {
            library = arguments[++i];
        }
        else if (argument == "--include" && hasValue)
        {
            folder = arguments[++i];
        }
        else if (argument == "--cubin" && hasValue)
        {
            cubinFolder = arguments[++i];
        }
        else
        {
            file = argument;
        }
    }
    if (file.empty() || architectures.empty())
    {
        std::fprintf(stderr, "usage: compile-kernels [--arch sm_80,sm_90] [--library FILE] [--include FOLDER] [--cubin FOLDER] kernels.cu\n");
        return 2;
    }
    if (folder.empty())
    {
        const std::size_t slash = file.rfind('/');
        folder = slash == std::string::npos ? "." : file.substr(0, slash);
    }
    const Nvrtc nvrtc(library);
    const Unit unit = readUnit(file, folder);
    std::vector<Table> tables;
    bool isClean = true;
    for (const std::string& architecture : architectures)
    {
        std::string log;
        std::vector<char> cubin;
        const bool isCompiled = nvrtc.compile(unit, "kernels.cu", {"--gpu-architecture=" + architecture, "--std=c++17", "--ptxas-options=-v"}, log, cubin);
        Table table = isCompiled ? readCubin(cubin) : Table();
        const std::string complaints = takeSpills(log, table);
        if (!isCompiled || !complaints.empty())
        {
            std::fprintf(stderr, "%s: %s\n%s\n", architecture.c_str(), isCompiled ? "warnings" : "errors", complaints.c_str());
            isClean = false;
            continue;
        }
        for (const auto& entry : table)
        {
            if (!entry.second.hasSpills)
            {
                throw std::runtime_error("the assembler did not say how many registers " + entry.first + " spills");
            }
        }
        if (!cubinFolder.empty())
        {
            std::ofstream(cubinFolder + "/kernels." + architecture + ".cubin", std::ios::binary).write(cubin.data(), static_cast<std::streamsize>(cubin.size()));
        }
        tables.push_back(table);
    }
    if (!isClean)
    {
        return 1;
    }
    std::printf("NVRTC %s, bytes of static shared memory, stack (spilled registers and arrays), spill stores and loads, and code\n", nvrtc.version().c_str());
    print(architectures, tables);
    return 0;
}
}

int main(int count, char** arguments)
{
    try
    {
        return run(count, arguments);
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "compile-kernels: %s\n", error.what());
        return 1;
    }
}
