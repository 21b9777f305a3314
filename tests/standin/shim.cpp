/* shim: runs the blocks of a kernel, one at a time, the threads of a block as fibres of the calling thread. A fibre runs until
 * it waits or leaves; warps and lanes take turns in an order that differs from block to block. Shared memory is the
 * module's thread-local storage, filled with garbage before each block.
 *
 * Under ThreadSanitizer with SHIM_RACES=1 each fibre is a thread to it, and only barriers order them, so that a barrier
 * that a kernel lacks is a race. Compiled without the sanitizers; it tells them what they must know. */
#include "shim.h"
#include "shim_run.h"
#include "shim_switch.h"

#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **, const void *, size_t);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *, const void **, size_t *);
__attribute__((weak)) void *__tsan_get_current_fiber(void);
__attribute__((weak)) void *__tsan_create_fiber(unsigned);
__attribute__((weak)) void __tsan_switch_to_fiber(void *, unsigned);
__attribute__((weak)) void __tsan_acquire(void *);
__attribute__((weak)) void __tsan_release(void *);
}

namespace {

constexpr int WARP = 32, LANES = 1024;
constexpr size_t STACK = 256 << 10;
constexpr uint64_t CANARY = 0x5afe57ac4d0e1234u;
constexpr unsigned NO_SYNC = 1; /* of __tsan_switch_to_fiber */

enum State { FRESH, READY, MEETS, WAITS, GONE };

struct Lane {
    shim_context context;
    shim_dim thread;
    int index;
    State state;
    shim_ask ask;
    unsigned mask;
    uint64_t value, result;
    const void *piece;
    int from, line;
    const char *file;
    char *stack;
    void *fiber, *fake;
};

struct Warp {
    unsigned live, meeting;
    int turn;
};

struct Block {
    Lane lanes[LANES];
    Warp warps[LANES / WARP];
    shim_dim block, block_size, grid_size;
    const shim_module *module;
    void **arguments;
    int kernel, count, live, waiting;
    shim_context home;
    Lane *running;
    int order[WARP], ordered; /* lanes of the warp whose turn it is */
    int free_stacks[LANES], free_count;
    void *home_fiber, *home_fake;
    const void *home_stack;
    size_t home_bytes;
    bool races, failed, trapped;
    /* Places of orders that ThreadSanitizer knows by address: to all lanes, from all lanes, within a warp in turns. */
    int out, in, meet[LANES / WARP][2];
    char *text;
    char *stacks;
};

struct Owner {
    Block *block = nullptr;
    ~Owner() {
        if (block) {
            if (block->stacks)
                munmap(block->stacks, STACK * LANES);
            free(block);
        }
    }
};
thread_local Owner owner;
thread_local Block *current;

Block *own_block() {
    if (!owner.block) {
        owner.block = (Block *)calloc(1, sizeof *owner.block);
        void *stacks = mmap(nullptr, STACK * LANES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!owner.block || stacks == MAP_FAILED) {
            fputs("shim: no memory for stacks\n", stderr);
            abort();
        }
        owner.block->stacks = (char *)stacks;
    }
    return owner.block;
}

__attribute__((format(printf, 2, 3))) void fail(Block *b, const char *format, ...) {
    if (b->failed)
        return;
    b->failed = true;
    int length = snprintf(b->text, SHIM_TEXT,
                          "kernel %s, block (%u, %u, %u): ", b->module->kernels[b->kernel].name,
                          b->block.x, b->block.y, b->block.z);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->text + length, SHIM_TEXT - (size_t)length, format, arguments);
    va_end(arguments);
}

/* --- switching -------------------------------------------------------------------------------------------- */

void to_home(Lane *lane, bool for_good) {
    Block *b = current;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(for_good ? nullptr : &lane->fake, b->home_stack,
                                       b->home_bytes);
    if (b->races)
        __tsan_switch_to_fiber(b->home_fiber, NO_SYNC);
    shim_context_switch(&lane->context, &b->home);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(lane->fake, &b->home_stack, &b->home_bytes);
}

void to_lane(Block *b, Lane *lane) {
    b->running = lane;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&b->home_fake, lane->stack, STACK);
    if (b->races)
        __tsan_switch_to_fiber(lane->fiber, NO_SYNC);
    shim_context_switch(&b->home, &lane->context);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(b->home_fake, nullptr, nullptr);
}

/* --- meetings of a warp ----------------------------------------------------------------------------------- */

/* The lanes of `mask` that meet have all come: answer them. */
void answer(Warp *warp, Lane *lanes, unsigned who) {
    unsigned ballot = 0;
    for (int i = 0; i < WARP; ++i)
        if (who >> i & 1u && lanes[i].value)
            ballot |= 1u << i;
    uint64_t results[WARP];
    for (int i = 0; i < WARP; ++i) {
        if (!(who >> i & 1u))
            continue;
        const int from = lanes[i].from;
        if (lanes[i].ask == SHIM_BALLOT)
            results[i] = ballot;
        else if (lanes[i].ask == SHIM_SHUFFLE)
            results[i] = from >= 0 && from < WARP && who >> from & 1u ? lanes[from].value : ~0ull;
        else
            results[i] = 0;
    }
    for (int i = 0; i < WARP; ++i)
        if (who >> i & 1u) {
            lanes[i].result = results[i];
            lanes[i].state = READY;
        }
    warp->meeting &= ~who;
    warp->turn ^= 1;
}

/* Answer those who wait together with `lane`, if all of them have come. */
void answer_if_all(Block *b, Warp *warp, Lane *lanes, Lane *lane) {
    const unsigned who = lane->mask & warp->live;
    if (who & ~warp->meeting)
        return;
    for (int i = 0; i < WARP; ++i) {
        if (!(who >> i & 1u))
            continue;
        if (lanes[i].mask != lane->mask)
            return;
        if (lanes[i].ask != lane->ask || lanes[i].line != lane->line) {
            fail(b, "threads %d and %d of a warp meet in different places: %s:%d and %s:%d",
                 lane->index, lanes[i].index, lane->file, lane->line, lanes[i].file, lanes[i].line);
            return;
        }
    }
    answer(warp, lanes, who);
}

void left(Block *b, int w) {
    Warp *warp = &b->warps[w];
    Lane *lanes = &b->lanes[w * WARP];
    for (int i = 0; i < WARP && warp->meeting; ++i)
        if (warp->meeting >> i & 1u)
            answer_if_all(b, warp, lanes, &lanes[i]);
}

/* --- lanes ------------------------------------------------------------------------------------------------ */

void leave(Block *b, Lane *lane) {
    const int w = lane->index / WARP;
    lane->state = GONE;
    b->warps[w].live &= ~(1u << lane->index % WARP);
    --b->live;
    left(b, w);
}

Lane *next_fresh(Block *b) {
    for (int i = 0; i < b->ordered && !b->failed; ++i)
        if (b->lanes[b->order[i]].state == FRESH)
            return &b->lanes[b->order[i]];
    return nullptr;
}

/* A lane that leaves without having waited hands its stack to the next that has not begun, so that kernels which never
 * meet need no switches. */
void fibre() {
    Block *b = current;
    Lane *lane = b->running;
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(nullptr, &b->home_stack, &b->home_bytes);
    for (;;) {
        if (b->races)
            __tsan_acquire(&b->out);
        b->module->kernels[b->kernel].call(b->arguments);
        if (b->races)
            __tsan_release(&b->in);
        leave(b, lane);
        Lane *next = b->races ? nullptr : next_fresh(b);
        if (!next)
            break;
        next->stack = lane->stack;
        next->state = READY;
        b->running = lane = next;
    }
    if (!b->races) /* ThreadSanitizer would see two threads in one place */
        b->free_stacks[b->free_count++] = (int)((size_t)(lane->stack - b->stacks) / STACK);
    to_home(lane, true);
    abort();
}

void begin(Block *b, Lane *lane) {
    lane->stack = b->stacks + STACK * (size_t)b->free_stacks[--b->free_count];
    lane->state = READY;
    lane->fake = nullptr;
    memcpy(lane->stack, &CANARY, sizeof CANARY);
    shim_context_make(&lane->context, lane->stack, STACK, fibre);
    if (b->races && !lane->fiber)
        lane->fiber = __tsan_create_fiber(0);
}

/* --- a block ---------------------------------------------------------------------------------------------- */

/* Once for all blocks of a launch. */
void number_lanes(Block *b) {
    for (int i = 0; i < b->count; ++i) {
        b->lanes[i].index = i;
        b->lanes[i].thread = {(unsigned)i % b->block_size.x,
                              (unsigned)i / b->block_size.x % b->block_size.y,
                              (unsigned)i / b->block_size.x / b->block_size.y};
    }
}

void prepare(Block *b) {
    b->live = b->count;
    b->waiting = 0;
    b->free_count = b->count;
    for (int i = 0; i < b->count; ++i)
        b->free_stacks[i] = b->count - 1 - i;
    for (int w = 0; w * WARP < b->count; ++w) {
        const int lanes = b->count - w * WARP;
        b->warps[w] = {lanes < WARP ? (1u << lanes) - 1 : ~0u, 0, 0};
    }
    for (int i = 0; i < b->count; ++i)
        b->lanes[i].state = FRESH;
}

void release(Block *b) {
    const Lane *first = nullptr;
    for (int i = 0; i < b->count; ++i) {
        Lane *lane = &b->lanes[i];
        if (lane->state != WAITS)
            continue;
        if (!first)
            first = lane;
        if (lane->line != first->line) {
            fail(b, "threads %d and %d wait at different barriers: %s:%d and %s:%d", first->index,
                 lane->index, first->file, first->line, lane->file, lane->line);
            return;
        }
        lane->state = READY;
    }
    b->waiting = 0;
    if (b->races) {
        __tsan_acquire(&b->in);
        __tsan_release(&b->out);
    }
}

void tell_stuck(Block *b) {
    const Lane *waits = nullptr, *meets = nullptr;
    for (int i = 0; i < b->count; ++i) {
        if (b->lanes[i].state == WAITS && !waits)
            waits = &b->lanes[i];
        if (b->lanes[i].state == MEETS && !meets)
            meets = &b->lanes[i];
    }
    if (meets && waits)
        fail(b,
             "thread %d waits at the barrier %s:%d, while thread %d waits for lanes %08x at %s:%d",
             waits->index, waits->file, waits->line, meets->index, meets->mask, meets->file,
             meets->line);
    else
        fail(b, "thread %d waits for lanes %08x at %s:%d, and not all of them come", meets->index,
             meets->mask, meets->file, meets->line);
}

/* Run the lanes of a warp until each waits or is gone; whether any ran. */
bool run_warp(Block *b, int w, unsigned order) {
    bool ran = false, again = true;
    const int lanes = b->count - w * WARP < WARP ? b->count - w * WARP : WARP;
    b->ordered = lanes;
    for (int i = 0; i < lanes; ++i) {
        const int turn = (i + (int)(order >> 1)) % lanes;
        b->order[i] = w * WARP + (order & 1u ? lanes - 1 - turn : turn);
    }
    while (again && !b->failed) {
        again = false;
        for (int i = 0; i < lanes && !b->failed; ++i) {
            Lane *lane = &b->lanes[b->order[i]];
            if (lane->state == FRESH)
                begin(b, lane);
            if (lane->state != READY)
                continue;
            again = ran = true;
            to_lane(b, lane);
            if (memcmp(lane->stack, &CANARY, sizeof CANARY) != 0)
                fail(b, "thread %d has overrun its stack of %zu bytes", lane->index, STACK);
        }
    }
    return ran;
}

void run_block(Block *b, unsigned order) {
    prepare(b);
    const int warps = (b->count + WARP - 1) / WARP;
    if (b->races)
        __tsan_release(&b->out);
    while (b->live > 0 && !b->failed) {
        bool ran = false;
        for (int i = 0; i < warps && !b->failed; ++i) {
            const int turn = (i + (int)(order >> 6 & 31u)) % warps;
            ran |= run_warp(b, order & 2048u ? warps - 1 - turn : turn, order & 63u);
        }
        if (b->failed)
            return;
        if (b->live > 0 && b->waiting == b->live)
            release(b);
        else if (!ran && b->live > 0)
            tell_stuck(b);
    }
    if (b->races)
        __tsan_acquire(&b->in);
}

/* --- shared memory ---------------------------------------------------------------------------------------- */

struct Storage {
    const void *inside; /* an address of the module's code */
    unsigned char *begin;
    size_t bytes;
};

int find_storage(dl_phdr_info *info, size_t, void *context) {
    Storage *storage = (Storage *)context;
    bool holds = false;
    size_t bytes = 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && (uintptr_t)storage->inside - begin < header->p_memsz)
            holds = true;
        if (header->p_type == PT_TLS)
            bytes = header->p_memsz;
    }
    if (!holds)
        return 0;
    storage->begin = (unsigned char *)info->dlpi_tls_data;
    storage->bytes = bytes;
    return 1;
}

/* What a block finds in shared memory: NaN in every type. Behind what it asked for a guard. */
void fill(const Storage *storage, unsigned char *dynamic, size_t shared) {
    memset(storage->begin, 0xff, (size_t)(dynamic - storage->begin));
    memset(dynamic, 0xff, shared);
    memset(dynamic + shared, 0xa5, SHIM_GUARD);
    unsigned char *behind = dynamic + SHIM_DYNAMIC + SHIM_GUARD;
    memset(behind, 0xff, (size_t)(storage->begin + storage->bytes - behind));
}

void check_guard(Block *b, const unsigned char *dynamic, size_t shared) {
    for (int i = 0; i < SHIM_GUARD; ++i)
        if (dynamic[shared + (size_t)i] != 0xa5) {
            fail(b, "writes past its %zu bytes of dynamic shared memory", shared);
            return;
        }
}

uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

bool bounds_hold(Block *b, const shim_grid *grid) {
    const uint64_t threads = (uint64_t)grid->block[0] * grid->block[1] * grid->block[2];
    if (threads == 0 || threads > LANES || grid->block[2] > 64)
        fail(b, "a block of %llu threads", (unsigned long long)threads);
    else if (!grid->grid[0] || !grid->grid[1] || !grid->grid[2] || grid->grid[0] > INT32_MAX ||
             grid->grid[1] > 65535 || grid->grid[2] > 65535)
        fail(b, "a grid of %u x %u x %u blocks", grid->grid[0], grid->grid[1], grid->grid[2]);
    else if (grid->shared > SHIM_DYNAMIC)
        fail(b, "%zu bytes of dynamic shared memory", grid->shared);
    return !b->failed;
}

} // namespace

extern "C" {

const shim_dim *shim_thread(void) {
    return &current->running->thread;
}
const shim_dim *shim_block(void) {
    return &current->block;
}
const shim_dim *shim_block_size(void) {
    return &current->block_size;
}
const shim_dim *shim_grid_size(void) {
    return &current->grid_size;
}

void shim_barrier(const char *file, int line) {
    Block *b = current;
    Lane *lane = b->running;
    lane->state = WAITS;
    lane->file = file;
    lane->line = line;
    ++b->waiting;
    if (b->races)
        __tsan_release(&b->in);
    to_home(lane, false);
    if (b->races)
        __tsan_acquire(&b->out);
}

static void meet(shim_ask ask, unsigned mask, const char *file, int line) {
    Block *b = current;
    Lane *lane = b->running;
    const int w = lane->index / WARP;
    lane->state = MEETS;
    lane->ask = ask;
    lane->mask = mask;
    lane->file = file;
    lane->line = line;
    b->warps[w].meeting |= 1u << lane->index % WARP;
    int *order = b->races && ask == SHIM_SYNC ? &b->meet[w][b->warps[w].turn] : nullptr;
    if (order)
        __tsan_release(order);
    if (!(mask >> lane->index % WARP & 1u))
        fail(b, "thread %d is not in its own mask %08x at %s:%d", lane->index, mask, file, line);
    else
        answer_if_all(b, &b->warps[w], &b->lanes[w * WARP], lane);
    if (lane->state != READY || b->failed)
        to_home(lane, false);
    if (order)
        __tsan_acquire(order);
}

uint64_t shim_meet(shim_ask ask, unsigned mask, uint64_t value, int from, const char *file,
                   int line) {
    Lane *lane = current->running;
    lane->value = value;
    lane->from = from;
    meet(ask, mask, file, line);
    return lane->result;
}

/* memcpy is ThreadSanitizer's, to whom lanes that look at each other's stacks race. */
static void copy_unseen(volatile char *to, const volatile char *from, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
        to[i] = from[i];
}

void shim_gather(unsigned mask, const void *mine, size_t bytes, void *all, const char *file,
                 int line) {
    Block *b = current;
    Lane *lane = b->running;
    Lane *lanes = &b->lanes[lane->index / WARP * WARP];
    lane->piece = mine;
    lane->value = 0;
    meet(SHIM_BALLOT, mask, file, line);
    for (int i = 0; i < WARP; ++i)
        if (mask >> i & 1u)
            copy_unseen((char *)all + (size_t)i * bytes, (const char *)lanes[i].piece, bytes);
    meet(SHIM_BALLOT, mask, file, line); /* the pieces lie on stacks */
}

unsigned shim_live(void) {
    return current->warps[current->running->index / WARP].live;
}

void shim_trap(const char *file, int line) {
    Block *b = current;
    fail(b, "thread %d traps at %s:%d", b->running->index, file, line);
    to_home(b->running, true);
    abort();
}

int shim_module_of(void *library, shim_module *module) {
    module->kernels = (const shim_kernel *)dlsym(library, "shim_kernels");
    const int *count = (const int *)dlsym(library, "shim_kernel_count");
    module->dynamic = (unsigned char *(*)(void))dlsym(library, "shim_dynamic_at");
    module->count = count ? *count : 0;
    return module->kernels && count && module->dynamic;
}

int shim_module_find(const shim_module *module, const char *name) {
    for (int i = 0; i < module->count; ++i)
        if (strcmp(module->kernels[i].name, name) == 0)
            return i;
    return -1;
}

int shim_run(const shim_module *module, int kernel, const shim_grid *grid, void **arguments,
             unsigned seed, char *text) {
    Block *b = own_block();
    b->module = module;
    b->kernel = kernel;
    b->arguments = arguments;
    b->text = text;
    b->failed = false;
    b->block = {0, 0, 0};
    b->block_size = {grid->block[0], grid->block[1], grid->block[2]};
    b->grid_size = {grid->grid[0], grid->grid[1], grid->grid[2]};
    if (!bounds_hold(b, grid))
        return 1;
    b->count = (int)(grid->block[0] * grid->block[1] * grid->block[2]);
    number_lanes(b);
    const char *races = getenv("SHIM_RACES");
    b->races = races && *races == '1' && __tsan_create_fiber;
    b->home_fiber = b->races ? __tsan_get_current_fiber() : nullptr;
    unsigned char *dynamic = module->dynamic();
    Storage storage = {(const void *)module->dynamic, nullptr, 0};
    dl_iterate_phdr(find_storage, &storage);
    current = b;
    const uint64_t blocks = (uint64_t)grid->grid[0] * grid->grid[1] * grid->grid[2];
    uint64_t step = mixed(seed) % blocks, at = mixed(seed + 1u) % blocks;
    while (common_divisor(step, blocks) != 1)
        ++step;
    for (uint64_t i = 0; i < blocks && !b->failed; ++i, at = (at + step) % blocks) {
        b->block = {(unsigned)(at % grid->grid[0]), (unsigned)(at / grid->grid[0] % grid->grid[1]),
                    (unsigned)(at / grid->grid[0] / grid->grid[1])};
        fill(&storage, dynamic, grid->shared);
        run_block(b, (unsigned)mixed(seed + 2u + (unsigned)i));
        if (!b->failed)
            check_guard(b, dynamic, grid->shared);
    }
    current = nullptr;
    return b->failed;
}

} // extern "C"
