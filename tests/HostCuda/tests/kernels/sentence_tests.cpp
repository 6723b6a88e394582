// What is done to the embeddings of sentences: pooling, normalisation, truncation.
#include "kernel_test.h"

#include <algorithm>

using namespace kernel_test;

namespace
{
void pooling(bool isBf16, int modes, int hidden, std::vector<int> lengths)
{
    const Packing packing(std::move(lengths));
    std::mt19937 random(static_cast<unsigned>(modes * 3 + hidden));
    const std::size_t size = static_cast<std::size_t>(packing.tokens) * hidden;
    const std::vector<double> x = normal(random, size, isBf16);
    int count = 0;
    for (int mode = 1; mode <= 32; mode *= 2)
    {
        count += (modes & mode) != 0 ? 1 : 0;
    }
    const int column = 2, stride = column + hidden * count;
    const std::vector<double> dy = normal(random, static_cast<std::size_t>(packing.sentences) * stride, false);
    std::vector<double> expected(dy.size(), 7.0), gradient(size);
    for (int s = 0; s < packing.sentences; s++)
    {
        const int length = packing.lengths[s];
        for (int c = 0; c < hidden; c++)
        {
            const auto at = [&](int t) { return static_cast<std::size_t>(packing.offsets[s] + t) * hidden + c; };
            std::size_t place = static_cast<std::size_t>(s) * stride + column + c;
            for (int mode = 1; mode <= 32; mode *= 2)
            {
                if ((modes & mode) == 0)
                {
                    continue;
                }
                int largest = 0;
                double sum = 0, weighted = 0;
                for (int t = 0; t < length; t++)
                {
                    largest = x[at(t)] > x[at(largest)] ? t : largest;
                    sum += x[at(t)];
                    weighted += (t + 1) * x[at(t)];
                }
                const double weights = 0.5 * length * (length + 1);
                expected[place] = mode == 1 ? x[at(0)] : mode == 2 ? x[at(largest)] : mode == 4 ? sum / length : mode == 8 ? sum / std::sqrt(1.0 * length)
                                  : mode == 16 ? weighted / weights : x[at(length - 1)];
                for (int t = 0; t < length; t++)
                {
                    gradient[at(t)] += dy[place] * (mode == 1 ? t == 0 : mode == 2 ? t == largest : mode == 4 ? 1.0 / length : mode == 8 ? 1 / std::sqrt(1.0 * length)
                                                    : mode == 16 ? (t + 1) / weights : t == length - 1);
                }
                place += hidden;
            }
        }
    }
    Activations hiddenStates(isBf16, x), hiddenGradient(isBf16, size);
    Array<int> offsets(packing.offsets);
    Array<float> pooled(std::vector<float>(dy.size(), 7.0f)), pooledGradient(floats(dy));
    const Shape grid{static_cast<unsigned>(packing.sentences), static_cast<unsigned>(hidden + 511) / 512};
    launch("pool_forward" + suffix(isBf16), grid, 128, 0, offsets.address(), modes, hiddenStates.address(), pooled.address(), hidden, column, stride);
    compare("pooled", doubles(pooled.read()), expected);
    launch("pool_backward" + suffix(isBf16), grid, 128, 0, offsets.address(), modes, hiddenStates.address(), pooledGradient.address(), hiddenGradient.address(), hidden, column, stride);
    compare("gradient", hiddenGradient.read(), gradient, norm(dy), outputRounding(isBf16, gradient));
}

void firstOfEqualLargest()
{
    Activations hiddenStates(false, {1, 5, 5, 2, 5, 1, 0, 5}), gradient(false, 8);
    Array<int> offsets(std::vector<int>{0, 4});
    Array<float> given(std::vector<float>{3, 4});
    launch("pool_backward_f32", {1, 1}, 128, 0, offsets.address(), 2, hiddenStates.address(), given.address(), gradient.address(), 2, 0, 2);
    check("only the first of equal values gets the gradient", gradient.read() == std::vector<double>({0, 4, 3, 0, 0, 0, 0, 0}));
}

void normalization(int rows, int width)
{
    std::mt19937 random(static_cast<unsigned>(width));
    std::vector<double> x = normal(random, static_cast<std::size_t>(rows) * width, false), dy = normal(random, x.size(), false), y(x.size()), dx(x.size()), lengths;
    std::fill_n(x.begin(), width, 0.0);
    for (int row = 0; row < rows; row++)
    {
        const std::size_t first = static_cast<std::size_t>(row) * width;
        double squares = 0, along = 0;
        for (int c = 0; c < width; c++)
        {
            squares += x[first + c] * x[first + c];
        }
        lengths.push_back(std::sqrt(squares));
        for (int c = 0; c < width; c++)
        {
            y[first + c] = x[first + c] / std::fmax(lengths[row], 1e-12);
            along += y[first + c] * dy[first + c];
        }
        for (int c = 0; c < width; c++)
        {
            dx[first + c] = lengths[row] < 1e-12 ? 0 : (dy[first + c] - y[first + c] * along) / lengths[row];
        }
    }
    Array<float> input(floats(x)), given(floats(dy)), output(x.size()), length(rows);
    const Shape grid{static_cast<unsigned>(rows + 3) / 4};
    launch("normalize_forward", grid, 128, 0, input.address(), length.address(), output.address(), rows, width);
    compare("length", doubles(length.read()), lengths);
    compare("output", doubles(output.read()), y);
    launch("normalize_backward", grid, 128, 0, output.address(), length.address(), given.address(), given.address(), rows, width);
    compare("gradient", doubles(given.read()), dx, norm(dy));
}

void truncation(int rows, int inputWidth, int width)
{
    std::mt19937 random(static_cast<unsigned>(inputWidth + width));
    const std::vector<double> x = normal(random, static_cast<std::size_t>(rows) * inputWidth, false), dy = normal(random, static_cast<std::size_t>(rows) * width, false);
    std::vector<double> y(dy.size()), dx(x.size()), twice(x.size());
    for (int row = 0; row < rows; row++)
    {
        const double* from = &x[static_cast<std::size_t>(row) * inputWidth];
        double squares = 0, along = 0;
        for (int c = 0; c < width; c++)
        {
            squares += from[c] * from[c];
        }
        for (int c = 0; c < width; c++)
        {
            const std::size_t i = static_cast<std::size_t>(row) * width + c;
            y[i] = from[c] / std::sqrt(squares);
            along += y[i] * dy[i];
        }
        for (int c = 0; c < width; c++)
        {
            const std::size_t i = static_cast<std::size_t>(row) * width + c, j = static_cast<std::size_t>(row) * inputWidth + c;
            dx[j] = (dy[i] - y[i] * along) / std::sqrt(squares);
            twice[j] = 2 * dx[j];
        }
    }
    Array<float> input(floats(x)), given(floats(dy)), output(y.size()), length(rows), gradient(std::vector<float>(x.size(), 7.0f));
    const Shape grid{static_cast<unsigned>(rows + 3) / 4};
    launch("truncate_normalize_forward", grid, 128, 0, input.address(), length.address(), output.address(), rows, inputWidth, width);
    compare("output", doubles(output.read()), y);
    for (const int add : {0, 1})
    {
        launch("truncate_normalize_backward", grid, 128, 0, output.address(), length.address(), given.address(), gradient.address(), rows, inputWidth, width, add);
        compare(add == 0 ? "gradient" : "gradient, added", doubles(gradient.read()), add == 0 ? dx : twice, norm(dy));
    }
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
    for (const bool isBf16 : {false, true})
    {
        for (const int modes : {1, 2, 4, 8, 16, 32, 63, 5})
        {
            tests.emplace_back("pooling " + std::to_string(modes) + suffix(isBf16), [=] { pooling(isBf16, modes, modes == 4 ? 768 : 64, {5, 1, 12, 3, 64}); });
        }
        tests.emplace_back("pooling of odd width" + suffix(isBf16), [=] { pooling(isBf16, 63, 35, {1, 512, 2}); });
    }
    tests.emplace_back("pooling of equal values", firstOfEqualLargest);
    for (const int width : {8, 33, 384, 1024})
    {
        tests.emplace_back("normalisation, width " + std::to_string(width), [=] { normalization(7, width); });
    }
    for (const int width : {1, 8, 33, 64})
    {
        tests.emplace_back("truncation to " + std::to_string(width), [=] { truncation(7, 64, width); });
    }
    tests.emplace_back("truncation of odd width", [] { truncation(5, 33, 32); });
    return runAll(count, arguments, tests);
}
