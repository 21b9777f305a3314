/* check_cuda: what stands for the runtime of CUDA: kernels run at once, through the shim; what is read from the device is
 * there when the kernel's function has returned, and so are faults. */
#include "check.h"

#include "check_device.h"

#include "rt_cuda.h"
#include "rt_fault.h"
#include "shim_run.h"

#include <dlfcn.h>

enum { READS = 64, TAG = 77 };

/* Two multiprocessors make grids that follow them small; the memory of sm_80. */
static const int32_t PROCESSORS = 2, SHARED_BYTES = 163 * 1024;

static const char *const functions[] = {
#include "functions.inc"
};

static shim_module code;
static unsigned launches;
static struct rt_fault fault;
static uint64_t keys[BATCH];
static struct {
    void *to, *copy;
    size_t bytes;
} reads[READS];
static int read_count;

void target_open(const char *path) {
    void *library = path ? dlopen(path, RTLD_NOW) : NULL;
    if (!library || !shim_module_of(library, &code)) {
        fprintf(stderr, "no module: %s\n", path ? dlerror() : "no path");
        exit(1);
    }
}

const int target_draws = 60;

const char *target_name(void) {
    return "cuda";
}

static rt_status shim_launch(const char *name, const shim_grid *grid, void **arguments) {
    char text[SHIM_TEXT];
    int kernel = shim_module_find(&code, name);
    if (kernel < 0) {
        fprintf(stderr, "the module has no %s\n", name);
        exit(1);
    }
    if (shim_run(&code, kernel, grid, arguments, launches++, text)) {
        check(false, name, text, -1);
        return RT_SOFTWARE;
    }
    return RT_OK;
}

/* Every 16-bit pattern is loaded as rt_format.h says; what was loaded is stored unchanged. */
static void check_loads(void) {
    enum { PATTERNS = 65536 };
    static float loaded[PATTERNS];
    static uint16_t stored[PATTERNS];
    if (sizeof(elem_t) != 2)
        return;
    void *to[] = {loaded, stored};
    const shim_grid grid = {{PATTERNS / 256, 1, 1}, {256, 1, 1}, 0};
    if (shim_launch("check_elements", &grid, (void *[]){&to[0], &to[1]}) != RT_OK)
        return;
    for (uint32_t bits = 0; bits < PATTERNS; ++bits) {
        float expected = elem_load((elem_t)bits);
        check(memcmp(&loaded[bits], &expected, sizeof expected) == 0, "element", "loaded differs",
              bits);
        check(isnan(expected) || stored[bits] == bits, "element", "stored differs", bits);
    }
}

void check_store(const float *from, elem_t *to, int32_t count) {
    enum { THREADS = 256, EACH = 64 };
    const shim_grid grid = {{(unsigned)count / (THREADS * EACH) + 1, 1, 1}, {THREADS, 1, 1}, 0};
    shim_launch("check_stores", &grid, (void *[]){(void *)&from, &to, &count});
}

void target_checks(void) {
    check_loads();
    check_device();
}

rt_status run_kernel(rt_kernel_fn kernel, const void *args) {
    fault = (struct rt_fault){.code = RT_FAULT_NONE};
    read_count = 0;
    for (int s = 0; s < BATCH; ++s)
        keys[s] = rt_choice_key(NULL, s);
    RT_TRY(kernel(NULL, args));
    for (int i = 0; i < read_count; ++i) {
        memcpy(reads[i].to, reads[i].copy, reads[i].bytes);
        free(reads[i].copy);
    }
    if (fault.code == RT_FAULT_NONE)
        return RT_OK;
    check(fault.tag == TAG, "fault", "its tag differs", fault.tag);
    return rt_fail(NULL, fault.code == RT_FAULT_PROBABLE ? RT_DATA : RT_SOFTWARE, "fault %d",
                   fault.code);
}

/* --- rt_cuda.h -------------------------------------------------------------------------------------------- */

rt_status rt_cuda_launch(rt_rank *rank, int function, rt_grid grid, void **arguments) {
    (void)rank;
    if ((uint64_t)grid.x * grid.y * grid.z == 0)
        return RT_OK;
    const shim_grid shape = {{grid.x, grid.y, grid.z}, {grid.threads, 1, 1}, grid.shared};
    check(grid.shared <= (uint32_t)SHARED_BYTES, functions[function], "too much shared memory",
          grid.shared);
    return shim_launch(functions[function], &shape, arguments);
}

static double number(const void *at, int64_t index, rt_type type) {
    if (type == RT_F32)
        return (double)((const float *)at)[index];
    uint16_t bits = ((const uint16_t *)at)[index];
    return (double)(type == RT_BF16 ? rt_from_bf16(bits) : rt_from_f16(bits));
}

rt_status rt_cuda_product(rt_rank *rank, const rt_product *p) {
    (void)rank;
    for (int64_t r = 0; r < p->rows; ++r)
        for (int64_t o = 0; o < p->outputs; ++o) {
            float sum = 0;
            for (int64_t i = 0; i < p->inputs; ++i) {
                int64_t at = p->plain ? i * p->weight_stride + o : o * p->weight_stride + i;
                sum += (float)number(p->in, r * p->in_stride + i, p->type) *
                       (float)number(p->weight, at, p->type);
            }
            const int64_t at = r * p->out_stride + o;
            if (p->add)
                sum += (float)number(p->out, at, p->out_type);
            if (p->out_type == RT_F32)
                ((float *)p->out)[at] = sum;
            else
                ((uint16_t *)p->out)[at] =
                    p->out_type == RT_BF16 ? rt_to_bf16(sum) : rt_to_f16(sum);
        }
    return RT_OK;
}

/* What it was in the order of the stream, to the host when the step is over. */
rt_status rt_cuda_read(rt_rank *rank, void *to, const void *from, int64_t bytes) {
    if (read_count == READS)
        return rt_fail(rank, RT_SOFTWARE, "too many reads");
    reads[read_count].to = to;
    reads[read_count].bytes = (size_t)bytes;
    reads[read_count].copy = malloc((size_t)bytes);
    memcpy(reads[read_count++].copy, from, (size_t)bytes);
    return RT_OK;
}

rt_status rt_cuda_clear(rt_rank *rank, void *at, int64_t bytes) {
    (void)rank;
    memset(at, 0, (size_t)bytes);
    return RT_OK;
}

const uint64_t *rt_cuda_choice_keys(const rt_rank *rank) {
    (void)rank;
    return keys;
}

/* Tables of a program are where their addresses say. */
const void *rt_cuda_table(const rt_rank *rank, const void *numbers);
const void *rt_cuda_table(const rt_rank *rank, const void *numbers) {
    (void)rank;
    return numbers;
}

struct rt_fault *rt_cuda_fault(rt_rank *rank) {
    (void)rank;
    return &fault;
}

int32_t rt_cuda_tag(const rt_rank *rank) {
    (void)rank;
    return TAG;
}

int32_t rt_cuda_processors(const rt_rank *rank) {
    (void)rank;
    return PROCESSORS;
}

int32_t rt_cuda_shared_bytes(const rt_rank *rank) {
    (void)rank;
    return SHARED_BYTES;
}
