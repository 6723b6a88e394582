// NVRTC's stand-in: the sources it was built from compile, all others do not.
#include "device.h"
#include "expect.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using namespace stand_in_test;

extern "C"
{
int nvrtcCreateProgram(void** program, const char* source, const char* name, int count, const char* const* headers, const char* const* names);
int nvrtcDestroyProgram(void** program);
int nvrtcCompileProgram(void* program, int count, const char* const* options);
int nvrtcGetProgramLogSize(void* program, std::size_t* size);
int nvrtcGetProgramLog(void* program, char* log);
int nvrtcGetCUBINSize(void* program, std::size_t* size);
int nvrtcGetPTXSize(void* program, std::size_t* size);
}

namespace
{
std::string readFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// The test kernels and all headers of the kernels' folder, by bare names.
std::string source()
{
    return readFile(std::getenv("MNR_KERNELS"));
}

std::map<std::string, std::string> headers()
{
    std::map<std::string, std::string> texts;
    for (const auto& file : std::filesystem::directory_iterator(std::getenv("MNR_HEADERS")))
    {
        if (file.path().extension() == ".cuh")
        {
            texts[file.path().filename().string()] = readFile(file.path());
        }
    }
    return texts;
}

struct Result
{
    int status;
    std::string log;
    std::size_t machineCode, ptx;
};

Result compile(const std::string& text, const std::map<std::string, std::string>& included, const std::vector<const char*>& options)
{
    std::vector<const char*> names, texts;
    for (const auto& header : included)
    {
        names.push_back(header.first.c_str());
        texts.push_back(header.second.c_str());
    }
    void* program = nullptr;
    expect("create", nvrtcCreateProgram(&program, text.c_str(), "kernels.cu", static_cast<int>(names.size()), texts.data(), names.data()), 0);
    Result result = {};
    result.status = nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
    std::size_t size = 0;
    nvrtcGetProgramLogSize(program, &size);
    result.log.resize(size);
    nvrtcGetProgramLog(program, result.log.data());
    nvrtcGetCUBINSize(program, &result.machineCode);
    nvrtcGetPTXSize(program, &result.ptx);
    expect("destroy", nvrtcDestroyProgram(&program), 0);
    return result;
}

constexpr int InvalidOption = 5, CompilationFailed = 6;

void rightSources()
{
    const Result machineCode = compile(source(), headers(), {"--gpu-architecture=sm_80", "--std=c++17"});
    expect("status", machineCode.status, 0);
    expectTrue(machineCode.machineCode > 1 && machineCode.ptx > 1, "machine code and PTX");
    const Result ptx = compile(source(), headers(), {"-arch", "compute_80"});
    expect("status", ptx.status, 0);
    expect("no machine code for a virtual architecture", ptx.machineCode, std::size_t{0});
    std::string windows = source();
    for (std::size_t at = windows.find('\n'); at != std::string::npos; at = windows.find('\n', at + 2))
    {
        windows.replace(at, 1, "\r\n");
    }
    expect("other line ends", compile(windows, headers(), {"--gpu-architecture=sm_80"}).status, 0);
}

void otherSources()
{
    const Result changed = compile(source() + "\n// changed\n", headers(), {"--gpu-architecture=sm_80"});
    expect("a changed kernel", changed.status, CompilationFailed);
    std::map<std::string, std::string> other = headers();
    other["device.cuh"] += "\nconstexpr int Another = 1;\n";
    const Result header = compile(source(), other, {"--gpu-architecture=sm_80"});
    expect("a changed header", header.status, CompilationFailed);
    expectTrue(header.log.find("device.cuh") != std::string::npos, "the log names it: " + header.log);
    const Result missing = compile(source(), {}, {"--gpu-architecture=sm_80"});
    expect("a header that is missing", missing.status, CompilationFailed);
    expectTrue(missing.log.find("cannot open source file \"device.cuh\"") != std::string::npos, "the log names it: " + missing.log);
}

void options()
{
    expect("an architecture that is none", compile(source(), headers(), {"--gpu-architecture=sm_12"}).status, InvalidOption);
    expect("an option that is none", compile(source(), headers(), {"fast"}).status, InvalidOption);
    setenv("MNR_HOST_FAIL_COMPILATION", "expected a ;", 1);
    const Result failed = compile(source(), headers(), {"--gpu-architecture=sm_80"});
    unsetenv("MNR_HOST_FAIL_COMPILATION");
    expect("an error on demand", failed.status, CompilationFailed);
    expectTrue(failed.log.find("error: expected a ;") != std::string::npos, "its text: " + failed.log);
}
}

int main()
{
    return runCases({{"the sources it was built from compile", rightSources}, {"others do not", otherSources}, {"options", options}});
}
