// Which file a stand-in was loaded from: libcublasLt.so.13 is the same stand-in under a later name, and says that it is of CUDA 13.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace mnr_host
{
// The file of the library that `function` is in.
inline std::string libraryFile(const void* function)
{
    Dl_info info;
    return dladdr(function, &info) == 0 ? "" : info.dli_fname;
}

// 13 of "lib/libnvrtc.so.13"; 12 where the name has no number.
inline int majorVersion(const std::string& file)
{
    const std::string ending = ".so.";
    const std::size_t at = file.rfind(ending);
    return at == std::string::npos ? 12 : std::atoi(file.c_str() + at + ending.size());
}

// CUDA 12.4 and 13.0, as the headers count them: 12040.
inline int cudaVersion(int major)
{
    return 1000 * major + (major == 12 ? 40 : 0);
}
}
