// What is done to sentences: pooling, normalisation, the ranking loss and the classifier's loss.
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

struct Ranking
{
    int queries, documentColumns, directions;
    bool isPerDirection;
    int hardness;
    double strength, scale, spread;
};

// The loss by logits as sentence-transformers builds them: every chosen matrix with its own -infinity.
void ranking(const Ranking& given)
{
    const int b = given.queries, documents = b * given.documentColumns;
    const bool hasPositives = (given.directions & 12) != 0, hasQueries = (given.directions & 6) != 0;
    const int firstDocument = hasQueries ? b : 0, columns = firstDocument + documents, rows = hasPositives ? 2 * b : b, stride = columns + 3;
    std::mt19937 random(static_cast<unsigned>(b * 100 + given.directions));
    std::vector<double> s(static_cast<std::size_t>(rows) * stride);
    std::uniform_real_distribution<double> similarity(-given.spread, given.spread);
    for (double& value : s)
    {
        value = static_cast<float>(similarity(random));
    }
    for (int i = 0; i < b && hasPositives && hasQueries; i++)
    {
        // Document to query is the transposed product: a query's positive against the query itself is the same number.
        s[static_cast<std::size_t>(b + i) * stride + i] = s[static_cast<std::size_t>(i) * stride + firstDocument + i];
    }
    const double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> expected = s;
    double loss = 0;
    const double weight = 0.5;
    for (int i = 0; i < b; i++)
    {
        struct Place
        {
            std::size_t index;
            double logit;
            bool isUpper;
        };
        std::vector<Place> places;
        for (int c = 0; c < columns; c++)
        {
            const bool isQuery = c < firstDocument, isOwn = !isQuery && (c - firstDocument) % b == i, isPositive = !isQuery && c - firstDocument == i;
            const std::size_t upper = static_cast<std::size_t>(i) * stride + c, lower = static_cast<std::size_t>(b + i) * stride + c;
            const bool isPenalized = !isQuery && !isPositive && (given.hardness == 3 || (given.hardness == 1 && !isOwn) || (given.hardness == 2 && isOwn));
            double logit = given.scale * s[upper] + (isPenalized ? given.strength * s[upper] : 0);
            logit = isQuery && ((given.directions & 2) == 0 || c == i) ? -infinity : logit;
            places.push_back({upper, logit, true});
            if (hasPositives)
            {
                const bool isChosen = isQuery ? (given.directions & 4) != 0 : (given.directions & 8) != 0 && !isOwn;
                places.push_back({lower, isChosen ? given.scale * s[lower] : -infinity, false});
            }
        }
        const double positive = given.scale * s[static_cast<std::size_t>(i) * stride + firstDocument + i];
        const bool isSplit = given.isPerDirection && hasPositives;
        for (const bool isUpper : {true, false})
        {
            double sum = 0;
            for (const Place& place : places)
            {
                sum += !isSplit || place.isUpper == isUpper ? std::exp(place.logit - positive) : 0;
            }
            const double share = (isSplit ? 0.5 : isUpper ? 1.0 : 0.0) / b * weight;
            loss += share * std::log(sum);
            for (const Place& place : places)
            {
                if ((!isSplit && isUpper) || (isSplit && place.isUpper == isUpper))
                {
                    const bool isPositive = isUpper && place.isUpper ? place.index == static_cast<std::size_t>(i) * stride + firstDocument + i
                                                                     : isSplit && !isUpper && place.index == static_cast<std::size_t>(b + i) * stride + i;
                    expected[place.index] = share * given.scale * (std::exp(place.logit - positive) / sum - (isPositive ? 1 : 0));
                }
            }
        }
    }
    Array<float> matrix(floats(s)), total(std::vector<float>{2.0f});
    Array<double> losses(b);
    launch("ranking_softmax", {static_cast<unsigned>(b)}, 128, 0, matrix.address(), b, columns, stride, firstDocument, hasPositives ? 1 : 0, given.directions,
           given.isPerDirection ? 1 : 0, given.hardness, static_cast<float>(given.scale), static_cast<float>(given.strength), static_cast<float>(weight), losses.address());
    launch("reduce_loss", {1}, 256, 0, losses.address(), b, static_cast<float>(weight), total.address(), 1);
    compare("loss, added", doubles(total.read()), {2 + loss});
    std::vector<double> gradient = doubles(matrix.read());
    for (int row = 0; row < rows; row++)
    {
        for (int c = columns; c < stride; c++)
        {
            check("columns behind the matrix are left alone", gradient[static_cast<std::size_t>(row) * stride + c] == s[static_cast<std::size_t>(row) * stride + c]);
            gradient[static_cast<std::size_t>(row) * stride + c] = expected[static_cast<std::size_t>(row) * stride + c] = 0;
        }
    }
    compare("gradient", gradient, expected);
}

void classifier(int rows, int classes)
{
    std::mt19937 random(static_cast<unsigned>(rows));
    const std::vector<double> logits = normal(random, static_cast<std::size_t>(rows) * classes, false, 5);
    std::vector<int> labels;
    std::vector<double> gradient(logits.size());
    double loss = 0;
    for (int row = 0; row < rows; row++)
    {
        labels.push_back(static_cast<int>(random() % static_cast<unsigned>(classes)));
        double sum = 0;
        for (int c = 0; c < classes; c++)
        {
            sum += std::exp(logits[static_cast<std::size_t>(row) * classes + c]);
        }
        for (int c = 0; c < classes; c++)
        {
            const std::size_t i = static_cast<std::size_t>(row) * classes + c;
            gradient[i] = 0.5 * (std::exp(logits[i]) / sum - (c == labels[row] ? 1 : 0)) / rows;
        }
        loss += 0.5 * (std::log(sum) - logits[static_cast<std::size_t>(row) * classes + labels[row]]) / rows;
    }
    Array<float> device(floats(logits)), total(1);
    Array<int> deviceLabels(labels);
    Array<double> losses(rows);
    launch("classifier_loss", {static_cast<unsigned>(rows + 3) / 4}, 128, 0, device.address(), deviceLabels.address(), 0.5f, losses.address(), rows, classes);
    launch("reduce_loss", {1}, 256, 0, losses.address(), rows, 0.5f, total.address(), 0);
    compare("loss", doubles(total.read()), {loss});
    compare("gradient", doubles(device.read()), gradient);
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
    for (const int b : {1, 2, 33, 130})
    {
        for (const int columns : {1, 2, 4})
        {
            tests.emplace_back("ranking " + std::to_string(b) + "x" + std::to_string(columns), [=] { ranking({b, columns, 1, false, 0, 0, 20, 1}); });
        }
    }
    for (const int directions : {1 | 4, 1 | 2, 1 | 8, 15})
    {
        tests.emplace_back("ranking in directions " + std::to_string(directions), [=] { ranking({11, 3, directions, false, 0, 0, 20, 1}); });
    }
    tests.emplace_back("ranking, symmetric", [] { ranking({11, 1, 5, true, 0, 0, 20, 1}); });
    tests.emplace_back("ranking, symmetric with negatives", [] { ranking({12, 3, 5, true, 0, 0, 20, 1}); });
    for (const int hardness : {1, 2, 3})
    {
        tests.emplace_back("ranking with hardness " + std::to_string(hardness), [=] { ranking({9, 2, 1, false, hardness, 5, 20, 1}); });
    }
    tests.emplace_back("ranking with all directions and hardness", [] { ranking({9, 2, 15, false, 3, 9, 20, 1}); });
    tests.emplace_back("ranking at scale 100", [] { ranking({16, 1, 1, false, 0, 0, 100, 1}); });
    tests.emplace_back("ranking of dot products", [] { ranking({16, 2, 1, false, 0, 0, 1, 40}); });
    tests.emplace_back("classifier, 3 classes", [] { classifier(37, 3); });
    tests.emplace_back("classifier, 70 classes, one row", [] { classifier(1, 70); });
    return runAll(count, arguments, tests);
}
