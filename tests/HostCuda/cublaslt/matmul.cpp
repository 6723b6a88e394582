// One product with its epilogue.
#include "descriptors.h"
#include "host_interface.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>

namespace mnr_cublaslt
{
namespace
{
constexpr int IllegalAddress = 700;

Matrix matrixOf(const Layout& layout, const void* data, std::size_t batch)
{
    constexpr int RowMajor = 1;
    const Type type = static_cast<Type>(layout.type);
    unsigned char* first = static_cast<unsigned char*>(const_cast<void*>(data));
    first += static_cast<std::ptrdiff_t>(batch) * layout.batchStride * static_cast<std::ptrdiff_t>(bytesOf(type));
    const bool isRowMajor = layout.order == RowMajor;
    return {first, type, layout.rows, layout.columns, isRowMajor ? layout.stride : 1, isRowMajor ? 1 : layout.stride};
}

// From the first byte to behind the last one of a matrix with all its batches.
bool isOnDevice(const Layout& layout, const void* data, const char* name)
{
    const std::size_t lines = layout.order == 1 ? layout.rows : layout.columns, length = layout.order == 1 ? layout.columns : layout.rows;
    if (lines == 0 || length == 0)
    {
        return true;
    }
    const std::size_t elements = static_cast<std::size_t>(layout.batchCount - 1) * static_cast<std::size_t>(layout.batchStride) +
                                 (lines - 1) * static_cast<std::size_t>(layout.stride) + length;
    const bool isRight = mnrHostIsDeviceMemory(reinterpret_cast<std::uint64_t>(data), elements * bytesOf(static_cast<Type>(layout.type))) != 0;
    if (!isRight)
    {
        std::fprintf(
            stderr, "host-cuda: cublasLtMatmul: matrix %s, %llu x %llu with leading dimension %lld, does not lie within device memory\n", name,
            static_cast<unsigned long long>(layout.rows), static_cast<unsigned long long>(layout.columns), static_cast<long long>(layout.stride));
    }
    return isRight;
}

// The order in which products are summed over k: cublasLt promises none.
std::vector<std::size_t> summationOrder(std::size_t k)
{
    std::uint64_t seed = 0;
    const MnrHostOrder kind = mnrHostProductOrder(&seed);
    std::vector<std::size_t> order(k);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (kind == MnrHostReverse)
    {
        std::reverse(order.begin(), order.end());
    }
    else if (kind == MnrHostRandom)
    {
        std::mt19937_64 random(seed);
        std::shuffle(order.begin(), order.end(), random);
    }
    return order;
}

// The tanh form, which is cublasLt's, and its derivative.
float gelu(float x)
{
    const float inner = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    return 0.5f * x * (1 + std::tanh(inner));
}

float geluSlope(float x)
{
    const float inner = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    const float t = std::tanh(inner);
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.7978845608028654f * (1 + 3 * 0.044715f * x * x);
}

Type typeOr(std::int32_t type, Type otherwise)
{
    return type < 0 ? otherwise : static_cast<Type>(type);
}

// bias[i] = the sum of a matrix's row i.
void sumRows(const Matrix& matrix, void* bias, Type type)
{
    for (std::size_t row = 0; row < matrix.rows; row++)
    {
        float sum = 0;
        for (std::size_t column = 0; column < matrix.columns; column++)
        {
            sum += matrix.get(row, column);
        }
        store(bias, type, static_cast<std::ptrdiff_t>(row), sum);
    }
}

void finish(const Matmul& matmul, const Matrix& c, const Matrix& d, std::size_t batch, float alpha, float beta, const std::vector<float>& product)
{
    const MatmulDescription& description = matmul.description;
    const std::uint32_t epilogue = description.epilogue;
    const Type biasType = typeOr(description.biasType, d.type), auxiliaryType = typeOr(description.auxiliaryType, d.type);
    unsigned char* bias = static_cast<unsigned char*>(description.bias) +
                          static_cast<std::ptrdiff_t>(batch) * description.biasBatchStride * static_cast<std::ptrdiff_t>(bytesOf(biasType));
    unsigned char* auxiliary = static_cast<unsigned char*>(description.auxiliary) +
                               static_cast<std::ptrdiff_t>(batch) * description.auxiliaryBatchStride * static_cast<std::ptrdiff_t>(bytesOf(auxiliaryType));
    std::vector<float> rowSums((epilogue & BiasGradient) != 0 ? d.rows : 0);
    for (std::size_t column = 0; column < d.columns; column++)
    {
        for (std::size_t row = 0; row < d.rows; row++)
        {
            const std::ptrdiff_t auxiliaryIndex = static_cast<std::ptrdiff_t>(row) + static_cast<std::ptrdiff_t>(column) * description.auxiliaryStride;
            float value = alpha * product[column * d.rows + row];
            value += beta != 0 ? beta * c.get(row, column) : 0.0f;
            value += (epilogue & Bias) != 0 ? load(bias, biasType, static_cast<std::ptrdiff_t>(row)) : 0.0f;
            if ((epilogue & GeluGradient) != 0)
            {
                value *= geluSlope(load(auxiliary, auxiliaryType, auxiliaryIndex));
            }
            else if ((epilogue & Gelu) != 0)
            {
                if ((epilogue & Auxiliary) != 0)
                {
                    store(auxiliary, auxiliaryType, auxiliaryIndex, value);
                }
                value = gelu(value);
            }
            value = (epilogue & Relu) != 0 ? std::fmax(value, 0.0f) : value;
            d.set(row, column, value);
            if (!rowSums.empty())
            {
                rowSums[row] += value;
            }
        }
    }
    for (std::size_t row = 0; row < rowSums.size(); row++)
    {
        store(bias, biasType, static_cast<std::ptrdiff_t>(row), rowSums[row]);
    }
}

bool isTypeKnown(std::int32_t type)
{
    return type == static_cast<std::int32_t>(Type::Float) || type == static_cast<std::int32_t>(Type::Bf16);
}

bool isLayoutRight(const Layout& layout)
{
    const std::uint64_t length = layout.order == 1 ? layout.columns : layout.rows;
    return layout.rows > 0 && layout.columns > 0 && layout.stride >= static_cast<std::int64_t>(length) && layout.batchCount >= 1;
}
}

int check(const MatmulDescription& description, const Layout& a, const Layout& b, const Layout& c, const Layout& d)
{
    for (const Layout* layout : {&a, &b, &c, &d})
    {
        if (!isLayoutRight(*layout) || layout->batchCount != d.batchCount)
        {
            return InvalidValue;
        }
        if (!isTypeKnown(layout->type) || layout->order < 0 || layout->order > 1)
        {
            return NotSupported;
        }
    }
    const std::uint64_t m = description.transposeA != 0 ? a.columns : a.rows, k = description.transposeA != 0 ? a.rows : a.columns;
    const std::uint64_t otherK = description.transposeB != 0 ? b.columns : b.rows, n = description.transposeB != 0 ? b.rows : b.columns;
    if (m != d.rows || n != d.columns || k != otherK || c.rows != d.rows || c.columns != d.columns)
    {
        return InvalidValue;
    }
    const bool isTypePaired = a.type == b.type && c.type == d.type && (d.type == a.type || d.type == 0) && description.scaleType == 0;
    const bool isComputeKnown = description.computeType == Compute32F || description.computeType == Compute32FPedantic ||
                                description.computeType == Compute32FFast16Bf || description.computeType == Compute32FFastTf32;
    const bool isFastForFloat = description.computeType < Compute32FFast16Bf || a.type == 0;
    bool isEpilogueKnown = false;
    for (const std::uint32_t known :
         {Default + 0u, Relu + 0u, Bias + 0u, Relu + Bias + 0u, Gelu + 0u, Gelu + Bias + 0u, Gelu + Auxiliary + 0u, Gelu + Auxiliary + Bias + 0u,
          GeluGradient + Auxiliary + 0u, GeluGradient + Auxiliary + BiasGradient + 0u, BiasGradientOfA + 0u, BiasGradientOfB + 0u})
    {
        isEpilogueKnown = isEpilogueKnown || description.epilogue == known;
    }
    // cublasLt has epilogues for column-major results only.
    const bool isEpiloguePossible = description.epilogue == Default || d.order == 0;
    return isTypePaired && isComputeKnown && isFastForFloat && isEpilogueKnown && isEpiloguePossible && description.transposeC == 0 ? Success : NotSupported;
}

int run(const Matmul& matmul)
{
    const MatmulDescription& description = matmul.description;
    const float alpha = matmul.deviceAlpha != nullptr ? *matmul.deviceAlpha : matmul.alpha;
    const float beta = matmul.deviceBeta != nullptr ? *matmul.deviceBeta : matmul.beta;
    if (!isOnDevice(matmul.a, matmul.aData, "A") || !isOnDevice(matmul.b, matmul.bData, "B") || !isOnDevice(matmul.d, matmul.dData, "D") ||
        (beta != 0 && !isOnDevice(matmul.c, matmul.cData, "C")))
    {
        return IllegalAddress;
    }
    if (matmul.workspaceBytes != 0)
    {
        // Whatever was there is gone afterwards.
        std::memset(matmul.workspace, 0xff, matmul.workspaceBytes);
    }
    std::vector<float> product;
    for (std::size_t batch = 0; batch < static_cast<std::size_t>(matmul.d.batchCount); batch++)
    {
        const Matrix givenA = matrixOf(matmul.a, matmul.aData, batch), givenB = matrixOf(matmul.b, matmul.bData, batch);
        const Matrix a = description.transposeA != 0 ? givenA.transposed() : givenA, b = description.transposeB != 0 ? givenB.transposed() : givenB;
        const Matrix c = matrixOf(matmul.c, matmul.cData, batch), d = matrixOf(matmul.d, matmul.dData, batch);
        multiply(a, b, summationOrder(a.columns), matmul.parts, description.computeType == Compute32FFastTf32, product);
        finish(matmul, c, d, batch, alpha, beta, product);
        if ((description.epilogue & (BiasGradientOfA | BiasGradientOfB)) != 0)
        {
            const bool isOfA = (description.epilogue & BiasGradientOfA) != 0;
            sumRows(isOfA ? a : b.transposed(), description.bias, typeOr(description.biasType, d.type));
        }
    }
    return Success;
}
}
