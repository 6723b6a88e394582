// What environment variables ask of the stand-in: README.md lists them.
#pragma once

#include "kernel_library.h"

#include <cstdint>
#include <string>

namespace mnr_driver
{
struct Settings
{
    // The pretend GPU.
    int devices = 1;
    int driverVersion = 12040;
    int computeMajor = 8;
    int computeMinor = 0;
    int multiprocessors = 4;
    std::uint64_t memoryBytes = std::uint64_t{8} << 30;

    // How kernels run.
    MnrHostOrder order = MnrHostForward;
    std::uint64_t seed = 0;
    unsigned workers = 0;
    bool isLate = false;
    // What fresh memory of the device and of blocks is full of: read as a number, 255 is NaN or -1.
    unsigned char fill = 0xff;
    bool isVerbose = false;

    // In which order products of matrices are summed.
    MnrHostOrder productOrder = MnrHostForward;
    std::uint64_t productSeed = 0;

    // Faults to inject; counts are from 1, 0 is never.
    std::uint64_t failAllocation = 0;
    std::uint64_t failGraph = 0;
    std::uint64_t failLaunch = 0;
    int failLaunchStatus = 719;
    std::string missingKernel;
    int failInit = 0;

    // Launches to record.
    std::string recordFile;
    unsigned recordPerKernel = 4;
    std::uint64_t recordBytes = std::uint64_t{256} << 20;
};

// The settings in force; read from the environment at first use.
Settings& settings();

// Reads one setting; false when there is none of that name or the value is none.
bool set(Settings& settings, const std::string& name, const std::string& value);

// A line on standard error.
void report(const std::string& line);
void explain(const std::string& line);
}
