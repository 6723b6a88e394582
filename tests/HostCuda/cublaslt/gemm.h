// Matrix products in fp32, of matrices in fp32 or bf16 with any strides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mnr_cublaslt
{
// cudaDataType.
enum class Type
{
    Float = 0,
    Bf16 = 14
};

inline std::size_t bytesOf(Type type)
{
    return type == Type::Float ? 4 : 2;
}

// A matrix in memory: element (row, column) lies `row * rowStride + column * columnStride` elements behind the first.
struct Matrix
{
    void* data;
    Type type;
    std::size_t rows, columns;
    std::ptrdiff_t rowStride, columnStride;

    float get(std::size_t row, std::size_t column) const;
    void set(std::size_t row, std::size_t column, float value) const;
    Matrix transposed() const;
};

float load(const void* data, Type type, std::ptrdiff_t index);
void store(void* data, Type type, std::ptrdiff_t index, float value);

// result (m, n), column by column, = a (m, k) b (k, n), summed over k in the given order (`order`, each of 0 .. k - 1 once); in `parts` sums of
// neighbouring runs of that order, which are then added. Inputs are rounded to tf32 where `isTf32`.
void multiply(const Matrix& a, const Matrix& b, const std::vector<std::size_t>& order, std::size_t parts, bool isTf32, std::vector<float>& result);
}
