// cublasLt's objects and numbers.
#pragma once

#include "gemm.h"

#include <cstddef>
#include <cstdint>

namespace mnr_cublaslt
{
enum Status
{
    Success = 0,
    NotInitialized = 1,
    AllocationFailed = 3,
    InvalidValue = 7,
    ExecutionFailed = 13,
    InternalError = 14,
    NotSupported = 15
};

enum ComputeType
{
    Compute32F = 68,
    Compute32FPedantic = 69,
    Compute32FFast16Bf = 75,
    Compute32FFastTf32 = 77
};

// Epilogues are sums of these.
enum Epilogue : std::uint32_t
{
    Default = 1,
    Relu = 2,
    Bias = 4,
    BiasGradient = 16,
    Gelu = 32,
    GeluGradient = 64,
    Auxiliary = 128,
    BiasGradientOfA = 256,
    BiasGradientOfB = 512
};

struct MatmulDescription
{
    std::int32_t computeType = Compute32F, scaleType = 0, pointerMode = 0, transposeA = 0, transposeB = 0, transposeC = 0;
    std::uint32_t epilogue = Default;
    void* bias = nullptr;
    void* auxiliary = nullptr;
    std::int64_t biasBatchStride = 0, auxiliaryStride = 0, auxiliaryBatchStride = 0;
    std::int32_t biasType = -1, auxiliaryType = -1, multiprocessors = 0;
};

struct Layout
{
    std::int32_t type = 0, order = 0;
    std::uint64_t rows = 0, columns = 0;
    std::int64_t stride = 0;
    std::int32_t batchCount = 1;
    std::int64_t batchStride = 0;
};

struct Preference
{
    std::uint64_t workspaceBytes = 0;
};

struct Algorithm
{
    std::uint64_t data[8];
};

struct HeuristicResult
{
    Algorithm algorithm;
    std::size_t workspaceBytes;
    std::int32_t status;
    float waves;
    std::int32_t reserved[4];
};

// A product with all that it needs, by value: it may run later, or many times.
struct Matmul
{
    MatmulDescription description;
    Layout a, b, c, d;
    const void* aData;
    const void* bData;
    const void* cData;
    void* dData;
    float alpha, beta;
    const float* deviceAlpha;
    const float* deviceBeta;
    std::size_t parts;
    void* workspace;
    std::size_t workspaceBytes;
};

// Whether the stand-in computes this, and cublasLt would: Success, InvalidValue or NotSupported.
int check(const MatmulDescription& description, const Layout& a, const Layout& b, const Layout& c, const Layout& d);

// Runs it; a CUresult.
int run(const Matmul& matmul);
}
