// Tests of single kernels through the driver's API: the host build's stand-in, or on a machine with a GPU the real one, with the same
// program. Each test launches kernels as C# does, and compares what they leave with sums in double precision.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace kernel_test
{
struct Shape
{
    unsigned x = 1, y = 1, z = 1;
};

// The bf16 nearest to a float, ties to even, as bits and as a float again.
std::uint16_t toBf16(float value);
float fromBf16(std::uint16_t bits);

inline double roundToBf16(double value)
{
    return fromBf16(toBf16(static_cast<float>(value)));
}

// Device memory; freed with the object, after which the guards around it have been checked by the stand-in.
class Memory
{
public:
    explicit Memory(std::size_t bytes);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    void write(const void* source);
    void read(void* target, std::size_t count) const;

    std::uint64_t address = 0;
    std::size_t bytes;
};

// An array on the device of floats (as fp32 or bf16) or of other numbers.
template <class Number>
class Array
{
public:
    explicit Array(std::size_t count) : _count(count), _memory(count * sizeof(Number))
    {
    }

    explicit Array(const std::vector<Number>& values) : Array(values.size())
    {
        _memory.write(values.data());
    }

    std::vector<Number> read() const
    {
        return read(_count);
    }

    // The first so many numbers, where the rest is not written by anyone.
    std::vector<Number> read(std::size_t count) const
    {
        std::vector<Number> values(count);
        _memory.read(values.data(), count * sizeof(Number));
        return values;
    }

    std::uint64_t address() const
    {
        return _memory.address;
    }

private:
    std::size_t _count;
    Memory _memory;
};

// An array of activations in the type under test.
class Activations
{
public:
    Activations(bool isBf16, std::size_t count);
    Activations(bool isBf16, const std::vector<double>& values);
    std::vector<double> read() const;

    std::uint64_t address() const
    {
        return _memory.address;
    }

private:
    bool _isBf16;
    std::size_t _count;
    Memory _memory;
};

// One launch: `launch("name", grid, block, sharedBytes, arguments...)`; arguments are addresses (std::uint64_t), int, unsigned, float,
// long long. It waits, and ends the test on an error.
void launchPacked(const std::string& name, Shape grid, unsigned block, unsigned sharedBytes, void** arguments);

template <class... Arguments>
void launch(const std::string& name, Shape grid, unsigned block, unsigned sharedBytes, Arguments... arguments)
{
    void* pointers[] = {static_cast<void*>(&arguments)...};
    launchPacked(name, grid, block, sharedBytes, pointers);
}

inline std::string suffix(bool isBf16)
{
    return isBf16 ? "_bf16" : "_f32";
}

// Random numbers that are exact in the type under test, or fp32.
std::vector<double> normal(std::mt19937& random, std::size_t count, bool isBf16, double scale = 1, double mean = 0);
std::vector<float> floats(const std::vector<double>& values);
std::vector<double> doubles(const std::vector<float>& values);

// DESIGN.md section 6. fp32, and what rounding to bf16 does not change: ||actual - expected|| <= 1e-5 max(||expected||, 1e-2 ||given||).
// bf16: at most twice `rounding`, the error that rounding outputs (and what else the text says) alone makes.
void compare(
    const std::string& what, const std::vector<double>& actual, const std::vector<double>& expected, double givenNorm = 0, double rounding = 0);
void check(const std::string& what, bool isRight);
double norm(const std::vector<double>& values);

// The error that rounding to bf16 alone makes, 0 for fp32.
double outputRounding(bool isBf16, const std::vector<double>& expected);

// A sentence's tokens one behind the other: offsets (sentences + 1) and sums of squared lengths before each sentence.
struct Packing
{
    explicit Packing(std::vector<int> lengths);

    std::vector<int> lengths, offsets;
    std::vector<long long> squaredOffsets;
    int tokens = 0, sentences = 0, longest = 0;
};

// Dropout as IKernels defines it, written down here a second time: the factor of an element.
struct Dropout
{
    double probability = 0;
    unsigned site = 3;
    unsigned state[4] = {0x12345678u, 0x9abcdef0u, 17u, 0u};

    double factor(unsigned long long element) const;
    unsigned keepBelow() const;
    float keepScale() const;
};

// Runs the tests of a program in forward order and compares bits with those in reverse and random order, and with other bytes in fresh
// memory.
int runAll(int count, char** arguments, const std::vector<std::pair<std::string, std::function<void()>>>& tests);
}
