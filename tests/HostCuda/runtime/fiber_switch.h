// Switching between the stacks of a block's threads.
#pragma once

#include <cstddef>

#if defined(__x86_64__) && !defined(MNR_HOST_UCONTEXT)
#define MNR_HOST_ASSEMBLY_SWITCH
#endif

#if !defined(MNR_HOST_ASSEMBLY_SWITCH)
#include <ucontext.h>
#endif

namespace mnr_host
{
// A suspended thread of control. On x86-64 it is the stack pointer under which the callee-saved registers lie; elsewhere a ucontext.
struct Context
{
#if defined(MNR_HOST_ASSEMBLY_SWITCH)
    void* stackPointer = nullptr;
#else
    ucontext_t registers;
#endif
#if defined(__SANITIZE_ADDRESS__)
    const void* stackBottom = nullptr;
    std::size_t stackBytes = 0;
    void* fakeStack = nullptr;
#endif
};

// Makes `context` begin at `entry` on this stack when it is first switched to. `entry` never returns.
void prepare(Context& context, char* stack, std::size_t bytes, void (*entry)());

// Suspends the running thread of control in `from` and continues `to`. `isLeaving`: `from` is never continued.
void switchTo(Context& from, Context& to, bool isLeaving = false);

// What a fresh thread of control calls first, told where it was switched to from.
void arrived(Context* from);
}
