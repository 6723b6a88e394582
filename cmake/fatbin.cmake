# kernels.fatbin: machine code for the generations of GPUs that this nvcc knows, and PTX of one that later GPUs' drivers compile.
set(wanted_architectures 80 86 89 90 100 120)
set(newest_ptx 90) # The oldest that everything after the machine code above can run: PTX is for its own generation and all later ones, so 90 serves 10.3, 11.0 and 13.0 too.

execute_process(COMMAND ${MNR_NVCC} --list-gpu-code OUTPUT_VARIABLE known RESULT_VARIABLE status ERROR_VARIABLE refusal)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${MNR_NVCC} --list-gpu-code: ${refusal}${known}")
endif()
set(architectures "")
set(ptx "")
foreach(architecture IN LISTS wanted_architectures)
  if(known MATCHES "sm_${architecture}\n")
    list(APPEND architectures ${architecture})
    if(architecture LESS_EQUAL newest_ptx)
      set(ptx ${architecture})
    endif()
  endif()
endforeach()
if(NOT ptx)
  message(FATAL_ERROR "${MNR_NVCC} knows none of the GPUs that the kernels are for (sm_80 and later); it knows ${known}")
endif()
list(TRANSFORM architectures PREPEND sm_ OUTPUT_VARIABLE names)
list(JOIN names " " names)
message(STATUS "kernels.fatbin: ${MNR_NVCC}, ${names} and PTX of compute_${ptx}")

set(targets "")
foreach(architecture IN LISTS architectures)
  list(APPEND targets "-gencode=arch=compute_${architecture},code=sm_${architecture}")
endforeach()
list(APPEND targets "-gencode=arch=compute_${ptx},code=compute_${ptx}")

file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/Kernels/Cuda/Native/*.cuh)
set(sources ${PROJECT_SOURCE_DIR}/kernels.cu ${headers})
set(fatbin ${PROJECT_BINARY_DIR}/kernels.fatbin)
# The options are those of the compilation at run time (src/Kernels/Cuda/Compilation/KernelCompiler.cs) and of the check without a GPU.
set(MNR_NVCC_FLAGS "" CACHE STRING "More options for nvcc, such as -ccbin=g++-13 where the default compiler is too new for it")
separate_arguments(more NATIVE_COMMAND "${MNR_NVCC_FLAGS}")
add_custom_command(
  OUTPUT ${fatbin} ${fatbin}.sources
  COMMAND ${MNR_NVCC} -fatbin --threads=0 -std=c++17 -Werror all-warnings ${targets} ${more} -o ${fatbin} ${PROJECT_SOURCE_DIR}/kernels.cu
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${fatbin}.sources "-DSOURCES=${sources}" -P ${PROJECT_SOURCE_DIR}/cmake/checksums.cmake
  DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/cmake/checksums.cmake
  COMMENT "kernels.fatbin"
  VERBATIM)
add_custom_target(kernels ALL DEPENDS ${fatbin} ${fatbin}.sources)
