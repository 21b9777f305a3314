/* Device code from its sources by the real NVRTC, which needs no GPU: names as #include writes them, the cache, what is said
 * of a mistake and of devices that it does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cuda/cache.h"
#include "cuda/nvrtc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOURCE(name, text)                                                                         \
    { name, text, text + sizeof text - 1 }

#define MAIN "#include \"scale.cu\"\n"
#define KERNEL                                                                                     \
    "#include \"kernel.cuh\"\n\nextern \"C\" __global__ void scale(float *at) {\n"                 \
    "    at[threadIdx.x] *= FACTOR;\n}\n"
#define HEADER "#pragma once\n#include \"../constants.h\"\n"
#define CONSTANTS "#pragma once\n#define FACTOR 2.0f\n"
#define WRONG                                                                                      \
    "#include \"kernel.cuh\"\n__device__ float f() {\n    return FACTOR +;\n}\n"                   \
    "__device__ int g() {\n    return nothing;\n}\n"

static const rt_source sources[] = {
    SOURCE("module.cu", MAIN),
    SOURCE("scale.cu", KERNEL),
    SOURCE("kernel.cuh", HEADER),
    SOURCE("../constants.h", CONSTANTS),
};
static const rt_source wrong[] = {
    SOURCE("module.cu", MAIN),
    SOURCE("scale.cu", WRONG),
    SOURCE("kernel.cuh", HEADER),
    SOURCE("../constants.h", CONSTANTS),
};
static const rt_module module = {.sources = 4, .source = sources};
static const rt_module wrong_module = {.sources = 4, .source = wrong};

static char folder[] = "/tmp/test-nvrtc-XXXXXX";

static int files(char *last) {
    int count = 0;
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.')
            continue;
        ++count;
        if (last)
            snprintf(last, RT_CACHE_PATH, "%s/%s", folder, entry->d_name);
    }
    closedir(stream);
    return count;
}

static void assert_compiles(int architecture, char **code, size_t *bytes) {
    rt_error error = {0};
    rt_status status = rt_nvrtc_compile(&module, architecture, code, bytes, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, RT_OK);
    assert_true(*bytes > 64 && memcmp(*code, "\177ELF", 4) == 0);
    assert_non_null(memmem(*code, *bytes, "scale", 5));
}

static void test_compiled_once(void **state) {
    char *first, *second, path[RT_CACHE_PATH];
    size_t bytes, again;
    (void)state;
    assert_compiles(80, &first, &bytes);
    assert_int_equal(files(path), 1);
    assert_compiles(80, &second, &again);
    assert_int_equal(again, bytes);
    assert_memory_equal(first, second, bytes);
    assert_int_equal(files(NULL), 1);
    free(second);

    FILE *file =
        fopen(path, "r+b"); /* damage: it is compiled anew, and what is kept is whole again */
    assert_non_null(file);
    assert_int_equal(fseek(file, -9, SEEK_END), 0);
    fputc(0x5a, file);
    fclose(file);
    assert_compiles(80, &second, &again);
    assert_int_equal(again, bytes);
    assert_memory_equal(first, second, bytes);
    assert_int_equal(files(NULL), 1);
    free(second);

    assert_compiles(90, &second, &again); /* another device, another entry */
    assert_int_equal(files(NULL), 2);
    free(first);
    free(second);
}

/* The cache cannot be had: the code is there all the same. */
static void test_unkept(void **state) {
    char *code;
    size_t bytes;
    (void)state;
    setenv("RT_CUDA_CACHE", "/dev/null/none", 1);
    assert_compiles(86, &code, &bytes);
    free(code);
    setenv("RT_CUDA_CACHE", "", 1);
    assert_compiles(89, &code, &bytes);
    free(code);
    setenv("RT_CUDA_CACHE", folder, 1);
}

static void test_refused(void **state) {
    rt_error error = {0};
    char *code;
    size_t bytes;
    (void)state;
    int before = files(NULL);
    assert_int_equal(rt_nvrtc_compile(&wrong_module, 90, &code, &bytes, &error), RT_SOFTWARE);
    assert_null(code);
    const char *at = strstr(error.text, ", sm_90a: "); /* behind the version */
    assert_non_null(at);
    assert_string_equal(
        at, ", sm_90a: scale.cu:3: expected an expression (and 1 more), in: return FACTOR +;");
    assert_int_equal(files(NULL), before);
}

static void test_devices(void **state) {
    rt_error error = {0};
    char *code;
    size_t bytes;
    (void)state;
    assert_int_equal(rt_nvrtc_compile(&module, 30, &code, &bytes, &error), RT_UNAVAILABLE);
    assert_non_null(strstr(error.text, "this GPU, which is sm_30: install a newer CUDA toolkit"));
    assert_compiles(99, &code,
                    &bytes); /* of a generation that is known: by what its devices share */
    free(code);
}

static int begin(void **state) {
    (void)state;
    return mkdtemp(folder) && setenv("RT_CUDA_CACHE", folder, 1) == 0 ? 0 : -1;
}

static int end(void **state) {
    char path[RT_CACHE_PATH];
    (void)state;
    while (files(path) > 0)
        unlink(path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compiled_once),
        cmocka_unit_test(test_unkept),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_devices),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
