// Modules: libraries of host kernels, named by the images that the NVRTC stand-in makes.
#include "source_hash.h"
#include "state.h"

#include <dlfcn.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace mnr_driver;

namespace
{
constexpr const char* MachineCode = "host kernels as machine code\n";
constexpr const char* Ptx = "host kernels as PTX\n";

std::string folderOfThisLibrary()
{
    Dl_info self;
    const std::string path = dladdr(reinterpret_cast<const void*>(&folderOfThisLibrary), &self) == 0 ? "" : self.dli_fname;
    return path.substr(0, path.size() - mnr_host::bareName(path).size());
}

std::map<std::string, std::string> readImage(const char* text)
{
    std::map<std::string, std::string> fields;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
    {
        const std::size_t space = line.find(' ');
        if (space != std::string::npos)
        {
            fields[line.substr(0, space)] = line.substr(space + 1);
        }
    }
    return fields;
}

// What a driver says to code for another GPU, or made by a newer compiler than it knows.
int checkArchitecture(const std::string& architecture, bool isMachineCode)
{
    constexpr int CompilerVersion = 12040;
    const int number = std::atoi(architecture.substr(architecture.find('_') + 1).c_str());
    const int major = number / 10, minor = number % 10;
    if (!isMachineCode && settings().driverVersion < CompilerVersion)
    {
        return UnsupportedPtxVersion;
    }
    const bool runs = isMachineCode ? major == settings().computeMajor && minor <= settings().computeMinor && settings().driverVersion / 1000 >= CompilerVersion / 1000
                                    : 10 * major + minor <= 10 * settings().computeMajor + settings().computeMinor;
    return runs ? Success : NoBinaryForGpu;
}

template <class FunctionPointer>
FunctionPointer symbol(void* library, const char* name)
{
    return reinterpret_cast<FunctionPointer>(dlsym(library, name));
}

int load(Context& context, Module** result, const char* image, std::string& log)
{
    const bool isMachineCode = std::strncmp(image, MachineCode, std::strlen(MachineCode)) == 0;
    if (!isMachineCode && std::strncmp(image, Ptx, std::strlen(Ptx)) != 0)
    {
        log = "this image is no kernels for the host: was it compiled for a GPU?";
        return InvalidImage;
    }
    std::map<std::string, std::string> fields = readImage(image);
    const int status = checkArchitecture(fields["architecture"], isMachineCode);
    if (status != Success)
    {
        log = "code for " + fields["architecture"] + " does not run on this device with this driver";
        return status;
    }
    void* library = nullptr;
    for (const std::string& folder : {fields["folder"], folderOfThisLibrary()})
    {
        library = library == nullptr ? dlopen((folder + fields["library"]).c_str(), RTLD_NOW | RTLD_LOCAL) : library;
    }
    if (library == nullptr)
    {
        log = std::string("the kernels on the host cannot be loaded: ") + dlerror();
        return SharedObjectInitFailed;
    }
    const auto kernels = symbol<const MnrHostKernel* (*)()>(library, "mnrHostKernels");
    const auto hash = symbol<std::uint64_t (*)()>(library, "mnrHostSourceHash");
    const auto run = symbol<void (*)(const MnrHostLaunch*, MnrHostReport*)>(library, "mnrHostRun");
    if (kernels == nullptr || hash == nullptr || run == nullptr || std::to_string(hash()) != fields["sources"])
    {
        log = fields["library"] + " was compiled from other sources than this image; build tests/HostCuda again";
        return InvalidImage;
    }
    Module* module = new Module();
    module->context = &context;
    module->library = library;
    module->run = run;
    module->file = fields["folder"] + fields["library"];
    for (const MnrHostKernel* kernel = kernels(); kernel != nullptr; kernel = kernel->next)
    {
        Function* function = new Function();
        function->module = module;
        function->kernel = kernel;
        module->functions[kernel->name] = function;
        state().functions.insert(function);
    }
    state().modules.insert(module);
    *result = module;
    return Success;
}

int loadWithLog(Module** module, const void* image, std::string& log)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            if (module == nullptr || image == nullptr)
            {
                return static_cast<int>(InvalidValue);
            }
            const int status = load(context, module, static_cast<const char*>(image), log);
            if (status == InvalidImage || status == SharedObjectInitFailed)
            {
                report(log);
            }
            return status;
        });
}
}

extern "C"
{
int cuModuleLoadData(Module** module, const void* image)
{
    std::string log;
    return loadWithLog(module, image, log);
}

int cuModuleLoadDataEx(Module** module, const void* image, unsigned count, int* options, void** values)
{
    constexpr int InfoLogBuffer = 3, InfoLogSize = 4, ErrorLogBuffer = 5, ErrorLogSize = 6;
    std::string log;
    const int status = loadWithLog(module, image, log);
    char* buffer = nullptr;
    std::size_t size = 0;
    for (unsigned i = 0; i < count; i++)
    {
        if (options[i] == InfoLogBuffer && values[i] != nullptr)
        {
            *static_cast<char*>(values[i]) = 0;
        }
        else if (options[i] == ErrorLogBuffer)
        {
            buffer = static_cast<char*>(values[i]);
        }
        else if (options[i] == ErrorLogSize || options[i] == InfoLogSize)
        {
            size = options[i] == ErrorLogSize ? reinterpret_cast<std::size_t>(values[i]) : size;
            // The driver hands back how much of the buffer it filled.
            values[i] = reinterpret_cast<void*>(options[i] == ErrorLogSize ? log.size() : std::size_t{0});
        }
    }
    if (buffer != nullptr && size != 0)
    {
        std::strncpy(buffer, log.c_str(), size);
        buffer[size - 1] = 0;
    }
    return status;
}

int cuModuleLoadFatBinary(Module** module, const void* image)
{
    return cuModuleLoadData(module, image);
}

int cuModuleLoad(Module** module, const char* path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
    {
        return FileNotFound;
    }
    const std::string image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return cuModuleLoadData(module, image.c_str());
}

int cuModuleUnload(Module* module)
{
    return withContext(
        In::NoCapture,
        [&](Context& context)
        {
            if (state().modules.erase(module) == 0)
            {
                return InvalidHandle;
            }
            drainAll(context);
            for (auto& function : module->functions)
            {
                state().functions.erase(function.second);
                retire(function.second);
            }
            // The library stays: its threads wait for the next launch.
            retire(module);
            return Success;
        });
}

int cuModuleGetFunction(Function** function, Module* module, const char* name)
{
    return withContext(
        In::AnyState,
        [&](Context&)
        {
            if (state().modules.count(module) == 0 || function == nullptr || name == nullptr)
            {
                return state().modules.count(module) == 0 ? InvalidHandle : InvalidValue;
            }
            const auto found = module->functions.find(name);
            if (found == module->functions.end() || settings().missingKernel == name)
            {
                return NotFound;
            }
            *function = found->second;
            return Success;
        });
}

int cuModuleGetGlobal_v2(std::uint64_t*, std::size_t*, Module*, const char*)
{
    return NotFound;
}

int cuModuleGetLoadingMode(int* mode)
{
    constexpr int Lazy = 2;
    *mode = Lazy;
    return Success;
}

int cuFuncGetName(const char** name, Function* function)
{
    return initialized(
        [&]
        {
            if (state().functions.count(function) == 0)
            {
                return InvalidHandle;
            }
            *name = function->kernel->name;
            return Success;
        });
}
}
