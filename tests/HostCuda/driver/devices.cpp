// Initialisation, devices and their attributes.
#include "state.h"

#include <dlfcn.h>

#include <cstring>

namespace mnr_driver
{
State& state()
{
    // Never destroyed: other libraries' destructors may still call.
    static State* state = new State();
    return *state;
}

std::vector<Context*>& contextStack()
{
    static thread_local std::vector<Context*> stack;
    return stack;
}

namespace
{
bool isDevice(int device)
{
    return device >= 0 && device < settings().devices;
}

// CUdevice_attribute to value: the figures of an A100 with few multiprocessors.
int attribute(int name, int& value)
{
    static const std::map<int, int> values = {
        {1, 1024},      {2, 1024},   {3, 1024},    {4, 64},       {5, 2147483647}, {6, 65535}, {7, 65535}, {8, 49152},    {9, 65536}, {10, 32},
        {11, 2147483647}, {12, 65536}, {13, 1410000}, {14, 512},    {15, 1},         {17, 0},    {18, 0},    {19, 1},       {20, 0},    {31, 1},
        {32, 1},        {33, 1},     {34, 0},      {35, 0},       {36, 1215000},   {37, 5120}, {38, 41943040}, {39, 2048}, {40, 3},    {41, 1},
        {50, 0},        {78, 1},     {81, 167936}, {82, 65536},   {83, 1},         {84, 0},    {85, 0},    {89, 1},       {90, 1},    {95, 1},
        {97, 166912},   {106, 32},   {108, 0},     {111, 1024},   {115, 0}};
    const auto found = values.find(name);
    value = name == 16   ? settings().multiprocessors
            : name == 75 ? settings().computeMajor
            : name == 76 ? settings().computeMinor
                         : found == values.end() ? 0 : found->second;
    return name >= 1 && name < 140 ? Success : InvalidValue;
}
}
}

using namespace mnr_driver;

extern "C"
{
int cuInit(unsigned flags)
{
    std::lock_guard<std::recursive_mutex> lock(state().mutex);
    if (flags != 0)
    {
        return InvalidValue;
    }
    if (settings().failInit != 0)
    {
        return settings().failInit;
    }
    if (settings().devices <= 0)
    {
        return NoDevice;
    }
    state().isInitialized = true;
    state().primaryContexts.resize(static_cast<std::size_t>(settings().devices));
    state().primaryReferences.resize(static_cast<std::size_t>(settings().devices));
    return Success;
}

int cuDriverGetVersion(int* version)
{
    if (version == nullptr)
    {
        return InvalidValue;
    }
    *version = settings().driverVersion;
    return Success;
}

int cuDeviceGetCount(int* count)
{
    return initialized(
        [&]
        {
            *count = settings().devices;
            return Success;
        });
}

int cuDeviceGet(int* device, int ordinal)
{
    return initialized(
        [&]
        {
            if (!isDevice(ordinal))
            {
                return InvalidDevice;
            }
            *device = ordinal;
            return Success;
        });
}

int cuDeviceGetName(char* name, int length, int device)
{
    return initialized(
        [&]
        {
            if (!isDevice(device) || name == nullptr || length <= 0)
            {
                return isDevice(device) ? InvalidValue : InvalidDevice;
            }
            std::strncpy(name, "Host execution (no GPU)", static_cast<std::size_t>(length));
            name[length - 1] = 0;
            return Success;
        });
}

int cuDeviceGetUuid_v2(char* uuid, int device)
{
    return initialized(
        [&]
        {
            std::memset(uuid, device, 16);
            return isDevice(device) ? Success : InvalidDevice;
        });
}

int cuDeviceGetUuid(char* uuid, int device)
{
    return cuDeviceGetUuid_v2(uuid, device);
}

int cuDeviceGetPCIBusId(char* id, int length, int device)
{
    return initialized(
        [&]
        {
            std::snprintf(id, static_cast<std::size_t>(length), "0000:%02X:00.0", device + 1);
            return isDevice(device) ? Success : InvalidDevice;
        });
}

int cuDeviceTotalMem_v2(std::size_t* bytes, int device)
{
    return initialized(
        [&]
        {
            *bytes = settings().memoryBytes;
            return isDevice(device) ? Success : InvalidDevice;
        });
}

int cuDeviceComputeCapability(int* major, int* minor, int device)
{
    return initialized(
        [&]
        {
            *major = settings().computeMajor;
            *minor = settings().computeMinor;
            return isDevice(device) ? Success : InvalidDevice;
        });
}

int cuDeviceGetAttribute(int* value, int name, int device)
{
    return initialized([&] { return !isDevice(device) ? static_cast<int>(InvalidDevice) : value == nullptr ? static_cast<int>(InvalidValue) : attribute(name, *value); });
}

int cuDeviceCanAccessPeer(int* canAccess, int, int)
{
    *canAccess = 0;
    return Success;
}

int cuProfilerStart()
{
    return withContext(In::AnyState, [](Context&) { return Success; });
}

int cuProfilerStop()
{
    return withContext(In::AnyState, [](Context&) { return Success; });
}

int cuGetProcAddress(const char* symbol, void** function, int, std::uint64_t)
{
    *function = dlsym(RTLD_DEFAULT, symbol);
    const std::string versioned = std::string(symbol) + "_v2";
    void* newer = dlsym(RTLD_DEFAULT, versioned.c_str());
    *function = newer != nullptr ? newer : *function;
    return *function == nullptr ? NotFound : Success;
}
}
