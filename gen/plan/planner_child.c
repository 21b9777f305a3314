/* planner_child: the child's side of the planner. It runs the strategy in a sandbox and writes one
 * reply; it opens no file but those of the share folder, and ends by _exit so that nothing of the
 * parent's is flushed or torn down twice. */
#include "plan/planner_child.h"

#include "base/sandbox.h"
#include "plan/planner_options.h"
#include "plan/planner_price.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct Child {
    const PlannerJob *job;
    Sandbox sandbox;
    Diag diag;
    Arena arena;
    Buf plan;
    PlannerQuestion question;
    bool declined;
    Status status;
} Child;

/* --- memory ----------------------------------------------------------------------------------- */

/* The sandbox counts what Lua takes. What C takes for a strategy (its plan as text, plans to be priced) is limited by
 * the system, a little above. Sanitizers take address space by the terabyte: no limit under them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
enum { MARGIN = 48 << 20 };

static size_t address_limit; /* bytes; 0: none */

/* Bytes of address space; 0: not known. Allocates nothing. */
static size_t address_space(void) {
    char text[32] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) {
        close(file);
    }
    return count > 0 ? strtoull(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Instead of arena.c's end: exit() would write what the parent has in its buffers a second time. */
static void over_memory(size_t size) {
    if (address_limit && address_space() + size > address_limit) {
        _exit(PLANNER_OVER_MEMORY);
    }
    dprintf(STDERR_FILENO, "gen: out of memory (%zu bytes asked for)\n", size);
    _exit(STATUS_SOFTWARE);
}

static void limit_memory(size_t memory) {
    size_t used = SANITIZED ? 0 : address_space();
    if (used) {
        address_limit = used + memory + MARGIN;
        setrlimit(RLIMIT_AS, &(struct rlimit){address_limit, address_limit});
    }
    arena_on_exhausted(over_memory);
}

/* Die with the parent; write no file, no core. Time is the parent's to watch. */
static void limit_process(pid_t parent) {
    static const int none[] = {RLIMIT_CORE, RLIMIT_FSIZE};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        setrlimit((unsigned)none[i], &(struct rlimit){0, 0});
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    /* Questions about plans allocate alike, one after the other: what is freed is kept. */
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}

/* topology.slots: every GPU of the cluster, {node, gpu, kind}, kind being the entry of
 * topology.nodes. The topology's table is on top of the stack. */
static void push_slots(lua_State *lua, const Topology *topology) {
    int at = lua_gettop(lua);
    lua_newtable(lua);
    lua_getfield(lua, at, "nodes");
    lua_Integer slot = 0, node = 0;
    for (int64_t kind = 0; kind < topology->nodes.count; kind++) {
        for (int64_t i = 0; i < topology->nodes.items[kind].count; i++, node++) {
            for (int64_t gpu = 0; gpu < topology->nodes.items[kind].gpus; gpu++) {
                lua_createtable(lua, 0, 3);
                lua_pushinteger(lua, node);
                lua_setfield(lua, -2, "node");
                lua_pushinteger(lua, gpu);
                lua_setfield(lua, -2, "gpu");
                lua_rawgeti(lua, -2, kind + 1);
                lua_setfield(lua, -2, "kind");
                lua_rawseti(lua, -3, ++slot);
            }
        }
    }
    lua_pop(lua, 1);
    lua_setfield(lua, at, "slots");
}

static void push_inputs(lua_State *lua, const PlanInputs *inputs) {
    lua_createtable(lua, 0, 3);
    schema_push(lua, &model_schema, &inputs->model);
    lua_setfield(lua, -2, "model");
    schema_push(lua, &topology_schema, &inputs->topology);
    push_slots(lua, &inputs->topology);
    lua_setfield(lua, -2, "topology");
    schema_push(lua, &workload_schema, &inputs->workload);
    lua_setfield(lua, -2, "workload");
}

static const char plan_help[] = "return the table of a plan (lua/strategies/single.lua is a short "
                                "example), or nil and a reason";

/* plan(inputs, options, price) returned two values, on top of the stack. */
static Status take_result(Child *child) {
    lua_State *lua = child->sandbox.lua;
    if (lua_isnil(lua, -2)) {
        child->declined = true;
        const char *reason = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;
        return diag_error(&child->diag, diag_nowhere(), "E0460",
                          reason ? NULL : "end plan with return nil, \"the reason\"",
                          "strategy %s declines: %s", child->job->strategy,
                          reason ? reason : "it gives no reason");
    }
    if (!lua_istable(lua, -2)) {
        return diag_error(&child->diag, diag_nowhere(), "E0463", plan_help,
                          "strategy %s returned a %s, not a plan", child->job->strategy,
                          luaL_typename(lua, -2));
    }
    lua_pushnil(lua);
    if (lua_next(lua, -3) == 0) {
        return diag_error(&child->diag, diag_nowhere(), "E0463", plan_help,
                          "strategy %s returned an empty table, not a plan", child->job->strategy);
    }
    lua_pop(lua, 2);
    Status status = sandbox_to_json(lua, -2, &child->plan, &child->diag);
    for (int64_t i = 0; i < child->diag.count; i++) {
        child->diag.messages[i].code = "E0463";
    }
    return status;
}

/* Names of the options that the module at `module` declares, into what would be the plan. */
static Status take_names(Child *child, int module) {
    lua_State *lua = child->sandbox.lua;
    lua_pushliteral(lua, "options");
    if (lua_rawget(lua, module) != LUA_TTABLE)
        return STATUS_OK;
    for (lua_Integer i = 1; lua_rawgeti(lua, -1, i) == LUA_TTABLE; i++) {
        lua_pushliteral(lua, "name");
        if (lua_rawget(lua, -2) == LUA_TSTRING)
            buf_append(&child->plan, lua_tostring(lua, -1), strlen(lua_tostring(lua, -1)) + 1);
        lua_pop(lua, 2);
    }
    return STATUS_OK;
}

static Status run_strategy(Child *child) {
    const PlannerJob *job = child->job;
    lua_State *lua = child->sandbox.lua;
    TRY(job->text
            ? sandbox_run_text(&child->sandbox, job->file, job->text, job->length, &child->diag)
            : sandbox_run(&child->sandbox, job->file, &child->diag));
    int module = lua_gettop(lua);
    bool callable = false;
    if (lua_istable(lua, module)) {
        lua_pushliteral(lua, "plan");
        callable = lua_rawget(lua, module) == LUA_TFUNCTION;
    }
    if (!callable) {
        return diag_error(
            &child->diag, diag_nowhere(), "E0463",
            "end the file with return {name = ..., plan = function(inputs, options) ... end}",
            "%s returns no table with a function plan", job->file);
    }
    if (job->names_only)
        return take_names(child, module);
    push_inputs(lua, job->inputs);
    TRY(planner_options(&child->sandbox, module, job->strategy, job->options, &child->diag));
    planner_price_push(lua, &child->question);
    TRY(sandbox_call(&child->sandbox, 3, 2, &child->diag));
    return take_result(child);
}

/* Under lua_pcall, so that running out of memory between calls is caught too. */
static int protected_run(lua_State *lua) {
    Child *child = lua_touserdata(lua, 1);
    child->status = run_strategy(child);
    return 0;
}

static void run_sandboxed(Child *child) {
    child->status =
        sandbox_open(&child->sandbox, child->job->share, child->job->memory, &child->diag);
    if (child->status != STATUS_OK) {
        return;
    }
    lua_pushcfunction(child->sandbox.lua, protected_run);
    lua_pushlightuserdata(child->sandbox.lua, child);
    Status status = sandbox_call(&child->sandbox, 1, 0, &child->diag);
    child->status = status == STATUS_OK ? child->status : status;
}

static void put_field(Buf *out, const char *text) {
    buf_append(out, text ? text : "", strlen(text ? text : "") + 1);
}

static void put_messages(const Child *child, Buf *out) {
    buf_putc(out, child->declined                 ? PLANNER_DECLINED
                  : child->status == STATUS_USAGE ? PLANNER_MISUSED
                                                  : PLANNER_FAILED);
    for (int64_t i = 0; i < child->diag.count; i++) {
        const DiagMessage *message = &child->diag.messages[i];
        char line[32];
        snprintf(line, sizeof line, "%lld", (long long)message->place.line);
        put_field(out, message->code);
        put_field(out, message->place.source ? message->place.source->name : NULL);
        put_field(out, line);
        put_field(out, message->text);
        put_field(out, message->help);
    }
}

static bool write_all(int pipe, const char *data, size_t length) {
    while (length > 0) {
        ssize_t count = write(pipe, data, length);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        data += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

_Noreturn void planner_child(const PlannerJob *job, int pipe, pid_t parent) {
    Child child = {.job = job, .question = {.job = job}};
    Buf reply = {0};
    bool good;
    child.diag.arena = &child.arena;
    limit_process(parent);
    limit_memory(job->memory);
    run_sandboxed(&child);
    if (child.status == STATUS_OK) {
        buf_putc(&reply, job->names_only ? PLANNER_NAMES : PLANNER_PLAN);
    } else {
        put_messages(&child, &reply);
    }
    good = write_all(pipe, reply.data, reply.length);
    if (good && child.status == STATUS_OK) {
        good = write_all(pipe, child.plan.data, child.plan.length);
    }
    _exit(good ? 0 : 1);
}
