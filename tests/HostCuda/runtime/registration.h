// MNR_KERNEL(name): enters a kernel into this library's list, with what can be learned of it from its C++ type.
#pragma once

#include "block.h"

#include <tuple>
#include <type_traits>
#include <utility>

namespace mnr_host
{
// The list's head; the kernel entered last comes first.
const MnrHostKernel*& kernelList();

template <auto Function>
struct KernelOf;

template <class... Arguments, void (*Function)(Arguments...)>
struct KernelOf<Function>
{
    static constexpr unsigned Sizes[] = {static_cast<unsigned>(sizeof(Arguments))..., 0};
    static constexpr bool ArePointers[] = {std::is_pointer_v<Arguments>..., false};

    static void run(void** arguments)
    {
        run(arguments, std::index_sequence_for<Arguments...>());
    }

    explicit KernelOf(const char* name) : kernel{name, sizeof...(Arguments), Sizes, ArePointers, &run, kernelList()}
    {
        kernelList() = &kernel;
    }

    MnrHostKernel kernel;

private:
    template <std::size_t... Indices>
    static void run([[maybe_unused]] void** arguments, std::index_sequence<Indices...>)
    {
        Function(*static_cast<std::remove_const_t<Arguments>*>(arguments[Indices])...);
    }
};
}

#define MNR_KERNEL(name) static const mnr_host::KernelOf<&name> kernelNamed_##name(#name);
