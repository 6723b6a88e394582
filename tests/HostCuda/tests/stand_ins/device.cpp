#include "device.h"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace stand_in_test
{
namespace
{
// A loaded module, gone with its context.
void* module = nullptr;

std::string readFile(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

template <class Function>
Function symbol(void* library, const char* name)
{
    return reinterpret_cast<Function>(dlsym(library, name));
}
}

// MNR_NVRTC: the stand-in; MNR_KERNELS: the source; MNR_HEADERS: the folder of the kernels' headers.
std::string compiledImage(const char* architecture)
{
    static void* nvrtc = dlopen(std::getenv("MNR_NVRTC"), RTLD_NOW);
    if (nvrtc == nullptr)
    {
        throw std::runtime_error(dlerror());
    }
    const std::string source = readFile(std::getenv("MNR_KERNELS"));
    const std::string target = std::string("--gpu-architecture=") + architecture;
    const std::string include = std::string("--include-path=") + std::getenv("MNR_HEADERS");
    const char* options[] = {target.c_str(), "--std=c++17", include.c_str()};
    void* program = nullptr;
    symbol<int (*)(void**, const char*, const char*, int, void*, void*)>(nvrtc, "nvrtcCreateProgram")(&program, source.c_str(), "kernels.cu", 0, nullptr, nullptr);
    if (symbol<int (*)(void*, int, const char* const*)>(nvrtc, "nvrtcCompileProgram")(program, 3, options) != 0)
    {
        std::size_t size = 0;
        symbol<int (*)(void*, std::size_t*)>(nvrtc, "nvrtcGetProgramLogSize")(program, &size);
        std::string log(size, ' ');
        symbol<int (*)(void*, char*)>(nvrtc, "nvrtcGetProgramLog")(program, log.data());
        throw std::runtime_error(log);
    }
    const bool isPtx = std::string(architecture).rfind("compute_", 0) == 0;
    std::size_t size = 0;
    symbol<int (*)(void*, std::size_t*)>(nvrtc, isPtx ? "nvrtcGetPTXSize" : "nvrtcGetCUBINSize")(program, &size);
    std::string image(size, ' ');
    symbol<int (*)(void*, char*)>(nvrtc, isPtx ? "nvrtcGetPTX" : "nvrtcGetCUBIN")(program, image.data());
    return image;
}

void resetContext()
{
    cuInit(0);
    cuDevicePrimaryCtxReset_v2(0);
    void* context = nullptr;
    cuDevicePrimaryCtxRetain(&context, 0);
    cuCtxSetCurrent(context);
    if (cuModuleLoadData(&module, compiledImage("sm_80").c_str()) != Success)
    {
        throw std::runtime_error("the module does not load");
    }
}

void* kernel(const std::string& name)
{
    void* function = nullptr;
    const int status = cuModuleGetFunction(&function, module, name.c_str());
    if (status != Success)
    {
        throw std::runtime_error("no kernel " + name + ": " + std::to_string(status));
    }
    return function;
}

int launchPacked(const std::string& name, unsigned grid, unsigned block, unsigned sharedBytes, void* stream, void** arguments, bool waits)
{
    void* function = nullptr;
    const int found = cuModuleGetFunction(&function, module, name.c_str());
    const int status = found != Success ? found : cuLaunchKernel(function, grid, 1, 1, block, 1, 1, sharedBytes, stream, arguments, nullptr);
    return status == Success && waits ? cuCtxSynchronize() : status;
}
}
