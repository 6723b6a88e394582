// Activations with bias, column sums, casts, fills, and the optimizer.
#include "kernel_test.h"

#include <limits>

using namespace kernel_test;

namespace
{
constexpr double Pi = 3.14159265358979323846;

double value(int activation, double x)
{
    switch (activation)
    {
        case 0:
            return x;
        case 1:
            return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
        case 2:
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / Pi) * (x + 0.044715 * x * x * x)));
        case 3:
            return x > 0 ? x : 0;
        case 4:
            return std::tanh(x);
        default:
            return 1 / (1 + std::exp(-x));
    }
}

double derivative(int activation, double x)
{
    const double t = std::tanh(std::sqrt(2 / Pi) * (x + 0.044715 * x * x * x)), s = 1 / (1 + std::exp(-x));
    switch (activation)
    {
        case 0:
            return 1;
        case 1:
            return 0.5 * (1 + std::erf(x / std::sqrt(2.0))) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * Pi);
        case 2:
            return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * std::sqrt(2 / Pi) * (1 + 3 * 0.044715 * x * x);
        case 3:
            return x > 0 ? 1 : 0;
        case 4:
            return 1 - std::tanh(x) * std::tanh(x);
        default:
            return s * (1 - s);
    }
}

void activation(bool isBf16, int kind, int rows, int columns, bool hasBias)
{
    std::mt19937 random(static_cast<unsigned>(100 * kind + rows));
    const std::size_t size = static_cast<std::size_t>(rows) * columns;
    const std::vector<double> linear = normal(random, size, isBf16, 3), dy = normal(random, size, isBf16);
    const std::vector<float> bias = floats(normal(random, columns, false));
    std::vector<double> z(size), y(size);
    for (std::size_t i = 0; i < size; i++)
    {
        z[i] = linear[i] + (hasBias ? bias[i % columns] : 0);
        y[i] = value(kind, z[i]);
    }
    Activations work(isBf16, linear), output(isBf16, size), gradient(isBf16, dy);
    Array<float> deviceBias(bias);
    launch("activation_forward" + suffix(isBf16), {3}, 256, 0, work.address(), hasBias ? deviceBias.address() : 0, kind, work.address(), output.address(), rows, columns);
    compare("preactivation", work.read(), z, 0, outputRounding(isBf16, z));
    compare("output", output.read(), y, 0, outputRounding(isBf16, y));

    const std::vector<double> saved = work.read();
    std::vector<double> dz(size), db(columns);
    for (std::size_t i = 0; i < size; i++)
    {
        dz[i] = dy[i] * derivative(kind, saved[i]);
        db[i % columns] += dz[i];
    }
    const int pack = isBf16 ? 8 : 4, width = 32 * (columns % pack == 0 ? pack : 1);
    const unsigned slabs = 3;
    Array<float> partials(static_cast<std::size_t>(slabs) * columns), sums(columns);
    launch("activation_backward" + suffix(isBf16), {static_cast<unsigned>((columns + width - 1) / width), slabs}, 256, 0, work.address(), kind, gradient.address(), partials.address(),
           rows, columns);
    compare("gradient", gradient.read(), dz, norm(dy), outputRounding(isBf16, dz));
    launch("reduce_partials", {static_cast<unsigned>(columns + 31) / 32}, 256, 0, partials.address(), static_cast<int>(slabs), columns, columns, sums.address(), std::uint64_t{0},
           std::uint64_t{0}, 0);
    compare("bias gradient", doubles(sums.read()), db, norm(dy));

    std::vector<double> columnSums(columns);
    for (std::size_t i = 0; i < size; i++)
    {
        columnSums[i % columns] += linear[i];
    }
    Activations matrix(isBf16, linear);
    launch("column_sums" + suffix(isBf16), {static_cast<unsigned>((columns + width - 1) / width), slabs}, 256, 0, matrix.address(), partials.address(), rows, columns);
    launch("reduce_partials", {static_cast<unsigned>(columns + 31) / 32}, 256, 0, partials.address(), static_cast<int>(slabs), columns, columns, sums.address(), std::uint64_t{0},
           std::uint64_t{0}, 0);
    compare("column sums", doubles(sums.read()), columnSums, norm(linear));
}

void casts()
{
    std::vector<double> values = {0, -0.0, 1, 1.00390625, 1.01171875, -1.00390625, 3.4e38, 1e-40, 65504.5, std::numeric_limits<double>::infinity(), 1.0 / 3};
    Array<float> source(floats(values)), back(values.size());
    Activations half(true, values.size());
    launch("cast_f32_to_bf16", {2}, 256, 0, source.address(), half.address(), static_cast<long long>(values.size()));
    const std::vector<double> halves = half.read();
    for (std::size_t i = 0; i < values.size(); i++)
    {
        check("the nearest bf16 of " + std::to_string(values[i]), halves[i] == roundToBf16(values[i]));
    }
    launch("cast_bf16_to_f32", {2}, 256, 0, half.address(), back.address(), static_cast<long long>(values.size()));
    check("every bf16 widened as it is", doubles(back.read()) == halves);
    launch("fill_bf16", {2}, 256, 0, half.address(), 2.5f, static_cast<long long>(values.size()));
    launch("fill_f32", {2}, 256, 0, back.address(), -0.1f, static_cast<long long>(values.size()));
    check("bf16 filled", half.read() == std::vector<double>(values.size(), 2.5));
    check("fp32 filled", back.read() == std::vector<float>(values.size(), -0.1f));
}

void clipping(long long count, float maximum)
{
    std::mt19937 random(static_cast<unsigned>(count));
    const std::vector<double> gradients = normal(random, static_cast<std::size_t>(count), false, 0.01);
    const unsigned blocks = static_cast<unsigned>((count + 65535) / 65536);
    Array<float> device(floats(gradients)), norm(1), factor(1);
    Array<double> sums(blocks);
    launch("square_sums", {blocks}, 256, 0, device.address(), count, sums.address());
    launch("clip_factor", {1}, 256, 0, sums.address(), static_cast<int>(blocks), maximum, norm.address(), factor.address());
    const double expected = kernel_test::norm(gradients);
    compare("norm", doubles(norm.read()), {expected});
    compare("factor", doubles(factor.read()), {std::isinf(maximum) ? 1.0 : std::fmin(1.0, maximum / (expected + 1e-6))});
}

void adam(bool isDecoupled, bool hasCopy)
{
    const long long count = 64 * 37;
    std::mt19937 random(5);
    const double beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, rate = 2e-5f, clip = 0.25f;
    std::vector<double> w = normal(random, count, false), m(count), v(count), decay = {};
    for (int block = 0; block < count / 64; block++)
    {
        decay.push_back(block % 2 == 0 ? 0.0 : static_cast<double>(0.01f));
    }
    Array<float> weights(floats(w)), first(floats(m)), second(floats(v)), blockDecay(floats(decay)), clipFactor(std::vector<float>{static_cast<float>(clip)});
    Activations copy(true, std::vector<double>(count, 0.0));
    const std::vector<double> start = w;
    for (int step = 1; step <= 4; step++)
    {
        const std::vector<double> g = normal(random, count, false, 0.1);
        const float rates[] = {static_cast<float>(rate), static_cast<float>(rate / (1 - std::pow(beta1, step))), static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, step))), 0};
        Array<float> gradients(floats(g)), deviceRates(std::vector<float>(rates, rates + 4));
        launch("adam", {2}, 256, 0, weights.address(), gradients.address(), first.address(), second.address(), blockDecay.address(), deviceRates.address(), clipFactor.address(),
               static_cast<float>(beta1), static_cast<float>(1 - beta1), static_cast<float>(beta2), static_cast<float>(1 - beta2), static_cast<float>(epsilon), isDecoupled ? 1 : 0,
               hasCopy ? copy.address() : 0, count);
        for (long long i = 0; i < count; i++)
        {
            const double d = decay[i / 64];
            const double gradient = clip * g[i] + (isDecoupled ? 0 : d * w[i]);
            w[i] *= isDecoupled ? 1 - rate * d : 1;
            m[i] = beta1 * m[i] + (1 - beta1) * gradient;
            v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
            w[i] -= rate / (1 - std::pow(beta1, step)) * m[i] / (std::sqrt(v[i] / (1 - std::pow(beta2, step))) + epsilon);
        }
    }
    const std::vector<float> result = weights.read();
    compare("first moments", doubles(first.read()), m);
    compare("second moments", doubles(second.read()), v);
    compare("weights", doubles(result), w);
    std::vector<double> moved(count), expected(count);
    for (long long i = 0; i < count; i++)
    {
        moved[i] = result[i] - start[i];
        expected[i] = w[i] - start[i];
        check("the copy is the rounded weight", !hasCopy || i % 101 != 0 || copy.read()[i] == roundToBf16(result[i]));
    }
    // A step is about 2e-5 of weights of size 1, whose own rounding is 6e-8.
    double error = 0;
    for (long long i = 0; i < count; i++)
    {
        error = std::fmax(error, std::fabs(moved[i] - expected[i]));
    }
    check("every weight moved as expected, to its rounding", error < 6e-7);
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
    for (const bool isBf16 : {false, true})
    {
        for (int kind = 0; kind < 6; kind++)
        {
            tests.emplace_back("activation " + std::to_string(kind) + suffix(isBf16), [=] { activation(isBf16, kind, 67, 256, true); });
        }
        tests.emplace_back("activation of odd width" + suffix(isBf16), [=] { activation(isBf16, 1, 13, 77, true); });
        tests.emplace_back("activation of one row without bias" + suffix(isBf16), [=] { activation(isBf16, 2, 1, 1024, false); });
    }
    tests.emplace_back("casts and fills", casts);
    tests.emplace_back("clipping, large norm", [] { clipping(200003, 1.0f); });
    tests.emplace_back("clipping, small norm", [] { clipping(64, 1.0f); });
    tests.emplace_back("clipping, no maximum", [] { clipping(65536, std::numeric_limits<float>::infinity()); });
    tests.emplace_back("adamw with a bf16 copy", [] { adam(true, true); });
    tests.emplace_back("adam", [] { adam(false, false); });
    return runAll(count, arguments, tests);
}
