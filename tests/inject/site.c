/* site: finds the site of a call, counts it, and says whether it fails. One process has one State, static
 * because intercepted functions carry no context. Nothing here allocates. */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

enum { MODULES = 4 };

typedef struct Module {
    uintptr_t base, begin, end;
    char library[INJECT_NAME]; /* empty: the executable */
} Module;

typedef struct State {
    InjectTable *table; /* NULL: not asked for, or not yet */
    Module modules[MODULES];
    int count; /* of modules */
    char process[INJECT_NAME];
    pid_t pid;                /* of the process that was started; another: a fork of it */
    const InjectSite *chosen; /* NULL: count only */
    int64_t call;             /* of the chosen site, from 1 */
    bool ever;
    _Atomic int64_t met; /* calls of the chosen site so far */
    atomic_bool failing; /* for good, from now on */
} State;

static State state;

/* --- which modules are ours, and who we are ----------------------------------------------------------------- */

/* The executable, which comes first, and the libraries that allocate in our name. */
static int module_add(struct dl_phdr_info *info, size_t size, void *first) {
    const char *name = strrchr(info->dlpi_name, '/');
    name = name ? name + 1 : info->dlpi_name;
    bool ours =
        *(bool *)first || strncmp(name, "libyaml", 7) == 0 || strncmp(name, "libjansson", 10) == 0;
    if (!ours || state.count == MODULES)
        return 0;
    Module *module = &state.modules[state.count++];
    *module = (Module){.base = info->dlpi_addr, .begin = UINTPTR_MAX};
    if (!*(bool *)first)
        snprintf(module->library, sizeof module->library, "%s", name);
    *(bool *)first = false;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header->p_vaddr;
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        module->begin = begin < module->begin ? begin : module->begin;
        module->end = begin + header->p_memsz > module->end ? begin + header->p_memsz : module->end;
    }
    return 0;
}

static const Module *module_of(uintptr_t address) {
    for (int i = 0; i < state.count; ++i)
        if (address >= state.modules[i].begin && address < state.modules[i].end)
            return &state.modules[i];
    return NULL;
}

/* The base name of the executable, and the rank from its command line. */
static void name_process(void) {
    char line[4096] = "";
    ssize_t length = readlink("/proc/self/exe", line, sizeof line - 1);
    const char *slash = length > 0 ? strrchr(line, '/') : NULL;
    snprintf(state.process, sizeof state.process, "%.15s", slash ? slash + 1 : "?");
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    length = file >= 0 ? read(file, line, sizeof line - 1) : -1;
    if (file >= 0)
        close(file);
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(line + at) + 1)
        if (strncmp(line + at, "--rank=", 7) == 0)
            snprintf(state.process + strlen(state.process),
                     sizeof state.process - strlen(state.process), ":%.4s", line + at + 7);
}

static void choose(const char *text) {
    long site, call;
    char mode[8];
    if (sscanf(text, "%ld:%ld:%7s", &site, &call, mode) != 3 || site < 0 || site >= INJECT_SITES)
        abort();
    state.chosen = &state.table->sites[site];
    state.call = call;
    state.ever = strcmp(mode, "ever") == 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv(INJECT_TABLE_VARIABLE), *fail = getenv(INJECT_FAIL_VARIABLE);
    bool first = true;
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    name_process();
    if (strncmp(state.process, "gen", 3) != 0 && strncmp(state.process, "program", 7) != 0) {
        close(file); /* a tool that gen started */
        return;
    }
    dl_iterate_phdr(module_add, &first);
    state.pid = getpid();
    void *table = mmap(NULL, sizeof(InjectTable), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (table == MAP_FAILED)
        abort();
    state.table = table;
    if (fail)
        choose(fail);
}

/* --- the site of a call ------------------------------------------------------------------------------------- */

typedef struct Walk {
    InjectSite *site;
    const void *caller;
    int count; /* frames taken; -1: still inside this library */
} Walk;

static _Unwind_Reason_Code walk_frame(struct _Unwind_Context *context, void *data) {
    Walk *walk = data;
    uintptr_t address = _Unwind_GetIP(context);
    if (walk->count < 0 && address != (uintptr_t)walk->caller)
        return _URC_NO_REASON;
    const Module *module = module_of(address);
    if (walk->count < 0)
        walk->count = 0;
    if (module) /* callers inside other libraries are left out */
        walk->site->frames[walk->count++] = address - module->base;
    return walk->count == INJECT_FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static bool same(const InjectSite *a, const InjectSite *b) {
    return strcmp(a->function, b->function) == 0 && strcmp(a->process, b->process) == 0 &&
           strcmp(a->library, b->library) == 0 &&
           memcmp(a->frames, b->frames, sizeof a->frames) == 0;
}

/* The same site in the table, added if it is new. */
static InjectSite *find(const InjectSite *site) {
    InjectTable *table = state.table;
    int32_t i = 0;
    for (; i < atomic_load(&table->count); ++i)
        if (same(&table->sites[i], site))
            return &table->sites[i];
    while (atomic_exchange(&table->lock, 1))
        continue;
    for (; i < atomic_load(&table->count); ++i)
        if (same(&table->sites[i], site))
            break;
    InjectSite *found = i < INJECT_SITES ? &table->sites[i] : NULL;
    if (found && i == atomic_load(&table->count)) {
        *found = *site;
        atomic_store(&table->count, i + 1);
    }
    atomic_store(&table->lock, 0);
    if (!found)
        abort();
    return found;
}

static bool decide(InjectClass class, const InjectSite *site) {
    if (!state.chosen) {
        atomic_fetch_add(&find(site)->calls, 1);
        return false;
    }
    bool fails = atomic_load(&state.failing) && (int32_t) class == state.chosen->class;
    if (!fails && same(site, state.chosen) && atomic_fetch_add(&state.met, 1) + 1 == state.call) {
        fails = true;
        atomic_store(&state.failing, state.ever);
    }
    if (fails)
        atomic_fetch_add(&state.table->fired, 1);
    return fails;
}

bool site_fails(InjectClass class, const char *function, const void *caller) {
    const Module *module = state.table ? module_of((uintptr_t)caller) : NULL;
    if (!module)
        return false;
    int error = errno;
    InjectSite site = {.class = (int32_t) class};
    Walk walk = {.site = &site, .caller = caller, .count = -1};
    snprintf(site.function, sizeof site.function, "%s", function);
    snprintf(site.library, sizeof site.library, "%s", module->library);
    snprintf(site.process, sizeof site.process, "%.17s%s", state.process,
             getpid() == state.pid ? "" : "/fork");
    _Unwind_Backtrace(walk_frame, &walk);
    bool fails = decide(class, &site);
    errno = error;
    return fails;
}

bool site_for_good(void) {
    return state.ever;
}
