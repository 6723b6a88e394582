# What runs the kernels, once as it is and once for the replayer: objects that every library of kernels is linked with.
foreach(variant host_runtime host_runtime_sanitized)
  add_library(${variant} OBJECT
    runtime/block.cpp runtime/faults.cpp runtime/fiber_switch.cpp runtime/launch.cpp runtime/registration.cpp runtime/static_shared.cpp
    runtime/warp_instructions.cpp)
  target_link_libraries(${variant} PRIVATE host_kernel_flags)
endforeach()
target_link_libraries(host_runtime_sanitized PRIVATE host_sanitizers)

# add_host_kernels(NAME SOURCE FOLDER): the library FOLDER/libNAME.so of all kernels in SOURCE; target NAME_nvrtc,
# FOLDER/libnvrtc.so.12, whose "compiler" answers with that library; and NAME_sanitized, the same kernels for the replayer.
function(add_host_kernels name source folder)
  set(generated "${PROJECT_BINARY_DIR}/generated/${name}")
  get_filename_component(source_folder "${source}" DIRECTORY)
  file(GLOB headers CONFIGURE_DEPENDS "${MNR_ROOT}/src/Kernels/Cuda/Native/*.cuh" "${source_folder}/*.cuh")
  file(MAKE_DIRECTORY "${generated}")
  add_custom_command(
    OUTPUT "${generated}/kernel_sources.h"
    COMMAND list-sources "${generated}/kernel_sources.h" "${source}" "${MNR_ROOT}/src/Kernels/Cuda/Native"
    DEPENDS list-sources "${source}" ${headers}
    VERBATIM)
  add_custom_target(${name}_sources DEPENDS "${generated}/kernel_sources.h")

  add_kernel_library(${name} ${name} "${source}" host_runtime)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${folder}")

  add_kernel_library(${name}_sanitized ${name} "${source}" host_runtime_sanitized)
  target_link_libraries(${name}_sanitized PRIVATE host_sanitizers)
  set_target_properties(${name}_sanitized PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/sanitized")

  add_library(${name}_nvrtc SHARED "${PROJECT_SOURCE_DIR}/nvrtc/nvrtc.cpp")
  target_link_libraries(${name}_nvrtc PRIVATE host_flags)
  target_include_directories(${name}_nvrtc PRIVATE "${generated}" "${PROJECT_SOURCE_DIR}/sources")
  target_compile_definitions(${name}_nvrtc PRIVATE MNR_KERNEL_LIBRARY="$<TARGET_FILE_NAME:${name}>")
  add_dependencies(${name}_nvrtc ${name}_sources ${name})
  set_target_properties(${name}_nvrtc PROPERTIES OUTPUT_NAME nvrtc SOVERSION 12 LIBRARY_OUTPUT_DIRECTORY "${folder}")
endfunction()

# A library of the kernels in a source together with what runs them. Pointers that are too badly aligned for their type are an error of
# the launch (runtime/faults.cpp). The runtime's own symbols bind inside the library: another one may be loaded beside it.
function(add_kernel_library target name source runtime)
  add_library(${target} SHARED "${source}" "${PROJECT_SOURCE_DIR}/sources/source_hash.cpp")
  set_source_files_properties("${source}" PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++;-fsanitize=alignment")
  target_link_libraries(${target} PRIVATE ${runtime} host_kernel_flags)
  target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}/generated/${name}" "${MNR_ROOT}/src/Kernels/Cuda/Native")
  target_link_options(${target} PRIVATE -Wl,-Bsymbolic)
  add_dependencies(${target} ${name}_sources)
endfunction()
