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
target_compile_definitions(host_kernel_flags INTERFACE MNR_HOST_CUDA)
target_compile_options(host_kernel_flags INTERFACE -Wno-unknown-pragmas)
target_include_directories(host_kernel_flags INTERFACE "${PROJECT_SOURCE_DIR}/runtime")
