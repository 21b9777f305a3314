/* The module of a program over the stand-ins: code made ahead and from sources, which devices it runs on, functions by index,
 * and what is said of devices and functions that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cuda/module.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 32, MORE = 90 * 1024 /* dynamic shared memory; 48 KiB need no permission */ };

__asm__(".pushsection .rodata,\"a\"\n.balign 64\nahead:\n.incbin \"" MODULE_FATBIN
        "\"\nahead_end:\n"
        ".byte 0\nsource:\n.incbin \"" MODULE_SOURCE "\"\nsource_end:\n.byte 0\n.popsection\n");
extern const char ahead[] __attribute__((visibility("hidden")));
extern const char ahead_end[] __attribute__((visibility("hidden")));
extern const char source[] __attribute__((visibility("hidden")));
extern const char source_end[] __attribute__((visibility("hidden")));

static const char *const functions[] = {"twice"};
static const char *const own[] = {"turn"};
static const int32_t architectures[] = {80, 90};

static rt_module made_ahead(void) {
    return (rt_module){.functions = 1,
                       .architectures = 2,
                       .function = functions,
                       .architecture = architectures,
                       .binary = (const unsigned char *)ahead,
                       .binary_end = (const unsigned char *)ahead_end};
}

static rt_source sources[] = {{"code.cu", source, source_end}};

static rt_module from_source(void) {
    return (rt_module){.functions = 1,
                       .architectures = 2,
                       .function = functions,
                       .architecture = architectures,
                       .sources = 1,
                       .source = sources};
}

static rt_status load(const rt_module *module, const char *device, rt_cuda_module **loaded,
                      rt_error *error) {
    const rt_program program = {.name = "mixed", .module = module};
    setenv("STANDIN_ARCH", device, 1);
    *error = (rt_error){0};
    return rt_cuda_module_load(&program, own, 1, loaded, error);
}

/* at = (at * 2) turned, and 1 */
static void assert_runs(const rt_cuda_module *module) {
    cudaStream_t stream;
    float *at, host[LANES];
    void *arguments[] = {&at};
    const dim3 one = {1, 1, 1}, lanes = {LANES, 1, 1};
    for (int i = 0; i < LANES; ++i)
        host[i] = (float)i;
    assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudaMalloc((void **)&at, sizeof host), cudaSuccess);
    assert_int_equal(cudaMemcpy(at, host, sizeof host, cudaMemcpyHostToDevice), cudaSuccess);
    assert_int_equal(cudaLaunchKernel((const void *)rt_cuda_module_function(module, 0), one, lanes,
                                      arguments, 0, stream),
                     cudaSuccess);
    assert_int_equal(cudaLaunchKernel((const void *)rt_cuda_module_own(module, 0), one, lanes,
                                      arguments, MORE, stream),
                     cudaSuccess);
    assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
    assert_int_equal(cudaMemcpy(host, at, sizeof host, cudaMemcpyDeviceToHost), cudaSuccess);
    for (int i = 0; i < LANES; ++i)
        assert_int_equal((int)host[i], 2 * (LANES - 1 - i) + 1);
    assert_int_equal(cudaFree(at), cudaSuccess);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
}

static void assert_loads(const rt_module *module, const char *device) {
    rt_cuda_module *loaded;
    rt_error error;
    rt_status status = load(module, device, &loaded, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, RT_OK);
    assert_runs(loaded);
    rt_cuda_module_close(loaded);
}

static void assert_refused(const rt_module *module, const char *device, rt_status status,
                           const char *text) {
    rt_cuda_module *loaded;
    rt_error error;
    assert_int_equal(load(module, device, &loaded, &error), status);
    assert_string_equal(error.text, text);
    assert_null(loaded);
}

static void test_devices(void **state) {
    rt_module module = made_ahead();
    (void)state;
    assert_loads(&module, "80");
    assert_loads(&module, "86"); /* of the same generation, and later */
    assert_loads(&module, "90");
    assert_refused(&module, "75", RT_UNAVAILABLE,
                   "this GPU is sm_75, and mixed has kernels for sm_80, sm_90a: make the program "
                   "again with --arch sm_75, or with --kernels nvrtc, and build it");
    assert_refused(&module, "100", RT_UNAVAILABLE,
                   "this GPU is sm_100, and mixed has kernels for sm_80, sm_90a: make the program "
                   "again with --arch sm_100a, or with --kernels nvrtc, and build it");
    module.architectures = 1;
    module.architecture = (const int32_t[]){86};
    assert_refused(
        &module, "80", RT_UNAVAILABLE,
        "this GPU is sm_80, and mixed has kernels for sm_86: make the program again with "
        "--arch sm_80, or with --kernels nvrtc, and build it");
}

static void test_from_source(void **state) {
    rt_module module = from_source();
    (void)state;
    assert_loads(&module, "90");
    assert_refused(&module, "75", RT_UNAVAILABLE,
                   "this GPU is sm_75, and the kernels of mixed need sm_80 or later: run it on a "
                   "newer GPU");
}

static void test_mistake(void **state) {
    static const char text[] = "extern \"C\" __global__ void twice(float *at) {\n"
                               "    at[threadIdx.x] *= nothing;\n}\n";
    static const rt_source wrong[] = {{"code.cu", text, text + sizeof text - 1}};
    rt_module module = from_source();
    rt_cuda_module *loaded;
    rt_error error;
    (void)state;
    module.source = wrong;
    assert_int_equal(load(&module, "90", &loaded, &error), RT_SOFTWARE);
    assert_non_null(strstr(error.text, ", sm_90a: code.cu:2: "));
    assert_non_null(strstr(error.text, ", in: at[threadIdx.x] *= nothing;"));
}

static void test_no_function(void **state) {
    rt_module module = made_ahead();
    (void)state;
    module.function = (const char *const[]){"thrice"};
    assert_refused(&module, "90", RT_SOFTWARE, "the kernels have no function thrice");
}

/* Not even the least: what the driver makes of it is told. */
static void test_no_code(void **state) {
    static const unsigned char junk[256] = {1, 2, 3};
    rt_module module = made_ahead();
    rt_cuda_module *loaded;
    rt_error error;
    (void)state;
    module.binary = junk;
    assert_int_equal(load(&module, "90", &loaded, &error), RT_SOFTWARE);
    assert_non_null(strstr(error.text, "cudaLibraryLoadData"));
    assert_null(loaded);
    rt_cuda_module_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices), cmocka_unit_test(test_from_source),
        cmocka_unit_test(test_mistake), cmocka_unit_test(test_no_function),
        cmocka_unit_test(test_no_code),
    };
    setenv("RT_CUDA_CACHE", "", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
