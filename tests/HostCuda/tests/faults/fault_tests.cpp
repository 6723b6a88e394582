// Planted faults: what is wrong in fault_kernels.cu is found when the kernels run on the host, and nothing is found where nothing is
// wrong. `fault_tests KERNEL` only launches that one kernel with its fault, for a recording; `fault_tests` runs all cases.
#include "device.h"
#include "expect.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace stand_in_test;

namespace
{
const std::vector<const char*> Orders = {"forward", "reverse", "random:1", "random:2", "random:3"};

std::vector<float> counted(std::size_t count)
{
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), 1.0f);
    return values;
}

struct Outcome
{
    int status = 0;
    std::vector<float> numbers;
    std::string said;
};

// Launches a kernel with a source and a target of as many numbers as the kernel has to do with.
Outcome run(const std::string& name, int isFaulty)
{
    resetContext();
    Outcome outcome;
    outcome.said = standardError(
        [&]
        {
            const std::size_t count = name == "reverse_block" ? 256 : name == "copy_fours" || name == "copy_unawaited" ? 128 : 64;
            const Buffer<float> source(counted(count));
            const Buffer<float> target(count);
            const std::uint64_t from = source.address, to = target.address;
            const int numbers = static_cast<int>(count);
            outcome.status = name == "reverse_block"                ? launch(name, 1, 256, 0, from, to, isFaulty)
                             : name == "reverse_warp"               ? launch(name, 1, 32, 0, from, to, isFaulty)
                             : name == "add_neighbour"              ? launch(name, 1, 64, 0, to, isFaulty)
                             : name == "write_last"                 ? launch(name, 16, 32, 0, to, isFaulty)
                             : name == "store_beyond"               ? launch(name, 1, 128, 0, from, to, numbers, isFaulty)
                             : name == "load_beyond"                ? launch(name, 1, 1, 0, from, to, numbers, isFaulty)
                             : name == "store_beyond_shared"        ? launch(name, 1, 32, 128, to, isFaulty)
                             : name == "copy_fours"                 ? launch(name, 1, 31, 0, from, to, isFaulty)
                             : name == "copy_pairs"                 ? launch(name, 1, 31, 0, from, to, isFaulty)
                             : name == "copy_unawaited"             ? launch(name, 1, 32, 0, from, to, isFaulty)
                             : name == "follow_null"                ? launch(name, 1, 32, 0, std::uint64_t{0}, to, isFaulty)
                             : name == "divergent_barrier"          ? launch(name, 3, 64, 0, to, isFaulty)
                             : name == "two_barriers"               ? launch(name, 1, 64, 0, to, isFaulty)
                                                                    : launch(name, 1, 32, 0, to, isFaulty);
            outcome.numbers = outcome.status == Success ? target.read() : std::vector<float>();
        });
    return outcome;
}

std::vector<Outcome> inAllOrders(const std::string& name, int isFaulty)
{
    std::vector<Outcome> outcomes;
    for (const char* order : Orders)
    {
        mnrHostSet("MNR_HOST_ORDER", order);
        outcomes.push_back(run(name, isFaulty));
    }
    mnrHostSet("MNR_HOST_ORDER", "forward");
    return outcomes;
}

bool haveSameBits(const std::vector<Outcome>& outcomes)
{
    for (const Outcome& outcome : outcomes)
    {
        if (outcome.numbers.size() != outcomes[0].numbers.size() ||
            std::memcmp(outcome.numbers.data(), outcomes[0].numbers.data(), outcome.numbers.size() * sizeof(float)) != 0)
        {
            return false;
        }
    }
    return true;
}

void expectClean(const std::string& name)
{
    const std::vector<Outcome> outcomes = inAllOrders(name, 0);
    for (const Outcome& outcome : outcomes)
    {
        expect(name + " without its fault", outcome.status, Success);
        expect(name + " without its fault", outcome.said, std::string());
    }
    expectTrue(haveSameBits(outcomes), name + " without its fault gives the same in every order");
}

// Races: the orders disagree.
void races()
{
    for (const char* name : {"reverse_block", "add_neighbour", "reverse_warp", "write_last"})
    {
        expectClean(name);
        expectTrue(!haveSameBits(inAllOrders(name, 1)), std::string(name) + " gives something else in another order");
    }
}

// Faults that end the launch with a status and a sentence.
void reported()
{
    struct Case
    {
        const char* name;
        int status;
        std::vector<const char*> words;
    };
    const std::vector<Case> cases = {
        {"store_beyond", IllegalAddress, {"store_beyond", "behind an allocation of 256 bytes"}},
        {"store_beyond_shared", IllegalAddress, {"store_beyond_shared, block (0, 0, 0)", "behind its 128 bytes of dynamic shared memory"}},
        {"copy_fours", MisalignedAddress, {"copy_fours, block (0, 0, 0), thread (0, 0, 0)", "no multiple of 16", "fault_kernels.cu"}},
        {"copy_pairs", MisalignedAddress, {"copy_pairs", "float2", "no multiple of 8"}},
        {"divergent_barrier", LaunchFailed, {"divergent_barrier, block (", "deadlock", "wait at the barrier", "__shfl_xor_sync"}},
        {"two_barriers", LaunchFailed, {"two_barriers", "waits at the barrier of line", "while others wait at that of line"}},
        {"lane_in_another_collective", LaunchFailed, {"lane_in_another_collective", "__shfl_xor_sync", "__syncwarp"}},
        {"large_frame", IllegalAddress, {"large_frame, block (0, 0, 0), thread (0, 0, 0)", "bytes of stack"}},
        {"follow_null", IllegalAddress, {"follow_null, block (0, 0, 0), thread (0, 0, 0)", "memory that is not there"}}};
    for (const Case& test : cases)
    {
        expectClean(test.name);
        const Outcome outcome = run(test.name, 1);
        expect(std::string(test.name) + " with its fault", outcome.status, test.status);
        for (const char* word : test.words)
        {
            expectTrue(outcome.said.find(word) != std::string::npos, std::string("'") + word + "' is in what is said: " + outcome.said);
        }
    }
}

// Faults that make the result NaN, which no comparison passes.
void poisoned()
{
    for (const char* name : {"load_beyond", "sum_unwritten", "copy_unawaited"})
    {
        expectClean(name);
        const Outcome outcome = run(name, 1);
        expect(std::string(name) + " with its fault", outcome.status, Success);
        expectTrue(!outcome.numbers.empty() && std::isnan(outcome.numbers[0]), std::string(name) + " with its fault gives NaN");
    }
}

// A NaN that the kernel swallows: fresh memory full of something else gives another result.
void swallowed()
{
    const auto differs = [](int isFaulty)
    {
        const Outcome usual = run("largest_unwritten", isFaulty);
        mnrHostSet("MNR_HOST_FILL", "127");
        const Outcome other = run("largest_unwritten", isFaulty);
        mnrHostSet("MNR_HOST_FILL", "255");
        return std::memcmp(usual.numbers.data(), other.numbers.data(), 32 * sizeof(float)) != 0;
    };
    expectTrue(!differs(0), "without its fault the result is the same");
    expectTrue(differs(1), "with its fault it is not");
}
}

int main(int count, char** arguments)
{
    if (count == 2)
    {
        run(arguments[1], 1);
        return 0;
    }
    return runCases(
        {{"races show between orders of threads", races},
         {"wrong accesses and barriers end the launch", reported},
         {"what was never written is NaN", poisoned},
         {"what hides NaN shows with other bytes", swallowed}});
}
