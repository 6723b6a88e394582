"""Chooses tests of the operations that launch every kernel between them, the shortest first: what sanitizer-tests.txt holds.

    MNR_KERNELS=host MNR_LAUNCHES=launches.tsv dotnet test -c Release --project tests/Kernels.Tests
    python3 tools/gpu-check/sanitizer_tests.py launches.tsv >tools/gpu-check/sanitizer-tests.txt

Only tests that a GPU has as well are chosen: again and again the one that costs the least for each kernel that is still missing.
"""
import re
import sys

PREFIX = "MnrEngine.Kernels.Tests."
LEAST_MILLISECONDS = 50  # what any test costs under a sanitizer


def read(path):
    """Milliseconds and kernels of each test, and all kernels."""
    tests, everything = {}, set()
    for line in open(path, encoding="utf-8"):
        name, milliseconds, kernels = line.rstrip("\n").split("\t")
        if name == "*":
            everything.update(kernels.split())
        elif re.match(r"MnrEngine\.Kernels\.Tests\.\w+\.\w+Tests(\((host|host-bf16|usual)\))?\.\w", name) and "\\" not in name:
            short = name.removeprefix(PREFIX).replace("(host", "(TARGET", 1)
            tests[short] = max(LEAST_MILLISECONDS, int(milliseconds)), set(kernels.split())
    return tests, everything


def choose(tests, everything, times):
    """Names of tests that launch each kernel so often, or as often as there are tests for it."""
    missing = {kernel: min(times, sum(kernel in kernels for _, kernels in tests.values())) for kernel in everything}
    for kernel in sorted(kernel for kernel in missing if missing[kernel] == 0):
        print(f"no test launches {kernel}", file=sys.stderr)
    chosen = []
    while any(missing.values()):
        gain = {name: sum(missing[kernel] > 0 for kernel in kernels) for name, (_, kernels) in tests.items() if name not in chosen}
        best = min((name for name in gain if gain[name] > 0), key=lambda name: (tests[name][0] / gain[name], name))
        for kernel in tests[best][1]:
            missing[kernel] = max(0, missing[kernel] - 1)
        chosen.append(best)
    return chosen


def main():
    tests, everything = read(sys.argv[1])
    chosen = choose(tests, everything, times=2)
    covered = set().union(*(tests[name][1] for name in chosen))
    print("# Tests of the operations that launch every kernel between them, each kernel in two where there are two; sanitizer_tests.py chose them. TARGET is host or cuda.")
    print("\n".join(sorted(chosen)))
    print(f"{len(chosen)} tests, {sum(tests[name][0] for name in chosen)} ms here, {len(covered)} of {len(everything)} kernels", file=sys.stderr)


if __name__ == "__main__":
    main()
