// The losses on embeddings: ranking, the classifier's, those of labelled pairs.
#include "kernel_test.h"

using namespace kernel_test;

namespace
{
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

// Embeddings of pairs and the similarity of each, with what its gradient makes of a number a pair.
struct Pairs
{
    Pairs(int pairs, int width, bool isCosine, double spread = 1) : pairs(pairs), width(width), isCosine(isCosine)
    {
        std::mt19937 random(static_cast<unsigned>(pairs * 7 + width));
        embeddings = normal(random, 2 * static_cast<std::size_t>(pairs) * width, false, spread);
        for (int pair = 0; pair < pairs; pair++)
        {
            similarities.push_back(dot(pair, pairs + pair) / (isCosine ? length(pair) * length(pairs + pair) : 1));
            labels.push_back(static_cast<double>(random() % 6) / 4);
        }
    }

    double dot(int a, int b) const
    {
        double sum = 0;
        for (int c = 0; c < width; c++)
        {
            sum += embeddings[static_cast<std::size_t>(a) * width + c] * embeddings[static_cast<std::size_t>(b) * width + c];
        }
        return sum;
    }

    double length(int row) const
    {
        return std::sqrt(dot(row, row));
    }

    std::vector<double> gradient(const std::vector<double>& given) const
    {
        std::vector<double> result(embeddings.size());
        for (int row = 0; row < 2 * pairs; row++)
        {
            const int pair = row % pairs, other = (row + pairs) % (2 * pairs);
            for (int c = 0; c < width; c++)
            {
                const double own = embeddings[static_cast<std::size_t>(row) * width + c], across = embeddings[static_cast<std::size_t>(other) * width + c];
                result[static_cast<std::size_t>(row) * width + c] =
                    given[pair] * (isCosine ? across / (length(row) * length(other)) - similarities[pair] * own / (length(row) * length(row)) : across);
            }
        }
        return result;
    }

    int pairs, width;
    bool isCosine;
    std::vector<double> embeddings, similarities, labels;
};

void cosineSimilarity(int pairs, int width)
{
    const Pairs given(pairs, width, true);
    std::vector<double> gradients;
    double loss = 0;
    for (int pair = 0; pair < pairs; pair++)
    {
        const double error = given.similarities[pair] - given.labels[pair];
        loss += 0.5 * error * error / pairs;
        gradients.push_back(0.5 * 2 * error / pairs);
    }
    Array<float> embeddings(floats(given.embeddings)), labels(floats(given.labels)), similarities(pairs), lengths(2 * pairs), pairGradients(pairs),
        gradient(given.embeddings.size()), total(1);
    Array<double> losses(pairs);
    const Shape grid{static_cast<unsigned>(pairs + 3) / 4};
    launch("pair_similarity", grid, 128, 0, embeddings.address(), similarities.address(), lengths.address(), pairs, width, 1);
    compare("similarities", doubles(similarities.read()), given.similarities);
    launch("cosine_similarity_loss", {static_cast<unsigned>(pairs + 255) / 256}, 256, 0, similarities.address(), labels.address(), 0.5f, losses.address(), pairGradients.address(), pairs, 0, 0);
    launch("reduce_loss", {1}, 256, 0, losses.address(), pairs, 0.5f, total.address(), 0);
    launch("pair_similarity_backward", grid, 128, 0, embeddings.address(), similarities.address(), lengths.address(), pairGradients.address(), gradient.address(), pairs, width, 1);
    compare("loss", doubles(total.read()), {loss});
    compare("gradient", doubles(gradient.read()), given.gradient(gradients), 1);
}

void cosent(int pairs, int width, bool isCosine, double scale, double spread)
{
    const Pairs given(pairs, width, isCosine, spread);
    double largest = 0;
    const auto logit = [&](int i, int j) { return scale * (given.similarities[i] - given.similarities[j]); };
    for (int i = 0; i < pairs; i++)
    {
        for (int j = 0; j < pairs; j++)
        {
            largest = given.labels[i] < given.labels[j] ? std::fmax(largest, logit(i, j)) : largest;
        }
    }
    double sum = std::exp(-largest);
    std::vector<double> gradients(pairs);
    for (int i = 0; i < pairs; i++)
    {
        for (int j = 0; j < pairs; j++)
        {
            const double term = given.labels[i] < given.labels[j] ? std::exp(logit(i, j) - largest) : 0;
            sum += term;
            gradients[i] += scale * term;
            gradients[j] -= scale * term;
        }
    }
    for (double& gradient : gradients)
    {
        gradient /= sum;
    }
    Array<float> embeddings(floats(given.embeddings)), labels(floats(given.labels)), similarities(pairs), lengths(2 * pairs), pairGradients(pairs),
        gradient(given.embeddings.size()), total(std::vector<float>{2.0f});
    Array<double> above(pairs), below(pairs);
    const Shape grid{static_cast<unsigned>(pairs + 3) / 4};
    launch("pair_similarity", grid, 128, 0, embeddings.address(), similarities.address(), lengths.address(), pairs, width, isCosine ? 1 : 0);
    launch("cosent_rows", {static_cast<unsigned>(pairs)}, 256, 0, similarities.address(), labels.address(), static_cast<float>(scale), above.address(), below.address(), pairs);
    launch("cosent_loss", {1}, 256, 0, above.address(), below.address(), static_cast<float>(scale), 1.0f, total.address(), pairGradients.address(), pairs, 1);
    launch("pair_similarity_backward", grid, 128, 0, embeddings.address(), similarities.address(), lengths.address(), pairGradients.address(), gradient.address(), pairs, width, isCosine ? 1 : 0);
    compare("loss, added", doubles(total.read()), {2 + largest + std::log(sum)});
    compare("gradient", doubles(gradient.read()), given.gradient(gradients), 1);
}

void softmax(int pairs, int width, int classes, int features)
{
    const Pairs given(pairs, width, false);
    std::mt19937 random(static_cast<unsigned>(features));
    const int parts = ((features & 1) != 0 ? 2 : 0) + ((features & 2) != 0 ? 1 : 0) + ((features & 4) != 0 ? 1 : 0), depth = parts * width;
    const std::vector<double> weight = normal(random, static_cast<std::size_t>(classes) * depth, false, 0.2), bias = normal(random, classes, false);
    std::vector<double> weightGradient(weight.size()), biasGradient(classes), gradient(given.embeddings.size());
    std::vector<int> labels;
    double loss = 0;
    for (int pair = 0; pair < pairs; pair++)
    {
        labels.push_back(static_cast<int>(random() % static_cast<unsigned>(classes)));
        const std::size_t u = static_cast<std::size_t>(pair) * width, v = static_cast<std::size_t>(pairs + pair) * width;
        std::vector<double> x;
        const auto add = [&](const std::function<double(double, double)>& feature)
        {
            for (int c = 0; c < width; c++)
            {
                x.push_back(feature(given.embeddings[u + c], given.embeddings[v + c]));
            }
        };
        if ((features & 1) != 0)
        {
            add([](double a, double) { return a; });
            add([](double, double b) { return b; });
        }
        if ((features & 2) != 0)
        {
            add([](double a, double b) { return std::fabs(a - b); });
        }
        if ((features & 4) != 0)
        {
            add([](double a, double b) { return a * b; });
        }
        std::vector<double> logits = bias;
        double sum = 0;
        for (int c = 0; c < classes; c++)
        {
            for (int i = 0; i < depth; i++)
            {
                logits[c] += x[i] * weight[static_cast<std::size_t>(c) * depth + i];
            }
            sum += std::exp(logits[c]);
        }
        loss += (std::log(sum) - logits[labels[pair]]) / pairs;
        for (int c = 0; c < classes; c++)
        {
            const double dz = (std::exp(logits[c]) / sum - (c == labels[pair] ? 1 : 0)) / pairs;
            biasGradient[c] += dz;
            for (int i = 0; i < depth; i++)
            {
                weightGradient[static_cast<std::size_t>(c) * depth + i] += dz * x[i];
                const double passed = dz * weight[static_cast<std::size_t>(c) * depth + i];
                const int part = i / width, column = i % width;
                const double a = given.embeddings[u + column], b = given.embeddings[v + column];
                const int kind = (features & 1) != 0 ? part : part + 2;
                const bool isDifference = kind == 2 && (features & 2) != 0;
                gradient[u + column] += kind == 0 ? passed : kind == 1 ? 0 : isDifference ? (a > b ? passed : -passed) : passed * b;
                gradient[v + column] += kind == 0 ? 0 : kind == 1 ? passed : isDifference ? (a > b ? -passed : passed) : passed * a;
            }
        }
    }
    Array<float> embeddings(floats(given.embeddings)), w(floats(weight)), b(floats(bias)), logits(static_cast<std::size_t>(pairs) * classes), total(1),
        dw(std::vector<float>(weight.size(), 3.0f)), db(std::vector<float>(classes, 3.0f)), de(gradient.size());
    Array<int> deviceLabels(labels);
    Array<double> losses(pairs);
    launch("classifier_logits", {static_cast<unsigned>(pairs), static_cast<unsigned>(classes)}, 128, 0, embeddings.address(), w.address(), b.address(), logits.address(), pairs, width, classes, features);
    launch("classifier_loss", {static_cast<unsigned>(pairs + 3) / 4}, 128, 0, logits.address(), deviceLabels.address(), 1.0f, losses.address(), pairs, classes);
    launch("reduce_loss", {1}, 256, 0, losses.address(), pairs, 1.0f, total.address(), 0);
    const Shape weightGrid{static_cast<unsigned>(depth + 128) / 128, static_cast<unsigned>(classes)};
    for (const int accumulate : {0, 1})
    {
        launch("classifier_backward_weights", weightGrid, 128, 0, embeddings.address(), logits.address(), dw.address(), db.address(), pairs, width, classes, features, accumulate);
    }
    launch("classifier_backward_embeddings", {static_cast<unsigned>(pairs), static_cast<unsigned>(width + 127) / 128}, 128, 0, embeddings.address(), w.address(), logits.address(),
           de.address(), pairs, width, classes, features);
    for (std::vector<double>* once : {&weightGradient, &biasGradient})
    {
        for (double& value : *once)
        {
            value *= 2;
        }
    }
    compare("loss", doubles(total.read()), {loss});
    compare("weight gradient, twice", doubles(dw.read()), weightGradient, 1);
    compare("bias gradient, twice", doubles(db.read()), biasGradient, 1);
    compare("gradient", doubles(de.read()), gradient, 1);
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
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
    tests.emplace_back("cosine similarity", [] { cosineSimilarity(37, 64); });
    tests.emplace_back("cosine similarity, odd width", [] { cosineSimilarity(1, 33); });
    for (const int pairs : {1, 2, 40, 300})
    {
        tests.emplace_back("CoSENT of " + std::to_string(pairs), [=] { cosent(pairs, 48, true, 20, 1); });
    }
    tests.emplace_back("CoSENT of large dot products", [] { cosent(20, 33, false, 1, 10); });
    for (int features = 1; features < 8; features++)
    {
        tests.emplace_back("softmax loss with features " + std::to_string(features), [=] { softmax(9, 40, 3, features); });
    }
    tests.emplace_back("softmax loss, wide", [] { softmax(33, 384, 5, 7); });
    return runAll(count, arguments, tests);
}
