#include "kernel_test.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace kernel_test
{
namespace
{
// What is loaded: the driver and a module with all kernels.
//   MNR_CUDA_DRIVER   the driver's library, libcuda.so.1 where it is not set
//   MNR_NVRTC         NVRTC's library, or MNR_KERNEL_IMAGE a compiled module
//   MNR_KERNELS       the folder of kernels.cu
class Device
{
public:
    static Device& instance()
    {
        static Device device;
        return device;
    }


    template <class... Arguments>
    void call(const char* name, Arguments... arguments)
    {
        const int status = symbol<int (*)(Arguments...)>(_driver, name)(arguments...);
        if (status != 0)
        {
            const char* text = nullptr;
            symbol<int (*)(int, const char**)>(_driver, "cuGetErrorString")(status, &text);
            throw std::runtime_error(std::string(name) + ": " + (text == nullptr ? std::to_string(status) : text));
        }
    }

    void* function(const std::string& name)
    {
        void* result = nullptr;
        call("cuModuleGetFunction", &result, _module, name.c_str());
        return result;
    }

    std::uint64_t hash = 1469598103934665603ull;
    int failures = 0;

private:
    template <class Function>
    static Function symbol(void* library, const char* name)
    {
        void* address = dlsym(library, name);
        if (address == nullptr)
        {
            throw std::runtime_error(std::string("no function ") + name);
        }
        return reinterpret_cast<Function>(address);
    }

    static void* open(const char* variable, const char* otherwise)
    {
        const char* name = std::getenv(variable);
        void* library = dlopen(name == nullptr ? otherwise : name, RTLD_NOW | RTLD_GLOBAL);
        if (library == nullptr)
        {
            throw std::runtime_error(dlerror());
        }
        return library;
    }

    Device()
    {
        _driver = open("MNR_CUDA_DRIVER", "libcuda.so.1");
        int device = 0;
        void* context = nullptr;
        call("cuInit", 0u);
        call("cuDeviceGet", &device, 0);
        call("cuDevicePrimaryCtxRetain", &context, device);
        call("cuCtxSetCurrent", context);
        const char* image = std::getenv("MNR_KERNEL_IMAGE");
        const std::vector<char> code = image == nullptr ? compile(device) : readFile(image);
        call("cuModuleLoadData", &_module, static_cast<const void*>(code.data()));
    }

    static std::vector<char> readFile(const std::string& path)
    {
        std::ifstream file(path, std::ios::binary);
        std::vector<char> text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        text.push_back(0);
        return text;
    }

    std::vector<char> compile(int device)
    {
        void* nvrtc = open("MNR_NVRTC", "libnvrtc.so.13");
        const char* folder = std::getenv("MNR_KERNELS");
        const std::string root = folder == nullptr ? "." : folder;
        int major = 0, minor = 0;
        call("cuDeviceGetAttribute", &major, 75, device);
        call("cuDeviceGetAttribute", &minor, 76, device);
        const std::string architecture = "--gpu-architecture=sm_" + std::to_string(10 * major + minor);
        const char* options[] = {architecture.c_str(), "--std=c++17"};
        void* program = nullptr;
        // NVRTC finds a header in memory only by the very name that it is included by: the bare one.
        const std::string headerFolder = "src/Kernels/Cuda/Native/";
        std::string source = readFile(root + "/kernels.cu").data();
        for (std::size_t at = source.find(headerFolder); at != std::string::npos; at = source.find(headerFolder))
        {
            source.erase(at, headerFolder.size());
        }
        std::vector<std::string> names;
        std::vector<std::vector<char>> texts;
        for (const auto& file : std::filesystem::directory_iterator(root + "/" + headerFolder))
        {
            if (file.path().extension() == ".cuh")
            {
                names.push_back(file.path().filename().string());
                texts.push_back(readFile(file.path().string()));
            }
        }
        std::vector<const char*> namePointers, textPointers;
        for (std::size_t i = 0; i < names.size(); i++)
        {
            namePointers.push_back(names[i].c_str());
            textPointers.push_back(texts[i].data());
        }
        int status = symbol<int (*)(void**, const char*, const char*, int, const char* const*, const char* const*)>(nvrtc, "nvrtcCreateProgram")(
            &program, source.c_str(), "kernels.cu", static_cast<int>(names.size()), textPointers.data(), namePointers.data());
        status = status != 0 ? status : symbol<int (*)(void*, int, const char* const*)>(nvrtc, "nvrtcCompileProgram")(program, 2, options);
        std::size_t size = 0;
        if (status != 0)
        {
            symbol<int (*)(void*, std::size_t*)>(nvrtc, "nvrtcGetProgramLogSize")(program, &size);
            std::vector<char> log(size + 1);
            symbol<int (*)(void*, char*)>(nvrtc, "nvrtcGetProgramLog")(program, log.data());
            throw std::runtime_error(std::string("NVRTC: ") + log.data());
        }
        symbol<int (*)(void*, std::size_t*)>(nvrtc, "nvrtcGetCUBINSize")(program, &size);
        std::vector<char> image(size);
        symbol<int (*)(void*, char*)>(nvrtc, "nvrtcGetCUBIN")(program, image.data());
        return image;
    }

    void* _driver = nullptr;
    void* _module = nullptr;
};

constexpr const char* ChildVariable = "MNR_KERNEL_TEST_CHILD";

// What the program prints with another setting of the stand-in driver; what is recorded of this run stays.
std::string runAgain(const std::string& program, const std::string& setting)
{
    const std::string command = std::string(ChildVariable) + "=1 MNR_HOST_RECORD= " + setting + " '" + program + "' | tail -n 1";
    std::FILE* pipe = popen(command.c_str(), "r");
    char line[256] = {};
    const bool isRead = pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr;
    if (pipe != nullptr)
    {
        pclose(pipe);
    }
    return isRead ? line : "nothing";
}
}

std::uint16_t toBf16(float value)
{
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float fromBf16(std::uint16_t half)
{
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

Memory::Memory(std::size_t size) : bytes(size)
{
    Device::instance().call("cuMemAlloc_v2", &address, size == 0 ? std::size_t{4} : size);
}

Memory::~Memory()
{
    try
    {
        Device::instance().call("cuMemFree_v2", address);
    }
    catch (const std::exception& error)
    {
        std::printf("    %s\n", error.what());
        Device::instance().failures++;
    }
}

void Memory::write(const void* source)
{
    if (bytes != 0)
    {
        Device::instance().call("cuMemcpyHtoD_v2", address, source, bytes);
    }
}

void Memory::read(void* target, std::size_t count) const
{
    Device& device = Device::instance();
    device.call("cuMemcpyDtoH_v2", target, address, count);
    const unsigned char* values = static_cast<const unsigned char*>(target);
    for (std::size_t i = 0; i < count; i++)
    {
        device.hash = (device.hash ^ values[i]) * 1099511628211ull;
    }
}

Activations::Activations(bool isBf16, std::size_t count) : _isBf16(isBf16), _count(count), _memory(count * (isBf16 ? 2 : 4))
{
}

Activations::Activations(bool isBf16, const std::vector<double>& values) : Activations(isBf16, values.size())
{
    std::vector<std::uint16_t> halves;
    for (const double value : values)
    {
        halves.push_back(toBf16(static_cast<float>(value)));
    }
    const std::vector<float> singles = floats(values);
    _memory.write(isBf16 ? static_cast<const void*>(halves.data()) : singles.data());
}

std::vector<double> Activations::read() const
{
    std::vector<double> values;
    if (_isBf16)
    {
        std::vector<std::uint16_t> halves(_count);
        _memory.read(halves.data(), _count * sizeof(std::uint16_t));
        for (const std::uint16_t half : halves)
        {
            values.push_back(fromBf16(half));
        }
        return values;
    }
    std::vector<float> singles(_count);
    _memory.read(singles.data(), _count * sizeof(float));
    return doubles(singles);
}

void launchPacked(const std::string& name, Shape grid, unsigned block, unsigned sharedBytes, void** arguments)
{
    Device& device = Device::instance();
    void* function = device.function(name);
    constexpr int MaxDynamicSharedSize = 8;
    device.call("cuFuncSetAttribute", function, MaxDynamicSharedSize, static_cast<int>(sharedBytes));
    void* stream = nullptr;
    void** extra = nullptr;
    try
    {
        device.call("cuLaunchKernel", function, grid.x, grid.y, grid.z, block, 1u, 1u, sharedBytes, stream, arguments, extra);
        device.call("cuCtxSynchronize");
    }
    catch (const std::exception& error)
    {
        throw std::runtime_error(name + ": " + error.what());
    }
}

std::vector<double> normal(std::mt19937& random, std::size_t count, bool isBf16, double scale, double mean)
{
    std::normal_distribution<double> distribution(mean, scale);
    std::vector<double> values(count);
    for (double& value : values)
    {
        const float single = static_cast<float>(distribution(random));
        value = isBf16 ? fromBf16(toBf16(single)) : single;
    }
    return values;
}

std::vector<float> floats(const std::vector<double>& values)
{
    std::vector<float> singles;
    for (const double value : values)
    {
        singles.push_back(static_cast<float>(value));
    }
    return singles;
}

std::vector<double> doubles(const std::vector<float>& values)
{
    return std::vector<double>(values.begin(), values.end());
}

double norm(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
    {
        sum += value * value;
    }
    return std::sqrt(sum);
}

double outputRounding(bool isBf16, const std::vector<double>& expected)
{
    double sum = 0;
    for (const double value : expected)
    {
        const double error = isBf16 ? roundToBf16(value) - value : 0;
        sum += error * error;
    }
    return std::sqrt(sum);
}

void compare(
    const std::string& what, const std::vector<double>& actual, const std::vector<double>& expected, double givenNorm, double rounding)
{
    double sum = 0;
    for (std::size_t i = 0; i < expected.size(); i++)
    {
        const double error = actual[i] - expected[i];
        sum += error * error;
    }
    const double bound = rounding > 0 ? 2 * rounding : 1e-5 * std::fmax(norm(expected), 1e-2 * givenNorm);
    const double error = std::sqrt(sum);
    if (!(error <= bound) || actual.size() != expected.size())
    {
        std::printf("    %s: error %.3g, allowed %.3g, of %.3g\n", what.c_str(), error, bound, norm(expected));
        Device::instance().failures++;
    }
}

void check(const std::string& what, bool isRight)
{
    if (!isRight)
    {
        std::printf("    %s is not so\n", what.c_str());
        Device::instance().failures++;
    }
}

Packing::Packing(std::vector<int> given) : lengths(std::move(given)), offsets{0}
{
    long long squares = 0;
    for (const int length : lengths)
    {
        squaredOffsets.push_back(squares);
        squares += static_cast<long long>(length) * length;
        tokens += length;
        offsets.push_back(tokens);
        longest = length > longest ? length : longest;
    }
    sentences = static_cast<int>(lengths.size());
}

double Dropout::factor(unsigned long long element) const
{
    if (probability == 0)
    {
        return 1;
    }
    std::uint32_t counter[4] = {
        static_cast<std::uint32_t>(element / 4), static_cast<std::uint32_t>(element / 4 >> 32), site, state[2]};
    std::uint32_t key[2] = {state[0], state[1]};
    for (int round = 0; round < 10; round++)
    {
        const std::uint64_t a = 0xD2511F53ull * counter[0];
        const std::uint64_t b = 0xCD9E8D57ull * counter[2];
        const std::uint32_t next[4] = {
            static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
            static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
        std::memcpy(counter, next, sizeof counter);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return counter[element % 4] < (1 - static_cast<double>(static_cast<float>(probability))) * 4294967296.0 ? keepScale() : 0;
}

unsigned Dropout::keepBelow() const
{
    return static_cast<unsigned>(std::fmin(std::ceil((1 - static_cast<double>(static_cast<float>(probability))) * 4294967296.0), 4294967295.0));
}

float Dropout::keepScale() const
{
    return static_cast<float>(1 / (1 - static_cast<double>(static_cast<float>(probability))));
}

int runAll(int, char** arguments, const std::vector<std::pair<std::string, std::function<void()>>>& tests)
{
    const bool isChild = std::getenv(ChildVariable) != nullptr;
    int failed = 0;
    try
    {
        for (const auto& test : tests)
        {
            const int before = Device::instance().failures;
            try
            {
                test.second();
            }
            catch (const std::exception& error)
            {
                std::printf("    %s\n", error.what());
                Device::instance().failures++;
            }
            const bool isRight = Device::instance().failures == before;
            failed += isRight ? 0 : 1;
            std::printf("%s %s\n", isRight ? "ok    " : "FAILED", test.first.c_str());
            std::fflush(stdout);
        }
    }
    catch (const std::exception& error)
    {
        std::printf("FAILED %s\n", error.what());
        return 1;
    }
    char line[64];
    std::snprintf(line, sizeof line, "bits %016llx, %d failed\n", static_cast<unsigned long long>(Device::instance().hash), failed);
    if (!isChild && failed == 0 && std::getenv("MNR_HOST_ORDERS") != nullptr)
    {
        // Other bytes in fresh memory show what depends on memory that nobody has written.
        for (const std::string setting : {"MNR_HOST_ORDER=reverse", "MNR_HOST_ORDER=random:7", "MNR_HOST_FILL=127"})
        {
            const std::string other = runAgain(arguments[0], setting);
            const bool isSame = other == line;
            failed += isSame ? 0 : 1;
            std::printf("%s same bits with %s\n", isSame ? "ok    " : "FAILED", setting.c_str());
        }
    }
    std::printf("%s", line);
    return failed == 0 ? 0 : 1;
}
}
