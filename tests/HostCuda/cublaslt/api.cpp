// cublasLt's functions. A product is entered into its stream by the stand-in driver, so it is captured like a kernel.
#include "descriptors.h"
#include "host_interface.h"
#include "library_file.h"

#include <algorithm>
#include <cstring>

using namespace mnr_cublaslt;

namespace
{
constexpr std::uint64_t AlgorithmMark = 0x6d6e72686f737401ull;
constexpr int Algorithms = 4;

struct Handle
{
    int unused = 0;
};

// Algorithm i sums k in i + 1 runs: as with cublasLt, another algorithm is another rounding. The workspace holds the runs' results.
std::size_t workspaceOf(std::uint64_t algorithm, const Layout& d)
{
    return algorithm == 0 ? 0 : static_cast<std::size_t>((algorithm + 1) * d.rows * d.columns * static_cast<std::uint64_t>(d.batchCount)) * sizeof(float);
}

// Copies an attribute of the right size in or out.
template <class Value>
int exchange(Value& value, void* buffer, std::size_t size, bool isSet)
{
    if (buffer == nullptr || size != sizeof value)
    {
        return InvalidValue;
    }
    std::memcpy(isSet ? static_cast<void*>(&value) : buffer, isSet ? buffer : static_cast<const void*>(&value), size);
    return Success;
}

int exchange(MatmulDescription& description, int attribute, void* buffer, std::size_t size, bool isSet)
{
    switch (attribute)
    {
    case 0:
        return exchange(description.computeType, buffer, size, isSet);
    case 1:
        return exchange(description.scaleType, buffer, size, isSet);
    case 2:
        return exchange(description.pointerMode, buffer, size, isSet);
    case 3:
        return exchange(description.transposeA, buffer, size, isSet);
    case 4:
        return exchange(description.transposeB, buffer, size, isSet);
    case 5:
        return exchange(description.transposeC, buffer, size, isSet);
    case 7:
        return exchange(description.epilogue, buffer, size, isSet);
    case 8:
        return exchange(description.bias, buffer, size, isSet);
    case 10:
        return exchange(description.biasBatchStride, buffer, size, isSet);
    case 11:
        return exchange(description.auxiliary, buffer, size, isSet);
    case 12:
        return exchange(description.auxiliaryStride, buffer, size, isSet);
    case 13:
        return exchange(description.auxiliaryBatchStride, buffer, size, isSet);
    case 15:
        return exchange(description.multiprocessors, buffer, size, isSet);
    case 22:
        return exchange(description.auxiliaryType, buffer, size, isSet);
    case 26:
        return exchange(description.biasType, buffer, size, isSet);
    default:
        return InvalidValue;
    }
}

int exchange(Layout& layout, int attribute, void* buffer, std::size_t size, bool isSet)
{
    switch (attribute)
    {
    case 0:
        return exchange(layout.type, buffer, size, isSet);
    case 1:
        return exchange(layout.order, buffer, size, isSet);
    case 2:
        return exchange(layout.rows, buffer, size, isSet);
    case 3:
        return exchange(layout.columns, buffer, size, isSet);
    case 4:
        return exchange(layout.stride, buffer, size, isSet);
    case 5:
        return exchange(layout.batchCount, buffer, size, isSet);
    case 6:
        return exchange(layout.batchStride, buffer, size, isSet);
    default:
        return InvalidValue;
    }
}

// What the epilogue needs must have been given.
bool isEpilogueFed(const MatmulDescription& description, const Layout& d)
{
    const bool needsBias = (description.epilogue & (Bias | BiasGradient | BiasGradientOfA | BiasGradientOfB)) != 0;
    const bool needsAuxiliary = (description.epilogue & Auxiliary) != 0;
    return (!needsBias || description.bias != nullptr) &&
           (!needsAuxiliary || (description.auxiliary != nullptr && description.auxiliaryStride >= static_cast<std::int64_t>(d.rows)));
}
}

extern "C"
{
int cublasLtCreate(Handle** handle)
{
    if (handle == nullptr)
    {
        return InvalidValue;
    }
    *handle = new Handle();
    return Success;
}

int cublasLtDestroy(Handle* handle)
{
    delete handle;
    return handle == nullptr ? NotInitialized : Success;
}

std::size_t cublasLtGetCudartVersion()
{
    return mnr_host::cudaVersion(mnr_host::majorVersion(mnr_host::libraryFile(reinterpret_cast<const void*>(&cublasLtGetCudartVersion))));
}

std::size_t cublasLtGetVersion()
{
    return 10 * cublasLtGetCudartVersion();
}

const char* cublasLtGetStatusName(int status)
{
    switch (status)
    {
    case Success:
        return "CUBLAS_STATUS_SUCCESS";
    case NotInitialized:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case AllocationFailed:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case InvalidValue:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case 8:
        return "CUBLAS_STATUS_ARCH_MISMATCH";
    case 11:
        return "CUBLAS_STATUS_MAPPING_ERROR";
    case ExecutionFailed:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case InternalError:
        return "CUBLAS_STATUS_INTERNAL_ERROR";
    case NotSupported:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
        return "unknown status";
    }
}

const char* cublasLtGetStatusString(int status)
{
    switch (status)
    {
    case Success:
        return "success";
    case NotInitialized:
        return "the library was not initialized";
    case AllocationFailed:
        return "the resource allocation failed";
    case InvalidValue:
        return "an invalid value was used as an argument";
    case ExecutionFailed:
        return "the function failed to launch on the GPU";
    case InternalError:
        return "an internal operation failed";
    case NotSupported:
        return "the functionality is not supported";
    default:
        return "unknown status";
    }
}

int cublasLtMatmulDescCreate(MatmulDescription** description, int computeType, int scaleType)
{
    if (description == nullptr)
    {
        return InvalidValue;
    }
    *description = new MatmulDescription();
    (*description)->computeType = computeType;
    (*description)->scaleType = scaleType;
    return Success;
}

int cublasLtMatmulDescDestroy(MatmulDescription* description)
{
    delete description;
    return Success;
}

int cublasLtMatmulDescSetAttribute(MatmulDescription* description, int attribute, const void* buffer, std::size_t size)
{
    return description == nullptr ? static_cast<int>(InvalidValue) : exchange(*description, attribute, const_cast<void*>(buffer), size, true);
}

int cublasLtMatmulDescGetAttribute(MatmulDescription* description, int attribute, void* buffer, std::size_t size, std::size_t* written)
{
    const int status = description == nullptr ? static_cast<int>(InvalidValue) : exchange(*description, attribute, buffer, size, false);
    if (written != nullptr)
    {
        *written = status == Success ? size : 0;
    }
    return status;
}

int cublasLtMatrixLayoutCreate(Layout** layout, int type, std::uint64_t rows, std::uint64_t columns, std::int64_t stride)
{
    if (layout == nullptr)
    {
        return InvalidValue;
    }
    *layout = new Layout();
    (*layout)->type = type;
    (*layout)->rows = rows;
    (*layout)->columns = columns;
    (*layout)->stride = stride;
    return Success;
}

int cublasLtMatrixLayoutDestroy(Layout* layout)
{
    delete layout;
    return Success;
}

int cublasLtMatrixLayoutSetAttribute(Layout* layout, int attribute, const void* buffer, std::size_t size)
{
    return layout == nullptr ? static_cast<int>(InvalidValue) : exchange(*layout, attribute, const_cast<void*>(buffer), size, true);
}

int cublasLtMatrixLayoutGetAttribute(Layout* layout, int attribute, void* buffer, std::size_t size, std::size_t* written)
{
    const int status = layout == nullptr ? static_cast<int>(InvalidValue) : exchange(*layout, attribute, buffer, size, false);
    if (written != nullptr)
    {
        *written = status == Success ? size : 0;
    }
    return status;
}

int cublasLtMatmulPreferenceCreate(Preference** preference)
{
    if (preference == nullptr)
    {
        return InvalidValue;
    }
    *preference = new Preference();
    return Success;
}

int cublasLtMatmulPreferenceDestroy(Preference* preference)
{
    delete preference;
    return Success;
}

int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* buffer, std::size_t size)
{
    constexpr int MaxWorkspaceBytes = 1, LastAttribute = 12;
    if (preference == nullptr || buffer == nullptr || attribute < 0 || attribute > LastAttribute)
    {
        return InvalidValue;
    }
    return attribute == MaxWorkspaceBytes ? exchange(preference->workspaceBytes, const_cast<void*>(buffer), size, true) : static_cast<int>(Success);
}

int cublasLtMatmulAlgoGetHeuristic(
    Handle* handle, const MatmulDescription* description, const Layout* a, const Layout* b, const Layout* c, const Layout* d, const Preference* preference,
    int requested, HeuristicResult* results, int* returned)
{
    if (handle == nullptr || description == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr || requested < 1 || results == nullptr ||
        returned == nullptr)
    {
        return InvalidValue;
    }
    *returned = 0;
    if ((description->epilogue & Bias) != 0 && description->bias == nullptr)
    {
        // What can be offered depends on where the bias lies.
        return InvalidValue;
    }
    const int status = check(*description, *a, *b, *c, *d);
    if (status != Success)
    {
        return status;
    }
    const std::uint64_t limit = preference == nullptr ? 0 : preference->workspaceBytes;
    for (std::uint64_t algorithm = 0; algorithm < Algorithms && *returned < requested; algorithm++)
    {
        const std::size_t workspace = workspaceOf(algorithm, *d);
        if (workspace <= limit)
        {
            HeuristicResult& result = results[(*returned)++];
            result = {};
            result.algorithm.data[0] = AlgorithmMark;
            result.algorithm.data[1] = algorithm;
            result.workspaceBytes = workspace;
            result.waves = 1;
        }
    }
    return Success;
}

int cublasLtMatmulAlgoCheck(
    Handle* handle, const MatmulDescription* description, const Layout* a, const Layout* b, const Layout* c, const Layout* d, const Algorithm* algorithm,
    HeuristicResult* result)
{
    if (handle == nullptr || algorithm == nullptr || result == nullptr || algorithm->data[0] != AlgorithmMark)
    {
        return InvalidValue;
    }
    const int status = check(*description, *a, *b, *c, *d);
    *result = {};
    result->algorithm = *algorithm;
    result->workspaceBytes = workspaceOf(algorithm->data[1], *d);
    result->status = status;
    return status;
}

int cublasLtMatmul(
    Handle* handle, const MatmulDescription* description, const void* alpha, const void* a, const Layout* aLayout, const void* b, const Layout* bLayout,
    const void* beta, const void* c, const Layout* cLayout, void* d, const Layout* dLayout, const Algorithm* algorithm, void* workspace,
    std::size_t workspaceBytes, void* stream)
{
    if (handle == nullptr)
    {
        return NotInitialized;
    }
    if (description == nullptr || alpha == nullptr || beta == nullptr || a == nullptr || aLayout == nullptr || b == nullptr || bLayout == nullptr ||
        cLayout == nullptr || d == nullptr || dLayout == nullptr || (algorithm != nullptr && algorithm->data[0] != AlgorithmMark))
    {
        return InvalidValue;
    }
    const int status = check(*description, *aLayout, *bLayout, *cLayout, *dLayout);
    if (status != Success)
    {
        return status;
    }
    const std::uint64_t chosen = algorithm == nullptr ? 0 : algorithm->data[1];
    const std::size_t needed = workspaceOf(chosen, *dLayout);
    if (!isEpilogueFed(*description, *dLayout) || needed > workspaceBytes ||
        (needed != 0 && mnrHostIsDeviceMemory(reinterpret_cast<std::uint64_t>(workspace), needed) == 0))
    {
        return InvalidValue;
    }
    const bool isOnHost = description->pointerMode == 0;
    const float* factors[] = {static_cast<const float*>(alpha), static_cast<const float*>(beta)};
    Matmul* matmul = new Matmul{
        *description, *aLayout, *bLayout, *cLayout, *dLayout, a, b, c, d, isOnHost ? *factors[0] : 0.0f, isOnHost ? *factors[1] : 0.0f,
        isOnHost ? nullptr : factors[0], isOnHost ? nullptr : factors[1], static_cast<std::size_t>(chosen + 1), workspace, needed};
    const int entered = mnrHostEnqueue(
        stream, "cublasLtMatmul", [](void* data) { return run(*static_cast<const Matmul*>(data)); }, matmul,
        [](void* data) { delete static_cast<Matmul*>(data); });
    return entered == 0 ? Success : ExecutionFailed;
}
}
