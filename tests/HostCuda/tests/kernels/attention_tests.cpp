// Attention, short and tiled, forward and backward, with dropout, bias and the bias' gradient; the bias of relative positions.
#include "kernel_test.h"

#include <algorithm>
#include <numeric>

using namespace kernel_test;

namespace
{
struct Reference
{
    std::vector<double> context, logSumExp, gradient, biasGradient;
};

// In double; with `isRounded` P M and dS are rounded to bf16 before they are multiplied, to see what error that alone makes.
Reference attention(
    const Packing& packing, int heads, int headDim, const std::vector<double>& qkv, const std::vector<float>& bias, int biasLength, const Dropout& dropout,
    const std::vector<double>& contextGradient, bool isRounded)
{
    const int hidden = heads * headDim;
    const auto rounded = [&](double value) { return isRounded ? roundToBf16(value) : value; };
    Reference result{std::vector<double>(static_cast<std::size_t>(packing.tokens) * hidden), std::vector<double>(static_cast<std::size_t>(packing.tokens) * heads),
                     std::vector<double>(qkv.size()), std::vector<double>(bias.size())};
    const double scale = 1 / std::sqrt(static_cast<double>(headDim));
    for (int s = 0; s < packing.sentences; s++)
    {
        const int length = packing.lengths[s], first = packing.offsets[s];
        for (int h = 0; h < heads; h++)
        {
            const auto at = [&](int token, int part, int c) { return (static_cast<std::size_t>(first + token) * 3 + part) * hidden + h * headDim + c; };
            const auto out = [&](int token, int c) { return static_cast<std::size_t>(first + token) * hidden + h * headDim + c; };
            for (int i = 0; i < length; i++)
            {
                std::vector<double> p(length), mask(length), dp(length);
                double largest = -1e300, sum = 0, dot = 0;
                for (int j = 0; j < length; j++)
                {
                    for (int c = 0; c < headDim; c++)
                    {
                        p[j] += scale * qkv[at(i, 0, c)] * qkv[at(j, 1, c)];
                    }
                    p[j] += bias.empty() ? 0 : bias[(static_cast<std::size_t>(h) * biasLength + i) * biasLength + j];
                    largest = std::fmax(largest, p[j]);
                }
                for (int j = 0; j < length; j++)
                {
                    p[j] = std::exp(p[j] - largest);
                    sum += p[j];
                }
                result.logSumExp[static_cast<std::size_t>(first + i) * heads + h] = largest + std::log(sum);
                for (int j = 0; j < length; j++)
                {
                    p[j] /= sum;
                    const long long element = packing.squaredOffsets[s] * heads + (static_cast<long long>(h) * length + i) * length + j;
                    mask[j] = dropout.factor(static_cast<unsigned long long>(element));
                    for (int c = 0; c < headDim; c++)
                    {
                        result.context[out(i, c)] += rounded(p[j] * mask[j]) * qkv[at(j, 2, c)];
                        dp[j] += contextGradient[out(i, c)] * qkv[at(j, 2, c)];
                        result.gradient[at(j, 2, c)] += rounded(p[j] * mask[j]) * contextGradient[out(i, c)];
                    }
                    dot += p[j] * mask[j] * dp[j];
                }
                for (int j = 0; j < length; j++)
                {
                    const double ds = rounded(p[j] * (mask[j] * dp[j] - dot));
                    for (int c = 0; c < headDim; c++)
                    {
                        result.gradient[at(i, 0, c)] += scale * ds * qkv[at(j, 1, c)];
                        result.gradient[at(j, 1, c)] += scale * ds * qkv[at(i, 0, c)];
                    }
                    if (!bias.empty())
                    {
                        result.biasGradient[(static_cast<std::size_t>(h) * biasLength + i) * biasLength + j] += ds;
                    }
                }
            }
        }
    }
    return result;
}

double distance(const std::vector<double>& a, const std::vector<double>& b)
{
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++)
    {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return std::sqrt(sum);
}

// The error of rounding outputs, and P and dS, to bf16.
double rounding(bool isBf16, const std::vector<double>& exact, const std::vector<double>& rounded)
{
    double sum = 0;
    for (std::size_t i = 0; i < exact.size(); i++)
    {
        const double error = roundToBf16(rounded[i]) - exact[i];
        sum += error * error;
    }
    return isBf16 ? std::sqrt(sum) : 0;
}

void attention(bool isBf16, int heads, int headDim, std::vector<int> lengths, double probability, bool hasBias, unsigned groups, int spare, bool isShortPathUsed = true)
{
    const Packing packing(std::move(lengths));
    std::mt19937 random(static_cast<unsigned>(heads * 1000 + headDim + packing.tokens));
    const int hidden = heads * headDim, biasLength = packing.longest + 3, rows = packing.tokens + spare;
    const std::size_t size = static_cast<std::size_t>(rows) * hidden;
    std::vector<double> qkv = normal(random, 3 * size, isBf16), contextGradient = normal(random, size, isBf16);
    const std::vector<float> bias = hasBias ? floats(normal(random, static_cast<std::size_t>(heads) * biasLength * biasLength, false)) : std::vector<float>();
    const Dropout dropout{probability};
    const Reference exact = attention(packing, heads, headDim, qkv, bias, biasLength, dropout, contextGradient, false);
    const Reference rounded = isBf16 ? attention(packing, heads, headDim, qkv, bias, biasLength, dropout, contextGradient, true) : exact;

    Activations deviceQkv(isBf16, qkv), context(isBf16, size), deviceContextGradient(isBf16, contextGradient), gradient(isBf16, 3 * size);
    Array<int> offsets(packing.offsets);
    Array<long long> squaredOffsets(packing.squaredOffsets);
    Array<float> deviceBias(bias), logSumExp(static_cast<std::size_t>(rows) * heads), rowDots(static_cast<std::size_t>(rows) * heads);
    Array<unsigned> state(std::vector<unsigned>(dropout.state, dropout.state + 4));
    const std::uint64_t stateAddress = probability == 0 ? 0 : state.address(), biasAddress = hasBias ? deviceBias.address() : 0;
    const std::uint64_t tokenCount = offsets.address() + 4 * static_cast<std::uint64_t>(packing.sentences);
    const std::string name = suffix(isBf16) + (headDim <= 32 ? "_d32" : headDim <= 64 ? "_d64" : "_d128");
    const unsigned sentences = static_cast<unsigned>(packing.sentences), tiles = static_cast<unsigned>(packing.longest + 31) / 32, row = static_cast<unsigned>(headDim) + 4;
    const Shape grid{sentences, static_cast<unsigned>(heads)}, tiledGrid{sentences, static_cast<unsigned>(heads), tiles};
    const int shortest = isShortPathUsed ? 33 : 1;
    if (isShortPathUsed)
    {
        launch("attention_short_forward" + name, grid, 128, (96 * row + 1152) * 4, deviceQkv.address(), offsets.address(), squaredOffsets.address(), biasAddress, biasLength,
               stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(), context.address(), heads, headDim);
    }
    if (packing.longest >= shortest)
    {
        launch("attention_tiled_forward" + name, tiledGrid, 128, (96 * row + 1152) * 4, deviceQkv.address(), offsets.address(), squaredOffsets.address(), biasAddress, biasLength,
               stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(), context.address(), heads, headDim, shortest);
    }
    launch("zero_spare_rows" + suffix(isBf16), {2}, 256, 0, context.address(), tokenCount, rows, hidden);
    std::vector<double> expected = exact.context, expectedRounded = rounded.context;
    expected.resize(size);
    expectedRounded.resize(size);
    compare("context", context.read(), expected, 0, rounding(isBf16, expected, expectedRounded));
    compare("logSumExp", doubles(logSumExp.read(exact.logSumExp.size())), exact.logSumExp);

    launch("attention_row_dots" + suffix(isBf16), {static_cast<unsigned>(packing.tokens * heads + 3) / 4}, 128, 0, context.address(), deviceContextGradient.address(), rowDots.address(),
           packing.tokens, heads, headDim);
    if (isShortPathUsed)
    {
        launch("attention_short_backward" + name, grid, 128, (128 * row + 2304) * 4, deviceQkv.address(), offsets.address(), squaredOffsets.address(), biasAddress, biasLength,
               stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(), hasBias ? rowDots.address() : 0, deviceContextGradient.address(),
               gradient.address(), heads, headDim);
    }
    if (packing.longest >= shortest)
    {
        launch("attention_tiled_backward_keys" + name, tiledGrid, 128, (128 * row + 2368) * 4, deviceQkv.address(), offsets.address(), squaredOffsets.address(), biasAddress,
               biasLength, stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(), rowDots.address(), deviceContextGradient.address(),
               gradient.address(), heads, headDim, shortest);
        launch("attention_tiled_backward_queries" + name, tiledGrid, 128, (128 * row + 1216) * 4, deviceQkv.address(), offsets.address(), squaredOffsets.address(), biasAddress,
               biasLength, stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(), rowDots.address(), deviceContextGradient.address(),
               gradient.address(), heads, headDim, shortest);
    }
    launch("zero_spare_rows" + suffix(isBf16), {2}, 256, 0, gradient.address(), tokenCount, rows, 3 * hidden);
    // Spare rows of the reference are zero already: no sentence reaches them.
    compare("gradient", gradient.read(), exact.gradient, norm(contextGradient), rounding(isBf16, exact.gradient, rounded.gradient));

    if (hasBias)
    {
        const int elements = heads * biasLength * biasLength;
        const unsigned biasTiles = static_cast<unsigned>(biasLength + 31) / 32;
        Array<float> biasGradient(std::vector<float>(elements, 1.0f)), copies(static_cast<std::size_t>(groups) * elements);
        launch("attention_bias_gradient" + suffix(isBf16), {biasTiles * biasTiles, static_cast<unsigned>(heads), groups}, 128, (128 * row + 1216) * 4, deviceQkv.address(),
               offsets.address(), squaredOffsets.address(), biasAddress, biasLength, stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), logSumExp.address(),
               rowDots.address(), deviceContextGradient.address(), groups == 1 ? biasGradient.address() : copies.address(), packing.sentences, heads, headDim, groups == 1 ? 1 : 0);
        if (groups > 1)
        {
            launch("reduce_partials", {static_cast<unsigned>(elements + 31) / 32}, 256, 0, copies.address(), static_cast<int>(groups), elements, elements, biasGradient.address(),
                   std::uint64_t{0}, std::uint64_t{0}, 1);
        }
        std::vector<double> added = exact.biasGradient;
        std::for_each(added.begin(), added.end(), [](double& value) { value += 1; });
        compare("bias gradient", doubles(biasGradient.read()), added, norm(contextGradient), isBf16 ? distance(exact.biasGradient, rounded.biasGradient) : 0);
    }
}

// transformers' formula, in its single precision.
int relativeBucket(int distance)
{
    const int magnitude = std::abs(distance);
    const int far = 8 + static_cast<int>(std::log(static_cast<float>(magnitude) / 8) / static_cast<float>(std::log(16.0)) * 8);
    return (distance > 0 ? 16 : 0) + (magnitude < 8 ? magnitude : std::min(15, far));
}

void relativeBias(int heads, int length, bool isAccumulated)
{
    std::mt19937 random(static_cast<unsigned>(heads * 1000 + length));
    const std::size_t size = static_cast<std::size_t>(heads) * length * length;
    const std::vector<double> table = normal(random, 32 * static_cast<std::size_t>(heads), false), given = normal(random, size, false);
    std::vector<double> before = normal(random, table.size(), false), bias(size), gradient(table.size());
    for (int head = 0; head < heads; head++)
    {
        for (int query = 0; query < length; query++)
        {
            for (int key = 0; key < length; key++)
            {
                const std::size_t element = (static_cast<std::size_t>(head) * length + query) * length + key;
                const std::size_t entry = static_cast<std::size_t>(relativeBucket(key - query)) * heads + head;
                bias[element] = table[entry];
                gradient[entry] += given[element];
            }
        }
    }
    for (std::size_t i = 0; isAccumulated && i < gradient.size(); i++)
    {
        gradient[i] += before[i];
    }
    Array<float> deviceTable(floats(table)), deviceBias(size), deviceGiven(floats(given)), deviceGradient(floats(before));
    launch("relative_bias_forward", {3}, 256, 0, deviceTable.address(), deviceBias.address(), heads, length);
    launch("relative_bias_backward", {32, static_cast<unsigned>(heads)}, 256, 0, deviceGiven.address(), deviceGradient.address(), heads, length, isAccumulated ? 1 : 0);
    compare("bias", doubles(deviceBias.read()), bias);
    compare("table gradient", doubles(deviceGradient.read()), gradient, norm(given));
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
    for (const bool isBf16 : {false, true})
    {
        const auto add = [&](const std::string& name, auto... given) { tests.emplace_back("attention " + name + suffix(isBf16), [=] { attention(isBf16, given...); }); };
        for (const int headDim : {16, 24, 32, 40, 64, 72, 96, 128})
        {
            add("of short sentences, headDim " + std::to_string(headDim), 2, headDim, std::vector<int>{5, 1, 12, 3, 32, 17}, 0.1, false, 1u, 0, true);
            add("of mixed sentences, headDim " + std::to_string(headDim), 1, headDim, std::vector<int>{33, 1, 70, 32}, 0.1, false, 1u, 5, true);
        }
        add("of short sentences, tiled", 2, 32, std::vector<int>{5, 1, 12, 3, 32, 17}, 0.1, false, 1u, 0, false);
        add("of one token with bias", 12, 64, std::vector<int>{1}, 0.1, true, 1u, 0, true);
        add("with bias", 3, 16, std::vector<int>{7, 64, 33}, 0.0, true, 1u, 0, true);
        add("with bias, in groups of sentences", 2, 32, std::vector<int>{7, 40, 1, 31, 9}, 0.2, true, 3u, 2, true);
        add("of 512 tokens", 1, 32, std::vector<int>{512}, 0.1, false, 1u, 0, true);
        add("of one token", 12, 64, std::vector<int>{1}, 0.0, false, 1u, 0, true);
        add("of many sentences", 1, 16, std::vector<int>(256, 3), 0.1, false, 1u, 0, true);
    }
    for (const int length : {1, 2, 9, 70, 200})
    {
        tests.emplace_back("relative positions, length " + std::to_string(length), [=] { relativeBias(length == 9 ? 12 : 3, length, length % 2 == 0); });
    }
    return runAll(count, arguments, tests);
}
