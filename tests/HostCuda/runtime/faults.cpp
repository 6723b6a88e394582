// What a GPU reports as an error of the launch: a misaligned access, an access to memory that is not there.
#include "faults.h"

#include "block.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>

// With sanitizers, their own runtimes handle both.
#if defined(__SANITIZE_ADDRESS__)

namespace mnr_host
{
void installFaultHandler()
{
}

void catchFaultsOfThisThread()
{
}
}

#else

namespace mnr_host
{
namespace
{
constexpr int IllegalAddress = 700;
constexpr int MisalignedAddress = 716;

struct sigaction previous[NSIG];

// The threads that run blocks. A handler may not ask for currentBlock on any other: a library's thread-local memory can be new to it.
constexpr unsigned MostThreads = 4096;
pthread_t threads[MostThreads];
std::atomic<unsigned> threadCount{0};

bool runsBlocks(pthread_t thread)
{
    for (unsigned i = 0; i < threadCount; i++)
    {
        if (pthread_equal(threads[i], thread) != 0)
        {
            return true;
        }
    }
    return false;
}

std::string hexadecimal(std::uintptr_t address)
{
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
    return text;
}

// A fault on a fiber ends its launch; any other is for whoever handled faults before (in .NET, the runtime).
void onFault(int signal, siginfo_t* information, void* context)
{
    Block* block = runsBlocks(pthread_self()) ? currentBlock : nullptr;
    if (block != nullptr)
    {
        const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(information->si_addr);
        // The signal is blocked while it is handled, and this handler is left by a switch of stacks.
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, signal);
        pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
        block->fail(
            IllegalAddress, block->isBelowStack(address) ? "needs more than the " + std::to_string(StackBytes) + " bytes of stack that a thread has here"
                                                         : "accesses memory that is not there, at " + hexadecimal(address));
    }
    const struct sigaction& before = previous[signal];
    if ((before.sa_flags & SA_SIGINFO) != 0)
    {
        before.sa_sigaction(signal, information, context);
        return;
    }
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    {
        before.sa_handler(signal);
        return;
    }
    // Returning runs the faulting instruction again, now with what happens by default.
    sigaction(signal, &before, nullptr);
}
}

void installFaultHandler()
{
    static const bool isInstalled = []
    {
        struct sigaction action = {};
        action.sa_sigaction = onFault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        for (const int signal : {SIGSEGV, SIGBUS})
        {
            sigaction(signal, &action, &previous[signal]);
        }
        return true;
    }();
    static_cast<void>(isInstalled);
}

void catchFaultsOfThisThread()
{
    // Where a fiber's stack has overflown there is no room for a handler.
    constexpr std::size_t HandlerStackBytes = 64 * 1024;
    stack_t handlerStack = {};
    handlerStack.ss_sp = new char[HandlerStackBytes];
    handlerStack.ss_size = HandlerStackBytes;
    sigaltstack(&handlerStack, nullptr);
    static std::atomic<unsigned> next{0};
    const unsigned place = next++;
    if (place < MostThreads)
    {
        threads[place] = pthread_self();
        // Workers are started one after another: the places below are taken.
        threadCount = place + 1;
    }
}
}

// The compiler calls this where -fsanitize=alignment finds a pointer that its type is too strict for: what UBSan's own library would do,
// but as an error of the launch. The structures are the compiler's.
namespace
{
struct SourceLocation
{
    const char* file;
    std::uint32_t line, column;
};

struct TypeDescriptor
{
    std::uint16_t kind, information;
    char name[1];
};

struct TypeMismatch
{
    SourceLocation location;
    const TypeDescriptor* type;
    unsigned char logAlignment;
    unsigned char checkKind;
};
}

extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_type_mismatch_v1(TypeMismatch* mismatch, std::uintptr_t pointer)
{
    mnr_host::Block* block = mnr_host::currentBlock;
    const std::string what = std::string("accesses ") + mismatch->type->name + " at " + mnr_host::hexadecimal(pointer) +
                             ", which is no multiple of " + std::to_string(1u << mismatch->logAlignment) + ", in " + mismatch->location.file +
                             ":" + std::to_string(mismatch->location.line);
    if (block != nullptr)
    {
        block->fail(mnr_host::MisalignedAddress, what);
    }
    std::fprintf(stderr, "host-cuda: %s\n", what.c_str());
}
#endif
