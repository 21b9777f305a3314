# Finds the CUDA toolkit and NCCL, for programs for GPUs and for the runtime that they link: the target Cuda::toolkit has
# headers and libraries, CUDA_NVCC the compiler, which only KERNELS=aot needs. Everything may be as its vendor installs it,
# or as packages of PyPI have it (nvidia/cu13 and nvidia/nccl side by side), whose libraries have names like
# libcudart.so.13 alone.
#   -DCUDA_ROOT    the toolkit; else of the environment (CUDA_ROOT, CUDA_HOME, CUDA_PATH), of nvcc in PATH, or /usr/local/cuda
#   -DNCCL_ROOT    NCCL; else of the environment (NCCL_ROOT), in the toolkit, beside it, or of the system
#   -DCUBLAS_ROOT  cuBLAS, where the toolkit comes without it
if(TARGET Cuda::toolkit)
    return()
endif()
set(CUDA_ROOT "" CACHE PATH "The CUDA toolkit")
set(NCCL_ROOT "" CACHE PATH "NCCL")
set(CUBLAS_ROOT "" CACHE PATH "cuBLAS, where the toolkit comes without it")

if(NOT NCCL_ROOT AND DEFINED ENV{NCCL_ROOT})
    set(NCCL_ROOT "$ENV{NCCL_ROOT}")
endif()

if(NOT CUBLAS_ROOT AND DEFINED ENV{CUBLAS_ROOT})
    set(CUBLAS_ROOT "$ENV{CUBLAS_ROOT}")
endif()

set(cuda_headers include targets/x86_64-linux/include targets/sbsa-linux/include)
set(cuda_libraries lib64 lib lib/x86_64-linux-gnu lib/aarch64-linux-gnu targets/x86_64-linux/lib
    targets/sbsa-linux/lib)

set(cuda_places "${CUDA_ROOT}")
if(NOT CUDA_ROOT)
    set(cuda_places $ENV{CUDA_ROOT} $ENV{CUDA_HOME} $ENV{CUDA_PATH})
    find_program(CUDA_NVCC_IN_PATH nvcc)
    mark_as_advanced(CUDA_NVCC_IN_PATH)
    if(CUDA_NVCC_IN_PATH)
        get_filename_component(cuda_place "${CUDA_NVCC_IN_PATH}" REALPATH)
        get_filename_component(cuda_place "${cuda_place}/../.." ABSOLUTE)
        list(APPEND cuda_places "${cuda_place}")
    endif()
    list(APPEND cuda_places /usr/local/cuda)
endif()

# A header's folder and a library by its names, both of the first place that has them.
function(cuda_find what header names cure)
    set(places ${ARGN})
    foreach(place IN LISTS places)
        unset(found_header CACHE)
        unset(found_library CACHE)
        find_path(found_header NAMES ${header} PATHS "${place}" PATH_SUFFIXES ${cuda_headers} NO_DEFAULT_PATH)
        find_library(found_library NAMES ${names} PATHS "${place}" PATH_SUFFIXES ${cuda_libraries} NO_DEFAULT_PATH)
        if(found_header AND found_library)
            break()
        endif()
    endforeach()
    if(NOT found_header OR NOT found_library)
        list(JOIN places " " told)
        message(FATAL_ERROR "${what} is missing: no ${header} with its library in ${told}. ${cure}")
    endif()
    set_property(TARGET Cuda::toolkit APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${found_header}")
    get_filename_component(folder "${found_library}" DIRECTORY)
    add_library(Cuda::${what} SHARED IMPORTED GLOBAL) # so that its folder goes into the program's search path
    set_target_properties(Cuda::${what} PROPERTIES IMPORTED_LOCATION "${found_library}")
    target_link_libraries(Cuda::toolkit INTERFACE Cuda::${what})
    target_link_options(Cuda::toolkit INTERFACE "LINKER:-rpath-link,${folder}")
    message(STATUS "${what}: ${found_library}")
    set(cuda_found "${found_header}" PARENT_SCOPE) # not under its own name, which would be found again
    unset(found_header CACHE)
    unset(found_library CACHE)
endfunction()

add_library(Cuda::toolkit INTERFACE IMPORTED GLOBAL)
set(cuda_cure "Install the CUDA toolkit, 12.8 or newer, and name its folder with -DCUDA_ROOT=FOLDER.")
cuda_find(CUDA cuda_runtime_api.h "libcudart.so.13;libcudart.so.12;cudart" "${cuda_cure}" ${cuda_places})
file(STRINGS "${cuda_found}/cuda_runtime_api.h" cuda_version REGEX "^#define CUDART_VERSION +[0-9]+")
string(REGEX MATCH "[0-9]+" cuda_version "${cuda_version}")
if(NOT cuda_version OR cuda_version LESS 12080) # modules are loaded by the runtime's library interface
    message(FATAL_ERROR "The CUDA toolkit is of version ${cuda_version}, 12080 (12.8) or newer is needed. ${cuda_cure}")
endif()
cuda_find(cuBLAS cublas_v2.h "libcublas.so.13;libcublas.so.12;cublas"
          "Install the toolkit's cuBLAS with its headers, or name its folder with -DCUBLAS_ROOT=FOLDER."
          ${CUBLAS_ROOT} ${cuda_places})
cuda_find(NVRTC nvrtc.h "libnvrtc.so.13;libnvrtc.so.12;nvrtc" "${cuda_cure}" ${cuda_places})
if(NCCL_ROOT)
    set(nccl_places "${NCCL_ROOT}")
else()
    set(nccl_places ${cuda_places})
    foreach(place IN LISTS cuda_places)
        get_filename_component(beside "${place}/../nccl" ABSOLUTE)
        list(APPEND nccl_places "${beside}")
    endforeach()
    list(APPEND nccl_places /usr /usr/local)
endif()
cuda_find(NCCL nccl.h "libnccl.so.2;nccl"
          "Install NCCL, 2.19 or newer, with its headers, and name its folder with -DNCCL_ROOT=FOLDER." ${nccl_places})
target_link_libraries(Cuda::toolkit INTERFACE ${CMAKE_DL_LIBS})

if(KERNELS STREQUAL aot)
    unset(CUDA_NVCC CACHE)
    find_program(CUDA_NVCC nvcc PATHS ${cuda_places} PATH_SUFFIXES bin NO_DEFAULT_PATH)
    if(NOT CUDA_NVCC)
        list(JOIN cuda_places " " cuda_told)
        message(FATAL_ERROR "nvcc is missing: it is not in the folder bin of ${cuda_told}. ${cuda_cure} Or emit the "
                            "program with --kernels nvrtc, which needs no nvcc.")
    endif()
    set(CUDA_NVCC_FLAGS "")
    if(TOPOSMITH_WERROR)
        list(APPEND CUDA_NVCC_FLAGS -Werror all-warnings)
    endif()
endif()
