#include "registration.h"

namespace mnr_host
{
const MnrHostKernel*& kernelList()
{
    static const MnrHostKernel* list = nullptr;
    return list;
}
}

extern "C" const MnrHostKernel* mnrHostKernels()
{
    return mnr_host::kernelList();
}
