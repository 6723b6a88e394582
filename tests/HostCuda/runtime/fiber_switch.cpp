#include "fiber_switch.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(MNR_HOST_ASSEMBLY_SWITCH)
extern "C" void mnrHostSwitch(void** save, void* load);

asm(R"(
.text
.globl mnrHostSwitch
.hidden mnrHostSwitch
.type mnrHostSwitch,@function
mnrHostSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size mnrHostSwitch, .-mnrHostSwitch
)");
#endif

namespace mnr_host
{
void prepare(Context& context, char* stack, std::size_t bytes, void (*entry)())
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack, bytes);
    context.stackBottom = stack;
    context.stackBytes = bytes;
    context.fakeStack = nullptr;
#endif
#if defined(MNR_HOST_ASSEMBLY_SWITCH)
    constexpr int SavedRegisters = 6;
    // `entry` is returned into: at that moment the stack pointer is 8 below a multiple of 16, as after a call.
    void** top = reinterpret_cast<void**>(stack + bytes);
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < SavedRegisters; i++)
    {
        *--top = nullptr;
    }
    context.stackPointer = top;
#else
    getcontext(&context.registers);
    context.registers.uc_stack.ss_sp = stack;
    context.registers.uc_stack.ss_size = bytes;
    context.registers.uc_link = nullptr;
    makecontext(&context.registers, entry, 0);
#endif
}

void arrived([[maybe_unused]] Context* from)
{
#if defined(__SANITIZE_ADDRESS__)
    // The stack of whoever came here first is the operating system's: learned on arrival.
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
    if (from != nullptr && from->stackBottom == nullptr)
    {
        from->stackBottom = bottom;
        from->stackBytes = bytes;
    }
#endif
}

void switchTo(Context& from, Context& to, [[maybe_unused]] bool isLeaving)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(isLeaving ? nullptr : &from.fakeStack, to.stackBottom, to.stackBytes);
#endif
#if defined(MNR_HOST_ASSEMBLY_SWITCH)
    mnrHostSwitch(&from.stackPointer, to.stackPointer);
#else
    swapcontext(&from.registers, &to.registers);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(from.fakeStack, nullptr, nullptr);
#endif
}
}
