// cublasLt's stand-in against sums in double precision.
#include "device.h"
#include "expect.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace stand_in_test;

extern "C"
{
struct HeuristicResult
{
    std::uint64_t algorithm[8];
    std::size_t workspaceBytes;
    int status;
    float waves;
    int reserved[4];
};

int mnrHostSet(const char* name, const char* value);
int cublasLtCreate(void** handle);
int cublasLtMatmulDescCreate(void** description, int computeType, int scaleType);
int cublasLtMatmulDescSetAttribute(void* description, int attribute, const void* buffer, std::size_t size);
int cublasLtMatmulDescDestroy(void* description);
int cublasLtMatrixLayoutCreate(void** layout, int type, std::uint64_t rows, std::uint64_t columns, std::int64_t stride);
int cublasLtMatrixLayoutSetAttribute(void* layout, int attribute, const void* buffer, std::size_t size);
int cublasLtMatrixLayoutDestroy(void* layout);
int cublasLtMatmulPreferenceCreate(void** preference);
int cublasLtMatmulPreferenceSetAttribute(void* preference, int attribute, const void* buffer, std::size_t size);
int cublasLtMatmulAlgoGetHeuristic(
    void* handle, void* description, void* a, void* b, void* c, void* d, void* preference, int requested, HeuristicResult* results, int* returned);
int cublasLtMatmul(
    void* handle, void* description, const void* alpha, std::uint64_t a, void* aLayout, std::uint64_t b, void* bLayout, const void* beta, std::uint64_t c, void* cLayout,
    std::uint64_t d, void* dLayout, const void* algorithm, std::uint64_t workspace, std::size_t workspaceBytes, void* stream);
}

namespace
{
constexpr int Float = 0, Bf16 = 14;
constexpr int Compute32F = 68, ComputeTf32 = 77;
constexpr std::uint32_t Default = 1, Bias = 4, GeluAuxBias = 164, DGeluBGrad = 208, BGradA = 256, BGradB = 512;
constexpr int NotSupported = 15, InvalidArgument = 7;

std::uint16_t toBf16(double value)
{
    const float single = static_cast<float>(value);
    std::uint32_t bits;
    std::memcpy(&bits, &single, sizeof bits);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

double fromBf16(std::uint16_t half)
{
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// Numbers on the device in one of the two types, and what they are exactly.
struct Numbers
{
    Numbers(int type, std::size_t count, std::mt19937& random) : type(type), values(count)
    {
        std::normal_distribution<double> normal;
        for (double& value : values)
        {
            value = type == Bf16 ? fromBf16(toBf16(normal(random))) : static_cast<float>(normal(random));
        }
        write();
    }

    void write()
    {
        if (type == Bf16)
        {
            std::vector<std::uint16_t> halves;
            for (const double value : values)
            {
                halves.push_back(toBf16(value));
            }
            address = Buffer<std::uint16_t>(halves).address;
        }
        else
        {
            address = Buffer<float>(std::vector<float>(values.begin(), values.end())).address;
        }
    }

    std::vector<double> read() const
    {
        std::vector<double> result;
        if (type == Bf16)
        {
            std::vector<std::uint16_t> halves(values.size());
            cuMemcpyDtoH_v2(halves.data(), address, halves.size() * 2);
            for (const std::uint16_t half : halves)
            {
                result.push_back(fromBf16(half));
            }
            return result;
        }
        std::vector<float> singles(values.size());
        cuMemcpyDtoH_v2(singles.data(), address, singles.size() * 4);
        return std::vector<double>(singles.begin(), singles.end());
    }

    int type;
    std::vector<double> values;
    std::uint64_t address = 0;
};

struct Product
{
    std::size_t m, n, k;
    int inputType = Float, outputType = Float, computeType = Compute32F;
    bool isATransposed = false, isBTransposed = false, isRowMajor = false;
    std::uint32_t epilogue = Default;
    float alpha = 1, beta = 0;
    std::size_t extraStride = 0;
    int batches = 1;
    std::size_t algorithm = 0;
};

void* handle()
{
    static void* created = nullptr;
    if (created == nullptr)
    {
        cublasLtCreate(&created);
    }
    return created;
}

void* layout(int type, std::size_t rows, std::size_t columns, std::size_t stride, const Product& product)
{
    void* result = nullptr;
    cublasLtMatrixLayoutCreate(&result, type, rows, columns, static_cast<std::int64_t>(stride));
    const int order = product.isRowMajor ? 1 : 0;
    const std::int64_t batchStride = static_cast<std::int64_t>(stride * (product.isRowMajor ? rows : columns));
    cublasLtMatrixLayoutSetAttribute(result, 1, &order, sizeof order);
    cublasLtMatrixLayoutSetAttribute(result, 5, &product.batches, sizeof product.batches);
    cublasLtMatrixLayoutSetAttribute(result, 6, &batchStride, sizeof batchStride);
    return result;
}

double geluOf(double x)
{
    return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

double rms(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
    {
        sum += value * value;
    }
    return std::sqrt(sum / static_cast<double>(values.size()));
}

void near(const std::string& what, const std::vector<double>& actual, const std::vector<double>& expected, double relative)
{
    std::vector<double> errors;
    for (std::size_t i = 0; i < expected.size(); i++)
    {
        errors.push_back(actual[i] - expected[i]);
    }
    const double error = rms(errors), scale = rms(expected);
    expectTrue(error <= relative * scale, what + ": error " + std::to_string(error) + " of " + std::to_string(scale));
}

// Everything that one product needs, and the product in double precision.
void multiply(const std::string& name, const Product& p)
{
    resetContext();
    std::mt19937 random(11);
    const std::size_t aRows = p.isATransposed ? p.k : p.m, aColumns = p.isATransposed ? p.m : p.k;
    const std::size_t bRows = p.isBTransposed ? p.n : p.k, bColumns = p.isBTransposed ? p.k : p.n;
    const auto strideOf = [&](std::size_t rows, std::size_t columns) { return (p.isRowMajor ? columns : rows) + p.extraStride; };
    const auto countOf = [&](std::size_t rows, std::size_t columns) { return strideOf(rows, columns) * (p.isRowMajor ? rows : columns); };
    const auto indexOf = [&](std::size_t rows, std::size_t columns, std::size_t row, std::size_t column)
    { return p.isRowMajor ? row * strideOf(rows, columns) + column : column * strideOf(rows, columns) + row; };
    const std::size_t batches = static_cast<std::size_t>(p.batches);
    Numbers a(p.inputType, countOf(aRows, aColumns) * batches, random), b(p.inputType, countOf(bRows, bColumns) * batches, random);
    Numbers d(p.outputType, countOf(p.m, p.n) * batches, random);
    Numbers bias(p.outputType, std::max(p.m, p.n), random), auxiliary(p.outputType, p.m * p.n, random);

    void* description = nullptr;
    cublasLtMatmulDescCreate(&description, p.computeType, Float);
    const int isATransposed = p.isATransposed, isBTransposed = p.isBTransposed;
    cublasLtMatmulDescSetAttribute(description, 3, &isATransposed, sizeof isATransposed);
    cublasLtMatmulDescSetAttribute(description, 4, &isBTransposed, sizeof isBTransposed);
    cublasLtMatmulDescSetAttribute(description, 7, &p.epilogue, sizeof p.epilogue);
    cublasLtMatmulDescSetAttribute(description, 8, &bias.address, sizeof bias.address);
    cublasLtMatmulDescSetAttribute(description, 11, &auxiliary.address, sizeof auxiliary.address);
    const std::int64_t auxiliaryStride = static_cast<std::int64_t>(p.m);
    cublasLtMatmulDescSetAttribute(description, 12, &auxiliaryStride, sizeof auxiliaryStride);
    void* aLayout = layout(p.inputType, aRows, aColumns, strideOf(aRows, aColumns), p);
    void* bLayout = layout(p.inputType, bRows, bColumns, strideOf(bRows, bColumns), p);
    void* dLayout = layout(p.outputType, p.m, p.n, strideOf(p.m, p.n), p);
    void* preference = nullptr;
    const std::uint64_t workspaceBytes = std::uint64_t{1} << 20;
    const Buffer<unsigned char> workspace(workspaceBytes);
    cublasLtMatmulPreferenceCreate(&preference);
    cublasLtMatmulPreferenceSetAttribute(preference, 1, &workspaceBytes, sizeof workspaceBytes);
    HeuristicResult results[8];
    int found = 0;
    expect(name + ": heuristic", cublasLtMatmulAlgoGetHeuristic(handle(), description, aLayout, bLayout, dLayout, dLayout, preference, 8, results, &found), 0);
    expectTrue(found > static_cast<int>(p.algorithm), name + ": there are several algorithms");
    const std::vector<double> before = d.values;
    expect(
        name, cublasLtMatmul(
                  handle(), description, &p.alpha, a.address, aLayout, b.address, bLayout, &p.beta, d.address, dLayout, d.address, dLayout, results[p.algorithm].algorithm,
                  workspace.address, workspaceBytes, nullptr),
        0);
    expect(name, cuCtxSynchronize(), 0);

    const std::vector<double> actual = d.read(), actualBias = bias.read(), actualAuxiliary = auxiliary.read();
    std::vector<double> expected = before, expectedBias = bias.values, expectedAuxiliary = auxiliary.values;
    std::vector<double> rowSums(p.m);
    for (std::size_t batch = 0; batch < batches; batch++)
    {
        for (std::size_t row = 0; row < p.m; row++)
        {
            for (std::size_t column = 0; column < p.n; column++)
            {
                double sum = 0;
                for (std::size_t k = 0; k < p.k; k++)
                {
                    const std::size_t aIndex = p.isATransposed ? indexOf(aRows, aColumns, k, row) : indexOf(aRows, aColumns, row, k);
                    const std::size_t bIndex = p.isBTransposed ? indexOf(bRows, bColumns, column, k) : indexOf(bRows, bColumns, k, column);
                    sum += a.values[batch * countOf(aRows, aColumns) + aIndex] * b.values[batch * countOf(bRows, bColumns) + bIndex];
                }
                const std::size_t index = batch * countOf(p.m, p.n) + indexOf(p.m, p.n, row, column), auxiliaryIndex = column * p.m + row;
                double value = p.alpha * sum + (p.beta != 0 ? p.beta * before[index] : 0);
                value += (p.epilogue & Bias) != 0 ? bias.values[row] : 0;
                if (p.epilogue == GeluAuxBias)
                {
                    expectedAuxiliary[auxiliaryIndex] = value;
                    value = geluOf(value);
                }
                else if (p.epilogue == DGeluBGrad)
                {
                    const double x = auxiliary.values[auxiliaryIndex], step = 1e-5;
                    value *= (geluOf(x + step) - geluOf(x - step)) / (2 * step);
                    rowSums[row] += value;
                }
                expected[index] = value;
            }
        }
    }
    for (std::size_t i = 0; i < (p.epilogue == BGradB ? p.n : p.m) && (p.epilogue == BGradA || p.epilogue == BGradB); i++)
    {
        expectedBias[i] = 0;
        for (std::size_t k = 0; k < p.k; k++)
        {
            expectedBias[i] += p.epilogue == BGradA ? a.values[p.isATransposed ? indexOf(aRows, aColumns, k, i) : indexOf(aRows, aColumns, i, k)]
                                                    : b.values[p.isBTransposed ? indexOf(bRows, bColumns, i, k) : indexOf(bRows, bColumns, k, i)];
        }
    }
    for (std::size_t row = 0; row < p.m && p.epilogue == DGeluBGrad; row++)
    {
        expectedBias[row] = rowSums[row];
    }
    const double tolerance = p.outputType == Bf16 ? 3e-3 : p.computeType == ComputeTf32 ? 1e-3 : 2e-6;
    near(name + ": result", actual, expected, tolerance);
    near(name + ": bias", actualBias, expectedBias, tolerance);
    near(name + ": auxiliary", actualAuxiliary, expectedAuxiliary, tolerance);
    if (p.computeType == ComputeTf32)
    {
        double largest = 0;
        for (std::size_t i = 0; i < expected.size(); i++)
        {
            largest = std::max(largest, std::fabs(actual[i] - expected[i]));
        }
        expectTrue(largest > 1e-5, name + ": the inputs are rounded");
    }
    for (void* used : {aLayout, bLayout, dLayout})
    {
        cublasLtMatrixLayoutDestroy(used);
    }
    cublasLtMatmulDescDestroy(description);
}

Product product(std::size_t m, std::size_t n, std::size_t k)
{
    Product p;
    p.m = m;
    p.n = n;
    p.k = k;
    return p;
}

void shapes()
{
    for (const std::size_t size : {1, 2, 15, 33, 130})
    {
        multiply("square of " + std::to_string(size), product(size, size, size));
    }
    multiply("wide", product(3, 700, 40));
    multiply("tall", product(700, 3, 40));
    multiply("deep", product(9, 7, 3000));
}

void transposes()
{
    for (int i = 0; i < 16; i++)
    {
        Product p = product(37, 21, 50);
        p.isATransposed = (i & 1) != 0;
        p.isBTransposed = (i & 2) != 0;
        p.isRowMajor = (i & 4) != 0;
        p.extraStride = (i & 8) != 0 ? 5 : 0;
        p.alpha = 0.5f;
        p.beta = i % 3 == 0 ? 2.0f : 0.0f;
        multiply("layout " + std::to_string(i), p);
    }
}

void types()
{
    for (const int outputType : {Float, Bf16})
    {
        Product p = product(65, 34, 129);
        p.inputType = Bf16;
        p.outputType = outputType;
        p.beta = 1;
        multiply("bf16 to type " + std::to_string(outputType), p);
        p.epilogue = Bias;
        multiply("bf16 with bias to type " + std::to_string(outputType), p);
    }
    Product p = product(65, 34, 129);
    p.computeType = ComputeTf32;
    multiply("tf32", p);
}

void epilogues()
{
    for (const std::uint32_t epilogue : {Bias, GeluAuxBias, DGeluBGrad, BGradA, BGradB})
    {
        for (int i = 0; i < 4; i++)
        {
            Product p = product(40, 27, 31);
            p.epilogue = epilogue;
            p.isATransposed = (i & 1) != 0;
            p.isBTransposed = (i & 2) != 0;
            multiply("epilogue " + std::to_string(epilogue), p);
        }
    }
}

void batches()
{
    Product p = product(20, 30, 40);
    p.batches = 3;
    multiply("three at once", p);
}

void algorithms()
{
    for (std::size_t algorithm = 0; algorithm < 4; algorithm++)
    {
        Product p = product(50, 60, 700);
        p.algorithm = algorithm;
        multiply("algorithm " + std::to_string(algorithm), p);
    }
}

// Sums in another order are other bits, and as right.
void orders()
{
    for (const char* order : {"reverse", "random:2", "random:3"})
    {
        expect("the order is known", mnrHostSet("MNR_HOST_PRODUCTS", order), 0);
        Product p = product(50, 60, 700);
        p.algorithm = 1;
        multiply(std::string("order ") + order, p);
    }
    expect("another order is not", mnrHostSet("MNR_HOST_PRODUCTS", "sideways"), 1);
    const auto sumIn = [](const char* order)
    {
        resetContext();
        mnrHostSet("MNR_HOST_PRODUCTS", order);
        // In order the ones are lost beside the large number, one by one; from the other end they are not.
        std::vector<float> terms(101, 1.0f);
        terms[0] = 33554432.0f;
        const Buffer<float> a(terms), ones(std::vector<float>(101, 1.0f));
        Buffer<float> d(1);
        Product p = product(1, 1, 101);
        void* description = nullptr;
        cublasLtMatmulDescCreate(&description, Compute32F, Float);
        const float one = 1, zero = 0;
        void* aLayout = layout(Float, 1, 101, 1, p);
        void* bLayout = layout(Float, 101, 1, 101, p);
        void* dLayout = layout(Float, 1, 1, 1, p);
        expect(
            "the product", cublasLtMatmul(
                               handle(), description, &one, a.address, aLayout, ones.address, bLayout, &zero, d.address, dLayout, d.address, dLayout, nullptr, 0, 0, nullptr), 0);
        expect("it runs", cuCtxSynchronize(), 0);
        return d.read()[0];
    };
    expect("in order", sumIn("forward"), 33554432.0f);
    expect("in reverse", sumIn("reverse"), 33554532.0f);
    mnrHostSet("MNR_HOST_PRODUCTS", "forward");
}

// What cublasLt refuses, it refuses.
void refusals()
{
    resetContext();
    void* description = nullptr;
    cublasLtMatmulDescCreate(&description, Compute32F, Float);
    Product p = product(4, 4, 4);
    void* square = layout(Float, 4, 4, 4, p);
    void* other = layout(Float, 5, 4, 5, p);
    void* half = layout(Bf16, 4, 4, 4, p);
    HeuristicResult result;
    int found = 0;
    const auto ask = [&](void* a, void* b, void* d)
    { return cublasLtMatmulAlgoGetHeuristic(handle(), description, a, b, d, d, nullptr, 1, &result, &found); };
    expect("squares", ask(square, square, square), 0);
    expect("without a workspace there is one algorithm", result.workspaceBytes, std::size_t{0});
    expect("shapes that do not fit", ask(square, other, square), InvalidArgument);
    expect("types that do not fit", ask(square, half, square), NotSupported);
    expect("fp32 to bf16", ask(square, square, half), NotSupported);
    const Buffer<float> small(15), right(16);
    const float one = 1, zero = 0;
    const auto run = [&](std::uint64_t a)
    {
        return cublasLtMatmul(
            handle(), description, &one, a, square, right.address, square, &zero, right.address, square, right.address, square, nullptr, 0, 0, nullptr);
    };
    expect("in bounds", run(right.address), 0);
    expect("and it runs", cuCtxSynchronize(), 0);
    const std::string said = standardError(
        [&]
        {
            run(small.address);
            expect("a matrix that ends early", cuCtxSynchronize(), IllegalAddress);
        });
    expectTrue(said.find("matrix A") != std::string::npos, "it says which: " + said);
}

void capturedProduct()
{
    resetContext();
    void* description = nullptr;
    cublasLtMatmulDescCreate(&description, Compute32F, Float);
    Product p = product(1, 1, 1);
    void* single = layout(Float, 1, 1, 1, p);
    const Buffer<float> two(std::vector<float>{2}), result(std::vector<float>{0});
    const float one = 1;
    void* stream = nullptr;
    cuStreamCreate(&stream, 1);
    cuStreamBeginCapture_v2(stream, 0);
    expect(
        "enter", cublasLtMatmul(
                     handle(), description, &one, two.address, single, two.address, single, &one, result.address, single, result.address, single, nullptr, 0, 0, stream),
        0);
    void* graph = nullptr;
    void* exec = nullptr;
    expect("capture", cuStreamEndCapture(stream, &graph), 0);
    expect("nothing has run", result.read()[0], 0.0f);
    cuGraphInstantiateWithFlags(&exec, graph, 0);
    cuGraphLaunch(exec, stream);
    cuGraphLaunch(exec, stream);
    expect("wait", cuStreamSynchronize(stream), 0);
    expect("twice 2 x 2", result.read()[0], 8.0f);
}
}

int main()
{
    return runCases(
        {{"shapes", shapes},
         {"transposes, orders, leading dimensions, alpha and beta", transposes},
         {"types", types},
         {"epilogues", epilogues},
         {"batches", batches},
         {"algorithms with a workspace", algorithms},
         {"orders", orders},
         {"what is refused", refusals},
         {"a product in a graph", capturedProduct}});
}
