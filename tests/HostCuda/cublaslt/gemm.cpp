// Blocked as BLAS libraries do it: a task owns a block of the result; for each run of k it packs its share of both matrices into
// panels, and a micro-kernel multiplies panels with the block's part in registers.
#include "gemm.h"

#include "parallel.h"

#include <algorithm>
#include <cstring>

namespace mnr_cublaslt
{
namespace
{
#if defined(__AVX512F__)
constexpr std::size_t Lanes = 16, TileColumns = 12;
#elif defined(__AVX__)
constexpr std::size_t Lanes = 8, TileColumns = 6;
#else
constexpr std::size_t Lanes = 4, TileColumns = 6;
#endif
constexpr std::size_t TileRows = 2 * Lanes;
constexpr std::size_t BlockRows = 128, BlockColumns = 16 * TileColumns, BlockDepth = 256;
static_assert(BlockRows % TileRows == 0, "a block is whole tiles");

typedef float Vector __attribute__((vector_size(Lanes * sizeof(float))));
typedef float UnalignedVector __attribute__((vector_size(Lanes * sizeof(float)), aligned(4)));

float roundToTf32(float value)
{
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
    const bool isFinite = (bits & 0x7f800000u) != 0x7f800000u;
    return isFinite ? __builtin_bit_cast(float, (bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu) : value;
}

template <class Element>
float toFloat(Element element)
{
    if constexpr (sizeof(Element) == 2)
    {
        return __builtin_bit_cast(float, static_cast<std::uint32_t>(element) << 16);
    }
    else
    {
        return element;
    }
}

// Panels of `width` rows: for each k, in this order, the panel's rows side by side, zeros behind the last.
template <class Element>
void packAs(const Matrix& matrix, std::size_t firstRow, std::size_t rows, const std::size_t* order, std::size_t depth, std::size_t width, bool isTf32, float* panels)
{
    const Element* source = static_cast<const Element*>(matrix.data) + static_cast<std::ptrdiff_t>(firstRow) * matrix.rowStride;
    for (std::size_t panel = 0; panel < rows; panel += width)
    {
        const std::size_t present = std::min(width, rows - panel);
        float* target = panels + panel * depth;
        for (std::size_t row = 0; row < width; row++)
        {
            const Element* line = source + static_cast<std::ptrdiff_t>(panel + row) * matrix.rowStride;
            for (std::size_t k = 0; k < depth; k++)
            {
                const float value = row < present ? toFloat(line[static_cast<std::ptrdiff_t>(order[k]) * matrix.columnStride]) : 0.0f;
                target[k * width + row] = isTf32 ? roundToTf32(value) : value;
            }
        }
    }
}

void pack(const Matrix& matrix, std::size_t firstRow, std::size_t rows, const std::size_t* order, std::size_t depth, std::size_t width, bool isTf32, float* panels)
{
    if (matrix.type == Type::Float)
    {
        packAs<float>(matrix, firstRow, rows, order, depth, width, isTf32, panels);
    }
    else
    {
        packAs<std::uint16_t>(matrix, firstRow, rows, order, depth, width, isTf32, panels);
    }
}

// tile (TileRows, TileColumns), columns BlockRows apart, += a b.
void multiplyTile(const float* a, const float* b, std::size_t depth, float* tile)
{
    Vector sums[TileColumns][2];
    for (std::size_t j = 0; j < TileColumns; j++)
    {
        for (std::size_t i = 0; i < 2; i++)
        {
            sums[j][i] = *reinterpret_cast<const UnalignedVector*>(tile + j * BlockRows + i * Lanes);
        }
    }
    for (std::size_t k = 0; k < depth; k++)
    {
        const Vector first = *reinterpret_cast<const UnalignedVector*>(a + k * TileRows);
        const Vector second = *reinterpret_cast<const UnalignedVector*>(a + k * TileRows + Lanes);
#pragma GCC unroll 12
        for (std::size_t j = 0; j < TileColumns; j++)
        {
            const float factor = b[k * TileColumns + j];
            sums[j][0] += first * factor;
            sums[j][1] += second * factor;
        }
    }
    for (std::size_t j = 0; j < TileColumns; j++)
    {
        for (std::size_t i = 0; i < 2; i++)
        {
            *reinterpret_cast<UnalignedVector*>(tile + j * BlockRows + i * Lanes) = sums[j][i];
        }
    }
}

struct Scratch
{
    std::vector<float> a = std::vector<float>(BlockRows * BlockDepth), b = std::vector<float>(BlockColumns * BlockDepth),
                       block = std::vector<float>(BlockRows * BlockColumns);
};

// block (BlockRows, BlockColumns), column by column, = a b over the order's places [begin, end).
void multiplyBlock(
    const Matrix& a, const Matrix& bTransposed, std::size_t firstRow, std::size_t rows, std::size_t firstColumn, std::size_t columns,
    const std::size_t* order, std::size_t begin, std::size_t end, bool isTf32, Scratch& scratch)
{
    std::fill(scratch.block.begin(), scratch.block.end(), 0.0f);
    for (std::size_t k = begin; k < end; k += BlockDepth)
    {
        const std::size_t depth = std::min(BlockDepth, end - k);
        pack(a, firstRow, rows, order + k, depth, TileRows, isTf32, scratch.a.data());
        pack(bTransposed, firstColumn, columns, order + k, depth, TileColumns, isTf32, scratch.b.data());
        for (std::size_t column = 0; column < columns; column += TileColumns)
        {
            for (std::size_t row = 0; row < rows; row += TileRows)
            {
                multiplyTile(scratch.a.data() + row * depth, scratch.b.data() + column * depth, depth, scratch.block.data() + column * BlockRows + row);
            }
        }
    }
}
}

float load(const void* data, Type type, std::ptrdiff_t index)
{
    return type == Type::Float ? static_cast<const float*>(data)[index] : toFloat(static_cast<const std::uint16_t*>(data)[index]);
}

void store(void* data, Type type, std::ptrdiff_t index, float value)
{
    if (type == Type::Float)
    {
        static_cast<float*>(data)[index] = value;
        return;
    }
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
    const bool isNaN = (bits & 0x7fffffffu) > 0x7f800000u;
    static_cast<std::uint16_t*>(data)[index] = static_cast<std::uint16_t>(isNaN ? 0x7fffu : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float Matrix::get(std::size_t row, std::size_t column) const
{
    return load(data, type, static_cast<std::ptrdiff_t>(row) * rowStride + static_cast<std::ptrdiff_t>(column) * columnStride);
}

void Matrix::set(std::size_t row, std::size_t column, float value) const
{
    store(data, type, static_cast<std::ptrdiff_t>(row) * rowStride + static_cast<std::ptrdiff_t>(column) * columnStride, value);
}

Matrix Matrix::transposed() const
{
    return {data, type, columns, rows, columnStride, rowStride};
}

void multiply(const Matrix& a, const Matrix& b, const std::vector<std::size_t>& order, std::size_t parts, bool isTf32, std::vector<float>& result)
{
    const std::size_t m = a.rows, n = b.columns, k = a.columns;
    result.resize(m * n);
    const Matrix bTransposed = b.transposed();
    const std::size_t rowBlocks = (m + BlockRows - 1) / BlockRows, columnBlocks = (n + BlockColumns - 1) / BlockColumns;
    const std::size_t run = (k + parts - 1) / parts;
    parallelFor(
        rowBlocks * columnBlocks,
        [&](std::size_t task)
        {
            static thread_local Scratch scratch;
            const std::size_t firstRow = task % rowBlocks * BlockRows, firstColumn = task / rowBlocks * BlockColumns;
            const std::size_t rows = std::min(BlockRows, m - firstRow), columns = std::min(BlockColumns, n - firstColumn);
            for (std::size_t part = 0; part < parts; part++)
            {
                multiplyBlock(
                    a, bTransposed, firstRow, rows, firstColumn, columns, order.data(), std::min(k, part * run), std::min(k, (part + 1) * run), isTf32, scratch);
                for (std::size_t column = 0; column < columns; column++)
                {
                    float* target = result.data() + (firstColumn + column) * m + firstRow;
                    const float* source = scratch.block.data() + column * BlockRows;
                    for (std::size_t row = 0; row < rows; row++)
                    {
                        target[row] = part == 0 ? source[row] : target[row] + source[row];
                    }
                }
            }
        });
}
}
