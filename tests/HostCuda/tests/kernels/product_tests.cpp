// Small products, and reductions of a few columns: where one number is all there is, and may be much smaller than its terms.
#include "kernel_test.h"

using namespace kernel_test;

namespace
{
struct Product
{
    int rows, columns, depth;
    bool isLeftTransposed = false, isRightTransposed = false, hasBias = false, accumulates = false;
    int spare = 0; // elements between the end of a row and the next one
};

// The three kernels: fp32; bf16; bf16 with a result in fp32.
enum class Types
{
    Single,
    Half,
    HalfToSingle
};

std::string name(Types types)
{
    return types == Types::Single ? "_f32" : types == Types::Half ? "_bf16" : "_bf16_f32";
}

void smallProduct(Types types, const Product& p)
{
    std::mt19937 random(static_cast<unsigned>(p.rows * 1000 + p.columns * 100 + p.depth));
    const bool isHalf = types != Types::Single, isResultHalf = types == Types::Half;
    const int leftStride = (p.isLeftTransposed ? p.rows : p.depth) + p.spare, rightStride = (p.isRightTransposed ? p.depth : p.columns) + p.spare;
    const int resultStride = p.columns + p.spare;
    const std::size_t leftCount = static_cast<std::size_t>(leftStride) * (p.isLeftTransposed ? p.depth : p.rows);
    const std::size_t rightCount = static_cast<std::size_t>(rightStride) * (p.isRightTransposed ? p.columns : p.depth);
    const std::vector<double> left = normal(random, leftCount, isHalf), right = normal(random, rightCount, isHalf), bias = normal(random, p.columns, isResultHalf);
    const std::vector<double> before = normal(random, static_cast<std::size_t>(resultStride) * p.rows, isResultHalf);
    const int leftRow = p.isLeftTransposed ? 1 : leftStride, leftDepth = p.isLeftTransposed ? leftStride : 1;
    const int rightDepth = p.isRightTransposed ? 1 : rightStride, rightColumn = p.isRightTransposed ? rightStride : 1;
    std::vector<double> expected = before;
    for (int row = 0; row < p.rows; row++)
    {
        for (int column = 0; column < p.columns; column++)
        {
            double& sum = expected[static_cast<std::size_t>(row) * resultStride + column];
            sum = (p.accumulates ? sum : 0) + (p.hasBias ? bias[column] : 0);
            for (int k = 0; k < p.depth; k++)
            {
                sum += left[static_cast<std::size_t>(row) * leftRow + static_cast<std::size_t>(k) * leftDepth] *
                       right[static_cast<std::size_t>(k) * rightDepth + static_cast<std::size_t>(column) * rightColumn];
            }
        }
    }
    const Activations deviceLeft(isHalf, left), deviceRight(isHalf, right), deviceBias(isResultHalf, bias), result(isResultHalf, before);
    launch("small_product" + name(types), {static_cast<unsigned>(p.rows * p.columns)}, 256, 0, deviceLeft.address(), leftRow, leftDepth, deviceRight.address(), rightDepth,
           rightColumn, p.hasBias ? deviceBias.address() : std::uint64_t{0}, result.address(), resultStride, p.columns, p.depth, p.accumulates ? 1 : 0);
    const std::vector<double> actual = result.read();
    for (std::size_t i = 0; i < expected.size(); i++)
    {
        const bool isInside = static_cast<int>(i) % resultStride < p.columns;
        const double nearest = isResultHalf ? roundToBf16(expected[i]) : static_cast<float>(expected[i]);
        check("element " + std::to_string(i) + ", the number nearest to the sum", actual[i] == (isInside ? nearest : before[i]));
    }
}

// Terms of which all but a millionth cancels: in float nothing would be right of the sum.
void cancellation()
{
    const int depth = 3001;
    std::mt19937 random(3);
    std::vector<double> left = normal(random, depth, false), right = normal(random, depth, false);
    for (int k = 1; k < depth; k += 2)
    {
        left[k] = -left[k - 1];
        right[k] = static_cast<float>(right[k - 1] * (1 + 1e-6 * (k % 5)));
    }
    left[depth - 1] = 1e-7f;
    double expected = 0, terms = 0;
    for (int k = 0; k < depth; k++)
    {
        expected += left[k] * right[k];
        terms += std::fabs(left[k] * right[k]);
    }
    check("the terms cancel", std::fabs(expected) < 1e-6 * terms);
    const Array<float> deviceLeft(floats(left)), deviceRight(floats(right)), result(1);
    launch("small_product_f32", {1}, 256, 0, deviceLeft.address(), 1, 1, deviceRight.address(), 1, 1, std::uint64_t{0}, result.address(), 1, 1, depth, 0);
    check("the sum is right to float's last bit", std::fabs(result.read()[0] - expected) <= 1.2e-7 * std::fabs(expected));
}

// The gradient of a bias of one or a few numbers, over many rows, with a slab for every eight of them as the engine has it.
void biasGradient(bool isBf16, int rows, int columns)
{
    std::mt19937 random(static_cast<unsigned>(rows + columns));
    std::vector<double> gradient = normal(random, static_cast<std::size_t>(rows) * columns, isBf16);
    std::vector<double> expected(columns);
    for (int row = 0; row < rows; row++)
    {
        for (int column = 0; column < columns; column++)
        {
            double& element = gradient[static_cast<std::size_t>(row) * columns + column];
            // The second half takes back most of the first.
            element = row >= rows / 2 && row % 64 != 0 ? -gradient[static_cast<std::size_t>(row - rows / 2) * columns + column] : element;
            expected[column] += element;
        }
    }
    const Activations matrix(isBf16, gradient);
    const unsigned slabs = static_cast<unsigned>(rows + 7) / 8;
    const Array<float> partials(static_cast<std::size_t>(slabs) * columns), sums(static_cast<std::size_t>(columns));
    launch("column_sums" + suffix(isBf16), {1, slabs}, 256, 0, matrix.address(), partials.address(), rows, columns);
    launch("reduce_partials", {static_cast<unsigned>(columns + 31) / 32}, 256, 0, partials.address(), static_cast<int>(slabs), columns, columns, sums.address(), std::uint64_t{0},
           std::uint64_t{0}, 0);
    std::vector<double> error = doubles(sums.read());
    for (int column = 0; column < columns; column++)
    {
        error[column] -= expected[column];
    }
    check("nothing is lost but in the slabs' sums, each of which is rounded once", norm(error) <= 6e-8 * norm(gradient));
}
}

int main(int count, char** arguments)
{
    std::vector<std::pair<std::string, std::function<void()>>> tests;
    for (const Types types : {Types::Single, Types::Half, Types::HalfToSingle})
    {
        const auto add = [&](const std::string& what, const Product& product) { tests.emplace_back("small_product" + name(types) + ", " + what, [=] { smallProduct(types, product); }); };
        add("one of one", {1, 1, 1});
        add("one sum", {1, 1, 50});
        add("one long sum", {1, 1, 20011});
        add("a row", {1, 64, 777, false, true, true});
        add("a column", {13, 1, 300, true, false, false, true});
        add("all that it may have", {8, 8, 1000, true, true, true, true});
        add("rows apart", {5, 7, 129, false, false, true, true, 3});
        add("transposed rows apart", {5, 7, 129, true, true, false, false, 3});
    }
    tests.emplace_back("a sum that cancels", cancellation);
    for (const bool isBf16 : {false, true})
    {
        tests.emplace_back("bias gradient of one number" + suffix(isBf16), [=] { biasGradient(isBf16, 4099, 1); });
        tests.emplace_back("bias gradient of 24 numbers" + suffix(isBf16), [=] { biasGradient(isBf16, 1001, 24); });
        tests.emplace_back("bias gradient of one row" + suffix(isBf16), [=] { biasGradient(isBf16, 1, 3); });
    }
    return runAll(count, arguments, tests);
}
