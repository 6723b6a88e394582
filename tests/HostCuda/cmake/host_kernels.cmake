# add_host_kernels(NAME SOURCE FOLDER): the library FOLDER/libNAME.so of all kernels in SOURCE, and target NAME_nvrtc,
# FOLDER/libnvrtc.so.12, whose "compiler" answers with that library.
function(add_host_kernels name source folder)
  set(generated "${PROJECT_BINARY_DIR}/generated/${name}")
  get_filename_component(source_folder "${source}" DIRECTORY)
  file(GLOB headers CONFIGURE_DEPENDS "${MNR_ROOT}/src/Kernels/Cuda/Native/*.cuh" "${source_folder}/*.cuh")
  file(MAKE_DIRECTORY "${generated}")
  add_custom_command(
    OUTPUT "${generated}/kernel_sources.h"
    COMMAND list-sources "${generated}/kernel_sources.h" "${source}"
    DEPENDS list-sources "${source}" ${headers}
    VERBATIM)
  add_custom_target(${name}_sources DEPENDS "${generated}/kernel_sources.h")

  set(runtime "${PROJECT_SOURCE_DIR}/runtime")
  set_source_files_properties("${source}" PROPERTIES LANGUAGE CXX OBJECT_DEPENDS "${headers}")
  add_library(${name} SHARED
    "${source}" ${runtime}/block.cpp ${runtime}/faults.cpp ${runtime}/fiber_switch.cpp ${runtime}/launch.cpp ${runtime}/registration.cpp
    ${runtime}/static_shared.cpp ${runtime}/warp_instructions.cpp)
  set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "-xc++;-fsanitize=alignment")
  target_link_libraries(${name} PRIVATE host_kernel_flags)
  target_include_directories(${name} PRIVATE "${generated}")
  # The runtime's own symbols bind inside this library: another one of kernels may be loaded beside it.
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic)
  add_dependencies(${name} ${name}_sources)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${folder}")

  add_library(${name}_nvrtc SHARED "${PROJECT_SOURCE_DIR}/nvrtc/nvrtc.cpp")
  target_link_libraries(${name}_nvrtc PRIVATE host_flags)
  target_include_directories(${name}_nvrtc PRIVATE "${generated}" "${PROJECT_SOURCE_DIR}/sources")
  target_compile_definitions(${name}_nvrtc PRIVATE MNR_KERNEL_LIBRARY="$<TARGET_FILE_NAME:${name}>")
  add_dependencies(${name}_nvrtc ${name}_sources ${name})
  set_target_properties(${name}_nvrtc PROPERTIES OUTPUT_NAME nvrtc SOVERSION 12 LIBRARY_OUTPUT_DIRECTORY "${folder}")
endfunction()
