// The twins of warp and block instructions, in whatever order MNR_HOST_ORDER says.
#include "device.h"
#include "expect.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

using namespace stand_in_test;

namespace
{
std::vector<int> counted(int count)
{
    std::vector<int> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 100);
    return values;
}

std::uint16_t toBf16(float value)
{
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<std::uint16_t>(bits >> 16);
}

float fromBf16(std::uint16_t half)
{
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

void indices()
{
    resetContext();
    Buffer<int> target(2 * 3 * 2 * 4 * 2 * 3 * 6);
    void* arguments[] = {&target.address};
    expect("status", cuLaunchKernel(kernel("write_indices"), 2, 3, 2, 4, 2, 3, 0, nullptr, arguments, nullptr), Success);
    expect("status", cuCtxSynchronize(), Success);
    const std::vector<int> found = target.read();
    std::size_t at = 0;
    bool isRight = true;
    for (int block = 0; block < 12; block++)
    {
        for (int thread = 0; thread < 24; thread++)
        {
            const int expected[] = {block % 2, block / 2 % 3, block / 6, thread % 4, thread / 4 % 2, thread / 8};
            for (const int value : expected)
            {
                isRight = isRight && found[at++] == value;
            }
        }
    }
    expectTrue(isRight, "every thread of every block has its own place");
}

void shuffles()
{
    resetContext();
    const std::vector<int> source = counted(32);
    const Buffer<int> input(source);
    struct Case
    {
        int kind, argument, width;
    };
    for (const Case& test : {Case{0, 5, 32}, Case{0, 5, 8}, Case{0, 37, 32}, Case{1, 16, 32}, Case{1, 3, 32}, Case{1, 4, 4}, Case{2, 1, 32}, Case{2, 3, 8}, Case{3, 2, 32}, Case{3, 5, 16}})
    {
        Buffer<int> output(32);
        expect("status", launch("shuffle_numbers", 1, 32, 0, input.address, output.address, test.kind, test.argument, test.width), Success);
        const std::vector<int> found = output.read();
        for (int lane = 0; lane < 32; lane++)
        {
            const int group = lane / test.width * test.width, inGroup = lane % test.width;
            int from = test.kind == 0   ? group + test.argument % test.width
                       : test.kind == 1 ? lane ^ test.argument
                       : test.kind == 2 ? (inGroup < test.argument ? lane : lane - test.argument)
                                        : (inGroup + test.argument >= test.width ? lane : lane + test.argument);
            from = test.kind == 1 && from / test.width > lane / test.width ? lane : from;
            expect(
                "kind " + std::to_string(test.kind) + " of " + std::to_string(test.argument) + ", width " + std::to_string(test.width) + ", lane " + std::to_string(lane),
                found[static_cast<std::size_t>(lane)], source[static_cast<std::size_t>(from)]);
        }
    }
}

void halvesAlone()
{
    resetContext();
    Buffer<int> sums(32);
    Buffer<unsigned> votes(32);
    expect("status", launch("halves", 1, 32, 0, sums.address, votes.address), Success);
    const std::vector<int> foundSums = sums.read();
    const std::vector<unsigned> foundVotes = votes.read();
    for (std::size_t lane = 0; lane < 32; lane++)
    {
        expect("sum", foundSums[lane], lane < 16 ? 120 : 376);
        expect("votes", foundVotes[lane], lane < 16 ? 0x0000aaaau : 0x49240000u);
    }
}

void votes()
{
    resetContext();
    for (const int count : {0, 1, 31, 32})
    {
        std::vector<int> values(32, 0);
        std::fill(values.begin(), values.begin() + count, 7);
        const Buffer<int> input(values);
        Buffer<int> output(2);
        expect("status", launch("vote", 1, 32, 0, input.address, output.address), Success);
        expect("any of " + std::to_string(count), output.read()[0], count > 0);
        expect("all of " + std::to_string(count), output.read()[1], count == 32);
    }
}

void tileProduct()
{
    resetContext();
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<std::uint16_t> a(16 * 16), b(8 * 16);
    for (std::uint16_t& value : a)
    {
        value = toBf16(normal(random));
    }
    for (std::uint16_t& value : b)
    {
        value = toBf16(normal(random));
    }
    const Buffer<std::uint16_t> aInput(a), bInput(b);
    Buffer<float> output(16 * 8);
    expect("status", launch("multiply_tile", 1, 32, 0, aInput.address, bInput.address, output.address), Success);
    const std::vector<float> found = output.read();
    for (std::size_t row = 0; row < 16; row++)
    {
        for (std::size_t column = 0; column < 8; column++)
        {
            double sum = 0;
            for (std::size_t k = 0; k < 16; k++)
            {
                sum += static_cast<double>(fromBf16(a[row * 16 + k])) * fromBf16(b[column * 16 + k]);
            }
            expectTrue(std::fabs(found[row * 8 + column] - sum) < 1e-5, "element " + std::to_string(row) + ", " + std::to_string(column) + " is the sum of its products");
        }
    }
}

void matrixLoads()
{
    resetContext();
    std::vector<std::uint16_t> source(4 * 64);
    std::iota(source.begin(), source.end(), std::uint16_t{0});
    const Buffer<std::uint16_t> input(source);
    for (const int isTransposed : {0, 1})
    {
        Buffer<unsigned> output(4 * 32);
        expect("status", launch("load_matrices", 1, 32, 0, input.address, output.address, isTransposed), Success);
        const std::vector<unsigned> found = output.read();
        for (std::size_t lane = 0; lane < 32; lane++)
        {
            for (std::size_t matrix = 0; matrix < 4; matrix++)
            {
                const std::size_t g = lane / 4, t = lane % 4;
                const auto element = [&](std::size_t row, std::size_t column) { return unsigned{source[64 * matrix + 8 * row + column]}; };
                const unsigned expected = isTransposed != 0 ? element(2 * t, g) | element(2 * t + 1, g) << 16 : element(g, 2 * t) | element(g, 2 * t + 1) << 16;
                expect("lane " + std::to_string(lane) + " of matrix " + std::to_string(matrix), found[4 * lane + matrix], expected);
            }
        }
    }
}

void asynchronousCopies()
{
    resetContext();
    std::vector<float> source(256);
    std::iota(source.begin(), source.end(), 0.0f);
    const Buffer<float> input(source);
    Buffer<float> output(256);
    expect("status", launch("copy_through_shared", 1, 32, 0, input.address, output.address), Success);
    const std::vector<float> found = output.read();
    for (std::size_t i = 0; i < 256; i++)
    {
        expect("number " + std::to_string(i), found[i], source[i / 128 * 128 + 127 - i % 128]);
    }
}

void earlyReturns()
{
    resetContext();
    std::vector<float> source(256, 1.0f);
    const Buffer<float> input(source);
    for (const int count : {1, 31, 32, 100, 256})
    {
        Buffer<float> output(3);
        expect("status", launch("sum_block", 3, 256, 1024, input.address, output.address, count), Success);
        expect("sum of " + std::to_string(count), output.read()[2], static_cast<float>(count));
    }
}

void atomics()
{
    resetContext();
    const Buffer<unsigned> counter(std::vector<unsigned>{0});
    const Buffer<float> sum(std::vector<float>{0});
    expect("status", launch("count_threads", 40, 128, 0, counter.address, sum.address), Success);
    expect("threads", counter.read()[0], 40u * 128);
    expect("sum", sum.read()[0], 40 * 64.0f);
}

void freshSharedMemory()
{
    resetContext();
    Buffer<float> found(64 * 64);
    expect("status", launch("leave_numbers", 64, 32, 128, found.address), Success);
    for (const float value : found.read())
    {
        expectTrue(std::isnan(value), "shared memory that nobody has written is NaN, " + std::to_string(value));
    }
}
}

int main()
{
    return runCases(
        {{"indices of blocks and threads", indices},
         {"shuffles read the lane that CUDA's manual says", shuffles},
         {"halves of a warp work apart", halvesAlone},
         {"votes", votes},
         {"mma.sync by ldmatrix is a product of matrices", tileProduct},
         {"ldmatrix hands each lane its elements", matrixLoads},
         {"cp.async in groups", asynchronousCopies},
         {"threads that return early hold up no barrier", earlyReturns},
         {"atomic additions over all blocks", atomics},
         {"shared memory holds nothing of the block before", freshSharedMemory}});
}
