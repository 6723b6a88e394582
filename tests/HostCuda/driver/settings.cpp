#include "settings.h"

#include "host_interface.h"
#include "statuses.h"

#include <cstdio>
#include <cstdlib>

namespace mnr_driver
{
namespace
{
constexpr const char* Names[] = {
    "MNR_HOST_DEVICES",          "MNR_HOST_DRIVER_VERSION", "MNR_HOST_COMPUTE_CAPABILITY", "MNR_HOST_MULTIPROCESSORS", "MNR_HOST_MEMORY",
    "MNR_HOST_ORDER",            "MNR_HOST_THREADS",        "MNR_HOST_STREAMS",            "MNR_HOST_VERBOSE",         "MNR_HOST_FAIL_ALLOCATION",
    "MNR_HOST_FAIL_LAUNCH",      "MNR_HOST_MISSING_KERNEL", "MNR_HOST_FAIL_INIT",          "MNR_HOST_RECORD",          "MNR_HOST_RECORD_PER_KERNEL",
    "MNR_HOST_RECORD_BYTES",     "MNR_HOST_FILL",           "MNR_HOST_FAIL_GRAPH",
    "MNR_HOST_PRODUCTS"};

bool setOrder(MnrHostOrder& order, std::uint64_t& seed, const std::string& value)
{
    const std::size_t colon = value.find(':');
    const std::string name = value.substr(0, colon);
    seed = colon == std::string::npos ? 1 : std::strtoull(value.c_str() + colon + 1, nullptr, 10);
    order = name == "reverse" ? MnrHostReverse : name == "random" ? MnrHostRandom : MnrHostForward;
    return name == "forward" || name == "reverse" || name == "random";
}
}

bool set(Settings& settings, const std::string& name, const std::string& value)
{
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(value.c_str(), &end, 10);
    const bool isNumber = !value.empty() && *end == 0;
    const auto setNumber = [&](auto& target)
    {
        target = static_cast<std::remove_reference_t<decltype(target)>>(number);
        return isNumber;
    };
    if (name == "MNR_HOST_ORDER")
    {
        return setOrder(settings.order, settings.seed, value);
    }
    if (name == "MNR_HOST_PRODUCTS")
    {
        return setOrder(settings.productOrder, settings.productSeed, value);
    }
    if (name == "MNR_HOST_STREAMS")
    {
        settings.isLate = value == "late";
        return value == "late" || value == "eager";
    }
    if (name == "MNR_HOST_COMPUTE_CAPABILITY")
    {
        return std::sscanf(value.c_str(), "%d.%d", &settings.computeMajor, &settings.computeMinor) == 2;
    }
    if (name == "MNR_HOST_FAIL_LAUNCH")
    {
        settings.failLaunch = number;
        settings.failLaunchStatus = *end == ':' ? std::atoi(end + 1) : static_cast<int>(LaunchFailed);
        return isNumber || *end == ':';
    }
    if (name == "MNR_HOST_MISSING_KERNEL")
    {
        settings.missingKernel = value;
        return true;
    }
    if (name == "MNR_HOST_RECORD")
    {
        settings.recordFile = value;
        return true;
    }
    return name == "MNR_HOST_DEVICES"             ? setNumber(settings.devices)
           : name == "MNR_HOST_DRIVER_VERSION"    ? setNumber(settings.driverVersion)
           : name == "MNR_HOST_MULTIPROCESSORS"   ? setNumber(settings.multiprocessors)
           : name == "MNR_HOST_MEMORY"            ? setNumber(settings.memoryBytes)
           : name == "MNR_HOST_THREADS"           ? setNumber(settings.workers)
           : name == "MNR_HOST_FILL"              ? setNumber(settings.fill)
           : name == "MNR_HOST_VERBOSE"           ? setNumber(settings.isVerbose)
           : name == "MNR_HOST_FAIL_ALLOCATION"   ? setNumber(settings.failAllocation)
           : name == "MNR_HOST_FAIL_GRAPH"        ? setNumber(settings.failGraph)
           : name == "MNR_HOST_FAIL_INIT"         ? setNumber(settings.failInit)
           : name == "MNR_HOST_RECORD_PER_KERNEL" ? setNumber(settings.recordPerKernel)
           : name == "MNR_HOST_RECORD_BYTES"      ? setNumber(settings.recordBytes)
                                                  : false;
}

Settings& settings()
{
    static Settings settings = []
    {
        Settings read;
        for (const char* name : Names)
        {
            const char* value = std::getenv(name);
            if (value != nullptr && !set(read, name, value))
            {
                report(std::string(name) + " is '" + value + "', which is not understood");
                std::abort();
            }
        }
        return read;
    }();
    return settings;
}

void report(const std::string& line)
{
    std::fprintf(stderr, "host-cuda: %s\n", line.c_str());
    std::fflush(stderr);
}

void explain(const std::string& line)
{
    if (settings().isVerbose)
    {
        report(line);
    }
}
}

extern "C" int mnrHostSet(const char* name, const char* value)
{
    return mnr_driver::set(mnr_driver::settings(), name, value) ? mnr_driver::Success : mnr_driver::InvalidValue;
}

extern "C" MnrHostOrder mnrHostProductOrder(std::uint64_t* seed)
{
    *seed = mnr_driver::settings().productSeed;
    return mnr_driver::settings().productOrder;
}
