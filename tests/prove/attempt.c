/* attempt: see attempt.h. */
#include "attempt.h"

#include "build.h"

#include "base/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Choices attempt_choices(Arena *arena, const Task *task) {
    return task->choices ? choices_replay(arena, task->choices->items, task->choices->count)
                         : choices_fresh(arena, task->seed, task->number, task->runs ? ALIKE : 1);
}

/* What was drawn, without the zeros at its end: they are drawn anyway. */
static void keep_drawn(const Choices *choices, Arena *arena, ChoiceList *drawn) {
    int64_t count = least_of(choices->next, choices->list.count);
    while (count > 0 && choices->list.items[count - 1] == 0)
        --count;
    *drawn = (ChoiceList){0};
    for (int64_t i = 0; i < count; ++i)
        *(int64_t *)LIST_PUSH(arena, drawn) = choices->list.items[i];
}

void attempt(const Task *task, Attempt *result, Arena *arena, ChoiceList *drawn) {
    Arena own = {0};
    Diag diag = {.arena = &own};
    Choices choices = attempt_choices(&own, task);
    RandomCase made = {.arena = &own, .choices = &choices, .diag = &diag, .small = task->runs};
    Schedule schedule;
    *result = (Attempt){0};
    property_check(&made, task->plant, &schedule, &result->verdict);
    if (task->runs && result->verdict.outcome == OUTCOME_PROVED) {
        Twin *twin = task->twin ? task->twin : twin_open(task->folder);
        program_check(twin, &made, &schedule, &result->verdict, &result->counts);
        if (!task->twin)
            twin_close(twin);
    }
    if (drawn)
        keep_drawn(&choices, arena, drawn);
    arena_free(&own);
}

void attempt_end(int status, Verdict *verdict) {
    char kind[40];
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(kind, sizeof kind, "hang");
    else if (WIFSIGNALED(status))
        snprintf(kind, sizeof kind, "signal %d", WTERMSIG(status));
    else
        snprintf(kind, sizeof kind, "exit %d", WEXITSTATUS(status));
    verdict_fail(verdict, kind, "the process ended so: %s", kind);
}

/* --- in a process of its own ------------------------------------------------------------------ */

static bool write_all(int file, const void *data, size_t size) {
    for (const char *p = data; size > 0;) {
        ssize_t done = write(file, p, size);
        if (done <= 0)
            return false;
        p += done;
        size -= (size_t)done;
    }
    return true;
}

static bool read_all(int file, void *data, size_t size) {
    for (char *p = data; size > 0;) {
        ssize_t done = read(file, p, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        size -= (size_t)done;
    }
    return true;
}

_Noreturn static void guarded_child(const Task *task, int out) {
    Attempt result;
    Arena arena = {0};
    ChoiceList drawn = {0};
    setpgid(0, 0);
    alarm(task->seconds);
    attempt(task, &result, &arena, &drawn);
    bool sent = write_all(out, &result, sizeof result) &&
                write_all(out, &drawn.count, sizeof drawn.count) &&
                write_all(out, drawn.items, (size_t)drawn.count * sizeof *drawn.items);
    _exit(sent ? 0 : 71);
}

void attempt_guarded(const Task *task, Attempt *result, Arena *arena, ChoiceList *drawn) {
    int ends[2], status = 0;
    ChoiceList got = {0};
    *result = (Attempt){0};
    fflush(NULL);
    if (pipe(ends) != 0) {
        verdict_fail(&result->verdict, "pipe", "there is no pipe");
        return;
    }
    pid_t child = fork();
    if (child == 0)
        guarded_child(task, ends[1]);
    close(ends[1]);
    bool whole = child > 0 && read_all(ends[0], result, sizeof *result) &&
                 read_all(ends[0], &got.count, sizeof got.count);
    if (whole) {
        got.items = ARENA_ARRAY(arena, got.count + 1, int64_t);
        whole = read_all(ends[0], got.items, (size_t)got.count * sizeof *got.items);
    }
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    kill(-child, SIGKILL); /* what it started */
    if (!whole) {
        *result = (Attempt){0};
        attempt_end(status, &result->verdict);
        if (task->runs)
            build_remove(task->folder);
    } else if (drawn) {
        *drawn = got;
    }
}

/* --- a report --------------------------------------------------------------------------------- */

static void write_file(Arena *arena, const char *folder, const char *name, const char *data,
                       size_t length) {
    FILE *file = fopen(fs_join(arena, folder, name), "w");
    if (!file || fwrite(data, 1, length, file) != length)
        fprintf(stderr, "prove: %s/%s cannot be written\n", folder, name);
    if (file)
        fclose(file);
}

static void write_input(Arena *arena, const char *folder, const char *name, const Schema *schema,
                        const void *input) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    schema_write(schema, input, &json);
    jsonw_finish(&json);
    write_file(arena, folder, name, text.data, text.length);
    buf_free(&text);
}

static void write_message(Arena *arena, const Task *task, const Verdict *failed,
                          const char *folder) {
    Buf text = {0};
    buf_printf(&text, "%s\n%s\n\nseed %llu, case %llu%s\n", failed->kind, failed->message,
               (unsigned long long)task->seed, (unsigned long long)task->number,
               task->runs ? ", run" : "");
    buf_printf(&text, "again:  prove %s %s/choices.txt\n",
               task->runs ? "--run-choices" : "--choices", folder);
    buf_printf(&text, "by gen: gen check %s/plan.json\n", folder);
    if (task->runs)
        buf_printf(&text, "        gen emit %s/plan.json -o program; gen verify program\n", folder);
    write_file(arena, folder, "message.txt", text.data, text.length);
    buf_free(&text);
}

void attempt_report(const Task *task, const Verdict *failed, const char *folder) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Choices choices = attempt_choices(&arena, task);
    RandomCase made = {.arena = &arena, .choices = &choices, .diag = &diag, .small = task->runs};
    Buf text = {0};
    mkdir(folder, 0755);
    write_message(&arena, task, failed, folder);
    bool whole = random_case_draw(&made) == STATUS_OK;
    for (int64_t i = 0; i < choices.list.count; ++i)
        buf_printf(&text, "%lld\n", (long long)choices.list.items[i]);
    write_file(&arena, folder, "choices.txt", text.length ? text.data : "", text.length);
    buf_clear(&text);
    write_input(&arena, folder, "model.yaml", &model_schema, &made.plan.inputs.model);
    write_input(&arena, folder, "topology.yaml", &topology_schema, &made.plan.inputs.topology);
    write_input(&arena, folder, "workload.yaml", &workload_schema, &made.plan.inputs.workload);
    if (whole) {
        plan_write(&made.plan, &text);
        write_file(&arena, folder, "plan.json", text.data, text.length);
    }
    buf_free(&text);
    arena_free(&arena);
}
