# Flags that gen, the runtime and every emitted program share (emitted programs take the presets too).
add_library(toposmith_flags INTERFACE)
target_compile_definitions(toposmith_flags INTERFACE _GNU_SOURCE)
target_compile_options(toposmith_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes
                       -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter)
if(TOPOSMITH_WERROR)
    target_compile_options(toposmith_flags INTERFACE -Werror)
endif()
if(TOPOSMITH_SANITIZE)
    # Half the time of -O2 -g to compile, and enough for a trace of lines.
    set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1")
    target_compile_options(toposmith_flags INTERFACE -fsanitize=${TOPOSMITH_SANITIZE}
                           -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(toposmith_flags INTERFACE -fsanitize=${TOPOSMITH_SANITIZE})
endif()
if(TOPOSMITH_LINT)
    find_program(CLANG_TIDY clang-tidy REQUIRED)
    set(CMAKE_C_CLANG_TIDY ${CLANG_TIDY})
endif()
