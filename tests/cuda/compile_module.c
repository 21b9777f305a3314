/* compile_module: the module of a program made with --kernels nvrtc, compiled by the real NVRTC for the architectures that
 * are named; linked with its kernels/module.c. What it keeps goes where RT_CUDA_CACHE says.
 * usage: compile_module 80 90 */
#include "cuda/nvrtc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const rt_module module;

/* Every function of the table is in the code, which is an ELF file with their names. */
static int check(const char *code, size_t bytes) {
    for (int i = 0; i < module.functions; ++i) {
        if (memmem(code, bytes, module.function[i], strlen(module.function[i]) + 1))
            continue;
        fprintf(stderr, "the code has no function %s\n", module.function[i]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    int status = argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
    for (int i = 1; i < argc; ++i) {
        rt_error error = {0};
        char *code;
        size_t bytes;
        if (rt_nvrtc_compile(&module, atoi(argv[i]), &code, &bytes, &error) != RT_OK) {
            fprintf(stderr, "%s\n", error.text);
            return EXIT_FAILURE;
        }
        printf("sm_%s: %d functions, %zu bytes\n", argv[i], module.functions, bytes);
        if (check(code, bytes) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
        free(code);
    }
    return status;
}
