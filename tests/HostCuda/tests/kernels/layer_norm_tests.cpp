// add_norm, embed_norm, table gradients.
#include "kernel_test.h"

#include <algorithm>
#include <numeric>

using namespace kernel_test;

namespace
{
struct Norm
{
    std::vector<double> normalized, inverse, output;
};

Norm layerNorm(const std::vector<double>& x, const std::vector<float>& weight, const std::vector<float>& bias, double epsilon, int rows, int columns)
{
    Norm result;
    for (int row = 0; row < rows; row++)
    {
        const double* first = &x[static_cast<std::size_t>(row) * columns];
        const double mean = std::accumulate(first, first + columns, 0.0) / columns;
        double variance = 0;
        for (int c = 0; c < columns; c++)
        {
            variance += (first[c] - mean) * (first[c] - mean) / columns;
        }
        result.inverse.push_back(1 / std::sqrt(variance + epsilon));
        for (int c = 0; c < columns; c++)
        {
            result.normalized.push_back((first[c] - mean) * result.inverse.back());
            result.output.push_back(result.normalized.back() * weight[c] + bias[c]);
        }
    }
    return result;
}

struct NormGradient
{
    std::vector<double> input, weight, bias;
};

NormGradient layerNormBackward(
    const std::vector<double>& dy, const std::vector<double>& n, const std::vector<float>& inverse, const std::vector<float>& weight, int rows, int columns)
{
    NormGradient result{{}, std::vector<double>(columns), std::vector<double>(columns)};
    for (int row = 0; row < rows; row++)
    {
        double mean = 0, along = 0;
        for (int c = 0; c < columns; c++)
        {
            const std::size_t i = static_cast<std::size_t>(row) * columns + c;
            mean += dy[i] * weight[c] / columns;
            along += dy[i] * weight[c] * n[i] / columns;
            result.weight[c] += dy[i] * n[i];
            result.bias[c] += dy[i];
        }
        for (int c = 0; c < columns; c++)
        {
            const std::size_t i = static_cast<std::size_t>(row) * columns + c;
            result.input.push_back(inverse[row] * (dy[i] * weight[c] - mean - n[i] * along));
        }
    }
    return result;
}

std::vector<double> columnSums(const std::vector<double>& matrix, int columns)
{
    std::vector<double> sums(columns);
    for (std::size_t i = 0; i < matrix.size(); i++)
    {
        sums[i % columns] += matrix[i];
    }
    return sums;
}

// The three sums of a backward kernel's partials.
void comparePartials(
    const Array<float>& partials, unsigned blocks, int columns, const std::vector<double>& first, const std::vector<double>& second,
    const std::vector<double>& third, double given)
{
    Array<float> a(columns), b(std::vector<float>(columns, 1.0f)), c(columns);
    launch("reduce_partials", {static_cast<unsigned>(3 * columns + 31) / 32}, 256, 0, partials.address(), static_cast<int>(blocks), 3 * columns, columns,
           a.address(), std::uint64_t{0}, c.address(), 0);
    compare("dw", doubles(a.read()), first, given);
    compare("third sum", doubles(c.read()), third, given);
    launch("reduce_partials", {static_cast<unsigned>(3 * columns + 31) / 32}, 256, 0, partials.address(), static_cast<int>(blocks), 3 * columns, columns,
           std::uint64_t{0}, b.address(), std::uint64_t{0}, 1);
    std::vector<double> accumulated = second;
    std::for_each(accumulated.begin(), accumulated.end(), [](double& value) { value += 1; });
    compare("db, added to what was there", doubles(b.read()), accumulated, given);
}

void addNorm(bool isBf16, int rows, int columns, unsigned warps, unsigned blocks, double probability, bool hasBias)
{
    std::mt19937 random(static_cast<unsigned>(rows * 31 + columns));
    const std::size_t size = static_cast<std::size_t>(rows) * columns;
    const std::vector<double> linear = normal(random, size, isBf16, 2, 0.5), residual = normal(random, size, isBf16);
    const std::vector<float> linearBias = floats(normal(random, columns, false)), weight = floats(normal(random, columns, false, 0.5, 1)),
                             bias = floats(normal(random, columns, false));
    const Dropout dropout{probability};
    std::vector<double> x(size);
    for (std::size_t i = 0; i < size; i++)
    {
        x[i] = (linear[i] + (hasBias ? linearBias[i % columns] : 0)) * dropout.factor(i) + residual[i];
    }
    const Norm expected = layerNorm(x, weight, bias, 1e-12, rows, columns);

    Activations work(isBf16, linear), deviceResidual(isBf16, residual), output(isBf16, size);
    Array<float> deviceLinearBias(linearBias), deviceWeight(weight), deviceBias(bias), inverse(rows);
    Array<unsigned> state(std::vector<unsigned>(dropout.state, dropout.state + 4));
    const std::uint64_t stateAddress = probability == 0 ? 0 : state.address();
    launch("add_norm_forward" + suffix(isBf16), {blocks}, 32 * warps, warps * columns * 4, work.address(), hasBias ? deviceLinearBias.address() : 0, stateAddress,
           dropout.site, dropout.keepBelow(), dropout.keepScale(), deviceResidual.address(), deviceWeight.address(), deviceBias.address(), 1e-12f,
           work.address(), inverse.address(), output.address(), rows, columns);
    compare("normalized", work.read(), expected.normalized, 0, outputRounding(isBf16, expected.normalized));
    compare("inverse deviation", doubles(inverse.read()), expected.inverse);
    compare("output", output.read(), expected.output, 0, outputRounding(isBf16, expected.output));

    const std::vector<double> dy = normal(random, size, isBf16);
    const NormGradient gradient = layerNormBackward(dy, work.read(), inverse.read(), weight, rows, columns);
    std::vector<double> dropped(size);
    for (std::size_t i = 0; i < size; i++)
    {
        dropped[i] = gradient.input[i] * dropout.factor(i);
    }
    Activations deviceDy(isBf16, dy), linearGradient(isBf16, size);
    Array<float> partials(static_cast<std::size_t>(blocks) * 3 * columns);
    launch("add_norm_backward" + suffix(isBf16), {blocks}, 32 * warps, 4 * warps * columns * 4, deviceDy.address(), work.address(), inverse.address(),
           deviceWeight.address(), stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), deviceDy.address(), linearGradient.address(),
           partials.address(), rows, columns);
    compare("residual gradient, in place", deviceDy.read(), gradient.input, norm(dy), outputRounding(isBf16, gradient.input));
    compare("linear gradient", linearGradient.read(), dropped, norm(dy), outputRounding(isBf16, dropped));
    comparePartials(partials, blocks, columns, gradient.weight, gradient.bias, columnSums(dropped, columns), norm(dy));
}

void tableGradient(
    bool isBf16, const Activations& gradient, const std::vector<double>& gradientValues, const std::vector<int>& rowOfToken, int tableRows, int hidden,
    int skipRow, bool accumulate, unsigned threads)
{
    std::vector<int> order(rowOfToken.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rowOfToken[a] < rowOfToken[b]; });
    std::vector<int> starts, rows;
    std::vector<double> expected(static_cast<std::size_t>(tableRows) * hidden, accumulate ? 1.0 : 0.0);
    for (std::size_t i = 0; i < order.size(); i++)
    {
        const int row = rowOfToken[order[i]];
        if (i == 0 || row != rows.back())
        {
            starts.push_back(static_cast<int>(i));
            rows.push_back(row);
        }
        for (int c = 0; c < hidden && row != skipRow; c++)
        {
            expected[static_cast<std::size_t>(row) * hidden + c] += gradientValues[static_cast<std::size_t>(order[i]) * hidden + c];
        }
    }
    starts.push_back(static_cast<int>(order.size()));
    const int runs = static_cast<int>(rows.size());
    Array<int> deviceOrder(order), deviceStarts(starts), deviceRows(rows), runCount(std::vector<int>{runs});
    Array<float> table(std::vector<float>(expected.size(), accumulate ? 1.0f : 0.0f));
    launch("table_gradient" + suffix(isBf16), {static_cast<unsigned>(runs + 3), static_cast<unsigned>(hidden + 127) / 128}, threads, 0, gradient.address(), deviceOrder.address(),
           deviceStarts.address(), deviceRows.address(), runCount.address(), skipRow, table.address(), hidden, accumulate ? 1 : 0);
    compare("table gradient", doubles(table.read()), expected, norm(gradientValues));
}

// What is marked is cleared, nothing else is, and no mark stays; a row that is marked twice, and runs behind the last, change nothing.
void markedRows(int tableRows, int hidden, const std::vector<int>& marked)
{
    std::mt19937 random(static_cast<unsigned>(tableRows + hidden));
    const std::vector<float> before = floats(normal(random, static_cast<std::size_t>(tableRows) * hidden, false));
    const int runs = static_cast<int>(marked.size());
    std::vector<int> rows = marked;
    rows.insert(rows.end(), 300, -1);
    std::vector<float> expected = before;
    std::vector<unsigned char> expectedFlags(tableRows);
    for (const int row : marked)
    {
        expectedFlags[row] = 1;
        std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(row) * hidden, hidden, 0.0f);
    }
    const Array<int> deviceRows(rows), runCount(std::vector<int>{runs});
    const Array<float> table(before);
    const Array<unsigned char> flags(std::vector<unsigned char>(tableRows, 0));
    for (int micro = 0; micro < 2; micro++)
    {
        launch("mark_rows", {static_cast<unsigned>(rows.size() + 255) / 256}, 256, 0, deviceRows.address(), runCount.address(), flags.address());
    }
    check("the rows of the runs are marked", flags.read() == expectedFlags);
    launch("zero_marked_rows", {static_cast<unsigned>(tableRows + 7) / 8}, 256, 0, table.address(), flags.address(), tableRows, hidden);
    check("marked rows are zero, others as they were", table.read() == expected);
    check("no mark stays", flags.read() == std::vector<unsigned char>(tableRows, 0));
}

void embedding(bool isBf16, int tokens, int rows, int hidden, unsigned warps, unsigned blocks, double probability, bool hasTokenType)
{
    std::mt19937 random(static_cast<unsigned>(tokens * 7 + hidden));
    const int vocabulary = 23, positionRows = 9;
    std::vector<int> ids(rows, -1), positions(rows, -1);
    for (int t = 0; t < tokens; t++)
    {
        ids[t] = t % 3 == 0 ? 5 : static_cast<int>(random() % vocabulary);
        positions[t] = t % positionRows;
    }
    const std::vector<double> word = normal(random, static_cast<std::size_t>(vocabulary) * hidden, false), type = normal(random, hidden, false),
                              position = normal(random, static_cast<std::size_t>(positionRows) * hidden, false);
    const std::vector<float> weight = floats(normal(random, hidden, false, 0.5, 1)), bias = floats(normal(random, hidden, false));
    const Dropout dropout{probability};
    const std::size_t size = static_cast<std::size_t>(rows) * hidden;
    std::vector<double> x(static_cast<std::size_t>(tokens) * hidden);
    for (int t = 0; t < tokens; t++)
    {
        for (int c = 0; c < hidden; c++)
        {
            x[static_cast<std::size_t>(t) * hidden + c] = word[static_cast<std::size_t>(ids[t]) * hidden + c] +
                                                          position[static_cast<std::size_t>(positions[t]) * hidden + c] + (hasTokenType ? type[c] : 0);
        }
    }
    Norm expected = layerNorm(x, weight, bias, 1e-5, tokens, hidden);
    for (std::size_t i = 0; i < expected.output.size(); i++)
    {
        expected.output[i] *= dropout.factor(i);
    }
    expected.output.resize(size);
    expected.normalized.resize(size);
    expected.inverse.resize(rows);

    Array<int> deviceIds(ids), devicePositions(positions), tokenCount(std::vector<int>{tokens});
    Array<float> deviceWord(floats(word)), devicePosition(floats(position)), deviceType(floats(type)), deviceWeight(weight), deviceBias(bias), inverse(rows);
    Array<unsigned> state(std::vector<unsigned>(dropout.state, dropout.state + 4));
    Activations normalized(isBf16, size), output(isBf16, size);
    const std::uint64_t stateAddress = probability == 0 ? 0 : state.address();
    launch("embed_norm_forward" + suffix(isBf16), {blocks}, 32 * warps, warps * hidden * 4, deviceIds.address(), devicePositions.address(), tokenCount.address(),
           deviceWord.address(), devicePosition.address(), hasTokenType ? deviceType.address() : 0, deviceWeight.address(), deviceBias.address(), 1e-5f,
           stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), normalized.address(), inverse.address(), output.address(), rows, hidden);
    compare("normalized", normalized.read(), expected.normalized, 0, outputRounding(isBf16, expected.normalized));
    compare("inverse deviation", doubles(inverse.read()), expected.inverse);
    compare("output", output.read(), expected.output, 0, outputRounding(isBf16, expected.output));

    std::vector<double> dy = normal(random, size, isBf16);
    std::fill(dy.begin() + static_cast<std::ptrdiff_t>(tokens) * hidden, dy.end(), 0.0);
    std::vector<double> dropped(size);
    for (std::size_t i = 0; i < size; i++)
    {
        dropped[i] = dy[i] * dropout.factor(i);
    }
    const NormGradient gradient = layerNormBackward(dropped, normalized.read(), inverse.read(), weight, rows, hidden);
    Activations work(isBf16, dy);
    Array<float> partials(static_cast<std::size_t>(blocks) * 3 * hidden);
    launch("embed_norm_backward" + suffix(isBf16), {blocks}, 32 * warps, 4 * warps * hidden * 4, work.address(), normalized.address(), inverse.address(),
           deviceWeight.address(), stateAddress, dropout.site, dropout.keepBelow(), dropout.keepScale(), partials.address(), rows, hidden);
    compare("dx", work.read(), gradient.input, norm(dy), outputRounding(isBf16, gradient.input));
    comparePartials(partials, blocks, hidden, gradient.weight, gradient.bias, columnSums(gradient.input, hidden), norm(dy));

    const std::vector<double> dx = work.read();
    ids.resize(tokens);
    positions.resize(tokens);
    tableGradient(isBf16, work, dx, ids, vocabulary, hidden, 5, false, 256);
    tableGradient(isBf16, work, dx, ids, vocabulary, hidden, -1, true, 128);
    tableGradient(isBf16, work, dx, positions, positionRows, hidden, -1, false, 512);
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
    for (const bool isBf16 : {false, true})
    {
        for (const int columns : {64, 384, 768, 1024, 96, 33, 8})
        {
            const int rows = columns == 64 ? 131 : 19;
            tests.emplace_back("add_norm " + std::to_string(rows) + "x" + std::to_string(columns) + suffix(isBf16),
                               [=] { addNorm(isBf16, rows, columns, columns > 768 ? 2 : 4, 3, 0.1, true); });
        }
        tests.emplace_back("add_norm of one row, no bias, no dropout" + suffix(isBf16), [=] { addNorm(isBf16, 1, 64, 4, 2, 0, false); });
        tests.emplace_back("embedding" + suffix(isBf16), [=] { embedding(isBf16, 150, 192, 64, 4, 5, 0.1, true); });
        tests.emplace_back("embedding without token types, spare rows or dropout" + suffix(isBf16), [=] { embedding(isBf16, 37, 37, 384, 2, 3, 0, false); });
        tests.emplace_back("embedding of odd width" + suffix(isBf16), [=] { embedding(isBf16, 11, 12, 45, 1, 3, 0.5, true); });
        tests.emplace_back("embedding of one token" + suffix(isBf16), [=] { embedding(isBf16, 1, 1, 768, 4, 1, 0.1, true); });
    }
    tests.emplace_back("marked rows", [] { markedRows(1003, 45, {0, 7, 8, 9, 500, 1002}); });
    tests.emplace_back("marked rows of a table of one", [] { markedRows(1, 384, {0}); });
    tests.emplace_back("no marked rows", [] { markedRows(20, 64, {}); });
    std::vector<int> many;
    for (int row = 0; row < 600; row += 2)
    {
        many.push_back(row);
    }
    tests.emplace_back("more marked rows than a block has threads", [=] { markedRows(600, 33, many); });
    return runAll(count, arguments, tests);
}
