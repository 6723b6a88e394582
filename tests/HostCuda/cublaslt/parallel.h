// A loop over several operating system threads.
#pragma once

#include <cstddef>
#include <functional>

namespace mnr_cublaslt
{
// Calls body(0) .. body(count - 1), in any order, some at the same time; returns when all have returned.
void parallelFor(std::size_t count, const std::function<void(std::size_t)>& body);
}
