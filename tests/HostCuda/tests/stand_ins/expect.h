// What a test of the stand-ins is made of: named cases, each with expectations that say what was found.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace stand_in_test
{
inline int& failures()
{
    static int count = 0;
    return count;
}

inline void expectTrue(bool isRight, const std::string& what)
{
    if (!isRight)
    {
        std::printf("    %s: it is not so\n", what.c_str());
        failures()++;
    }
}

inline std::string shown(const std::string& value)
{
    return "'" + value + "'";
}

template <class Number>
std::string shown(Number value)
{
    return std::to_string(value);
}

template <class Actual, class Expected>
void expect(const std::string& what, const Actual& actual, const Expected& expected)
{
    if (!(actual == static_cast<Actual>(expected)))
    {
        std::printf("    %s: %s, expected %s\n", what.c_str(), shown(actual).c_str(), shown(static_cast<Actual>(expected)).c_str());
        failures()++;
    }
}

// Runs the cases; the program's exit status.
inline int runCases(const std::vector<std::pair<std::string, std::function<void()>>>& cases)
{
    int failed = 0;
    for (const auto& test : cases)
    {
        const int before = failures();
        try
        {
            test.second();
        }
        catch (const std::exception& error)
        {
            std::printf("    %s\n", error.what());
            failures()++;
        }
        failed += failures() == before ? 0 : 1;
        std::printf("%s %s\n", failures() == before ? "ok    " : "FAILED", test.first.c_str());
        std::fflush(stdout);
    }
    std::printf("%zu cases, %d failed\n", cases.size(), failed);
    return failed == 0 && !cases.empty() ? 0 : 1;
}
}
