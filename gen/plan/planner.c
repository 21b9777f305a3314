/* planner: the parent's side. It forks, waits with two clocks at hand, kills, and reads what came
 * through the pipe as hostile data. The child's side is planner_child.c. */
#include "plan/planner.h"

#include "base/fs.h"
#include "base/sandbox.h"
#include "plan/plan_digest.h"
#include "plan/planner_child.h"
#include "plan/planner_decisions.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 1 << 20,             /* bytes of a user's strategy */
    REPLY_LIMIT = (64 << 20) + 65536, /* bytes of a reply: a plan, or messages */
    PATIENCE = 6,                     /* times its processor time a planner may wait */
    BUSY = 50,                        /* seconds for one of processor time that are no waiting */
};

/* --- what was asked for ----------------------------------------------------------------------- */

/* Length of the strategy's name or path before ":key=value". A path may hold colons; it ends in
 * .lua. */
static size_t strategy_length(const char *text) {
    for (const char *p = strstr(text, ".lua"); p; p = strstr(p + 1, ".lua")) {
        if (p[4] == '\0' || p[4] == ':') {
            return (size_t)(p + 4 - text);
        }
    }
    return strcspn(text, ":");
}

static Status unknown_strategy(Arena *arena, const char *name, Diag *diag) {
    const char *const *files = sandbox_list(arena, "lua/strategies/");
    Buf help = {0};
    buf_puts(&help, "strategies are");
    for (const char *const *file = files; *file; file++) {
        const char *base = strrchr(*file, '/') + 1;
        buf_printf(&help, "%s %.*s", file > files ? "," : "", (int)(strlen(base) - strlen(".lua")),
                   base);
    }
    buf_puts(&help, "; or give a path that ends in .lua");
    diag_error(diag, diag_nowhere(), "E0464", help.data, "there is no strategy '%s'", name);
    buf_free(&help);
    return STATUS_USAGE;
}

static bool strategy_exists(Arena *arena, const PlannerRequest *request, const char *file) {
    for (const char *const *name = sandbox_list(arena, "lua/strategies/"); *name; name++) {
        if (strcmp(*name, file) == 0) {
            return true;
        }
    }
    return request->share && fs_exists(fs_join(arena, request->share, file));
}

/* Split the request; read a user's file before the fork, so that the child opens nothing of the
 * user's. */
static Status resolve(Arena *arena, const PlannerRequest *request, PlannerJob *job, Diag *diag) {
    size_t length = strategy_length(request->strategy);
    const char *rest = request->strategy + length;
    job->strategy = arena_strndup(arena, request->strategy, length);
    job->options = *rest == ':' && rest[1] ? rest + 1 : NULL;
    job->share = request->share;
    job->memory = request->memory ? request->memory : (size_t)512 << 20;
    job->price = request->price;
    job->context = request->context;
    bool is_path = strchr(job->strategy, '/') ||
                   (length > 4 && strcmp(job->strategy + length - 4, ".lua") == 0);
    if (is_path) {
        char *text;
        job->file = job->strategy;
        TRY(fs_read(arena, job->file, FILE_LIMIT, &text, &job->length, diag));
        job->text = text;
        return STATUS_OK;
    }
    bool plain = *job->strategy && strspn(job->strategy, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
                                       strlen(job->strategy);
    job->file = arena_printf(arena, "lua/strategies/%s.lua", job->strategy);
    return plain && strategy_exists(arena, request, job->file)
               ? STATUS_OK
               : unknown_strategy(arena, job->strategy, diag);
}

/* --- the child's life ------------------------------------------------------------------------- */

typedef enum Ending {
    ENDING_WHOLE,
    ENDING_WORKED, /* it used up its processor time */
    ENDING_IDLED,  /* it did not, but seconds passed */
    ENDING_TOO_LONG,
    ENDING_BROKEN /* errno says why */
} Ending;

static double now(clockid_t clock) {
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Read until end of file, or until a limit is passed. Honest work on a busy machine takes long but uses what it always
 * uses, so the limit is of the child's processor time. Another is of the time that it waits: what passes beyond that in
 * which a machine with 50 others at work would have let it work as long. */
static Ending read_reply(int pipe, pid_t child, double seconds, Buf *reply) {
    char part[65536];
    double deadline = now(CLOCK_MONOTONIC) + PATIENCE * seconds;
    clockid_t work;
    errno = clock_getcpuclockid(child, &work);
    if (errno) {
        return ENDING_BROKEN;
    }
    for (;;) {
        double worked = now(work), left = seconds - worked;
        double idle = deadline + BUSY * worked - now(CLOCK_MONOTONIC);
        if (left <= 0 || idle <= 0) {
            return left <= 0 ? ENDING_WORKED : ENDING_IDLED;
        }
        struct pollfd wait = {.fd = pipe, .events = POLLIN};
        int ready = poll(&wait, 1, (int)((left < idle ? left : idle) * 1000) + 1);
        ssize_t count = ready > 0 ? read(pipe, part, sizeof part) : ready;
        if (ready == 0 || (count < 0 && errno == EINTR)) {
            continue;
        }
        if (count <= 0) {
            return count == 0 ? ENDING_WHOLE : ENDING_BROKEN;
        }
        buf_append(reply, part, (size_t)count);
        if (reply->length > REPLY_LIMIT) {
            return ENDING_TOO_LONG;
        }
    }
}

/* The system refuses what it takes to ask a strategy. */
static Status cannot_ask(const PlannerJob *job, const char *what, int error, Diag *diag) {
    diag_error(diag, diag_nowhere(), "E0450", NULL, "strategy %s: %s: %s", job->strategy, what,
               strerror(error));
    return STATUS_UNAVAILABLE;
}

/* Run the child to its end; `*reply` is what it wrote. */
static Status run_child(const PlannerJob *job, double seconds, Buf *reply, Diag *diag) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return cannot_ask(job, "no pipe for the planner", errno, diag);
    }
    fflush(NULL); /* a sanitizer flushes at its end, and the child may write no file */
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        close(ends[0]);
        planner_child(job, ends[1], parent);
    }
    int started = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return cannot_ask(job, "no process for the planner", started, diag);
    }
    Ending ending = read_reply(ends[0], child, seconds, reply);
    int error = ending == ENDING_BROKEN ? errno : 0;
    close(ends[0]);
    if (ending != ENDING_WHOLE) {
        kill(child, SIGKILL);
    }
    int state = 0;
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    if (ending == ENDING_WORKED) {
        return diag_error(diag, diag_nowhere(), "E0461", "look for a loop that does not end",
                          "strategy %s took more than %g s of processor time", job->strategy,
                          seconds);
    }
    if (ending == ENDING_IDLED) {
        return diag_error(diag, diag_nowhere(), "E0461", "does it wait for a file under --share?",
                          "strategy %s waited for more than %g s", job->strategy,
                          PATIENCE * seconds);
    }
    if (error) {
        return cannot_ask(job, "the planner's answer cannot be read", error, diag);
    }
    if (ending == ENDING_WHOLE && WIFEXITED(state) && WEXITSTATUS(state) == PLANNER_OVER_MEMORY) {
        return diag_error(diag, diag_nowhere(), "E0462",
                          "look for a plan of too many parts, given back or to price()",
                          "strategy %s and its plans need more than the %zu MiB they may use",
                          job->strategy, job->memory >> 20);
    }
    if (ending != ENDING_WHOLE || !WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        diag_error(diag, diag_nowhere(), "E0450",
                   "was there memory enough? the planner's process is a copy of gen's",
                   "strategy %s: the planner's process ended without an answer", job->strategy);
        return STATUS_SOFTWARE;
    }
    return STATUS_OK;
}

/* --- its answer ------------------------------------------------------------------------------- */

/* Messages of the child, each as code, file, line, text, help, NUL-terminated. */
static Status replay_messages(Arena *arena, const PlannerJob *job, const Buf *reply, Diag *diag) {
    const char *at = reply->data + 1, *end = reply->data + reply->length;
    char kind = reply->data[0];
    while (at < end) {
        const char *fields[5];
        for (int i = 0; i < 5; i++) {
            fields[i] = at < end ? arena_strdup(arena, at) : "";
            at += at < end ? strlen(at) + 1 : 0;
        }
        DiagPlace place = diag_nowhere();
        if (fields[1][0]) {
            DiagSource *source = ARENA_NEW(arena, DiagSource);
            source->name = fields[1];
            source->text = job->text && strcmp(job->file, fields[1]) == 0 ? job->text : NULL;
            place = (DiagPlace){.source = source, .line = strtoll(fields[2], NULL, 10)};
        }
        diag_error(diag, place, fields[0], fields[4][0] ? fields[4] : NULL, "%s", fields[3]);
    }
    return kind == PLANNER_DECLINED  ? STATUS_NEGATIVE
           : kind == PLANNER_MISUSED ? STATUS_USAGE
                                     : STATUS_DATA;
}

/* With its options; of a path the file's name alone, so that plans do not depend on where it
 * lies. */
static const char *strategy_as_asked(Arena *arena, const PlannerJob *job) {
    const char *slash = strrchr(job->strategy, '/');
    return arena_printf(arena, "%s%s%s", slash ? slash + 1 : job->strategy, job->options ? ":" : "",
                        job->options ? job->options : "");
}

/* The reply's JSON as decisions; all that is wrong with it is one kind of mistake: the
 * strategy's. */
static Status read_decisions(Arena *arena, const PlannerJob *job, const Buf *reply, Plan *plan,
                             Diag *diag) {
    Diag inner = {.arena = arena};
    YamlNode *root;
    const char *program = plan->name;
    Status status = planner_decisions(arena, job->strategy, reply->data + 1, reply->length - 1,
                                      plan, &root, &inner);
    plan->name = plan->name && plan->name[0] && !program ? plan->name : program;
    plan->strategy = strategy_as_asked(arena, job);
    if (status == STATUS_OK) {
        if (!plan->name) {
            plan->name = planner_program_name(arena, plan->inputs.model.name, job->strategy);
        }
        plan_digest_inputs(arena, &plan->inputs);
        status = plan_validate(plan, root, &inner);
    }
    for (int64_t i = 0; i < inner.count; i++) {
        const DiagMessage *message = &inner.messages[i];
        diag_error(diag, message->place, "E0463", message->help, "strategy %s: %s", job->strategy,
                   message->text);
    }
    return status;
}

const char *planner_program_name(Arena *arena, const char *model, const char *strategy) {
    const char *slash = strrchr(strategy, '/');
    char *name = arena_printf(arena, "%s-%s", model, slash ? slash + 1 : strategy);
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".lua") == 0) {
        name[length - 4] = '\0';
    }
    for (char *p = name; *p; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9')) {
            *p = '-';
        }
    }
    name += strspn(name, "-"); /* a name that began so would be taken for an option */
    return arena_strndup(arena, name, strnlen(name, 100));
}

Status planner_run(Arena *arena, const PlannerRequest *request, Plan *plan, Diag *diag) {
    Buf reply = {0};
    PlannerJob job = {.inputs = &plan->inputs};
    Status status = STATUS_OK;
    plan->name = request->name;
    TRY_TO(resolve(arena, request, &job, diag), done);
    TRY_TO(run_child(&job, request->seconds > 0 ? request->seconds : 10.0, &reply, diag), done);
    if (reply.length == 0) {
        diag_error(diag, diag_nowhere(), "E0450", NULL, "strategy %s gave no answer", job.strategy);
        status = STATUS_SOFTWARE;
    } else if (reply.data[0] != PLANNER_PLAN) {
        status = replay_messages(arena, &job, &reply, diag);
    } else {
        status = read_decisions(arena, &job, &reply, plan, diag);
    }
done:
    buf_free(&reply);
    return status;
}

Status planner_option_names(Arena *arena, const PlannerRequest *request, TextList *names,
                            Diag *diag) {
    Buf reply = {0};
    PlanInputs nothing = {0};
    PlannerJob job = {.inputs = &nothing, .names_only = true};
    Status status = STATUS_OK;
    TRY_TO(resolve(arena, request, &job, diag), done);
    TRY_TO(run_child(&job, request->seconds > 0 ? request->seconds : 10.0, &reply, diag), done);
    if (reply.length == 0 || reply.data[0] != PLANNER_NAMES) {
        status = reply.length ? replay_messages(arena, &job, &reply, diag) : STATUS_SOFTWARE;
        goto done;
    }
    for (const char *at = reply.data + 1; at < reply.data + reply.length; at += strlen(at) + 1)
        *(const char **)LIST_PUSH(arena, names) = arena_strdup(arena, at);
done:
    buf_free(&reply);
    return status;
}
