# host_flags: what everything here is compiled with.
include(CheckCXXCompilerFlag)

add_library(host_flags INTERFACE)
target_compile_options(host_flags INTERFACE -Wall -Wextra -Werror)
target_link_libraries(host_flags INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

# Built where it runs: kernels on the host are slow enough.
option(MNR_HOST_NATIVE "compile for this machine's instruction set" ON)
check_cxx_compiler_flag(-march=native MNR_HAS_MARCH_NATIVE)
if(MNR_HOST_NATIVE AND MNR_HAS_MARCH_NATIVE)
  target_compile_options(host_flags INTERFACE -march=native)
endif()

# host_kernel_flags: what kernels are compiled with besides. Thread-local addresses are read through descriptors where the compiler can:
# in a library that is loaded late that is several times faster. Pointers' alignment is checked as a GPU does (runtime/faults.cpp), and
# variables that are used before they are set hold an improbable pattern.
add_library(host_kernel_flags INTERFACE)
target_link_libraries(host_kernel_flags INTERFACE host_flags)
check_cxx_compiler_flag(-mtls-dialect=gnu2 MNR_HAS_TLS_DESCRIPTORS)
if(MNR_HAS_TLS_DESCRIPTORS)
  target_compile_options(host_kernel_flags INTERFACE -mtls-dialect=gnu2)
endif()
check_cxx_compiler_flag(-ftrivial-auto-var-init=pattern MNR_HAS_VARIABLE_PATTERN)
if(MNR_HAS_VARIABLE_PATTERN)
  target_compile_options(host_kernel_flags INTERFACE -ftrivial-auto-var-init=pattern)
endif()
# A large frame touches the guard below its stack, and does not jump over it.
check_cxx_compiler_flag(-fstack-clash-protection MNR_HAS_STACK_PROBES)
if(MNR_HAS_STACK_PROBES)
  target_compile_options(host_kernel_flags INTERFACE -fstack-clash-protection)
endif()
# The switch between fibers that other processors than x86-64 use.
option(MNR_HOST_UCONTEXT "switch fibers by ucontext" OFF)
if(MNR_HOST_UCONTEXT)
  target_compile_definitions(host_kernel_flags INTERFACE MNR_HOST_UCONTEXT)
endif()
target_compile_definitions(host_kernel_flags INTERFACE MNR_HOST_CUDA)
target_compile_options(host_kernel_flags INTERFACE -Wno-unknown-pragmas)
target_include_directories(host_kernel_flags INTERFACE "${PROJECT_SOURCE_DIR}/runtime")

# host_sanitizers: what the replayer and its kernels are compiled with besides. At -O1: compiling all kernels with sanitizers takes minutes
# at -O3.
add_library(host_sanitizers INTERFACE)
target_compile_options(host_sanitizers INTERFACE -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
target_link_options(host_sanitizers INTERFACE -fsanitize=address,undefined)
