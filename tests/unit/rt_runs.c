/* rt_runs: see rt_runs.h. */
#include "rt_runs.h"
#include "free_port.h"

#include "core/array_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const int32_t runs_lengths[SEQUENCES] = {4, 1, 3, 2}, runs_max_new[] = {MAX_NEW};
const int32_t runs_ids[SEQUENCES][4] = {{5, 6, 7, 8}, {9, 0, 0, 0}, {1, 2, 96, 0}, {3, 4, 0, 0}};
char runs_dir[64];

const char *runs_path(const char *name) {
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", runs_dir, name);
    return path;
}

int runs_call_program(const rt_program *of, const char *line) {
    char text[1024], *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "moves %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    fflush(NULL);
    int saved[2] = {dup(1), dup(2)};
    for (int i = 0; i < 2; ++i) {
        int fd = open(runs_path(i ? "stderr" : "stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(fd, 1 + i);
        close(fd);
    }
    int status = rt_main(of, argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; ++i) {
        dup2(saved[i], 1 + i);
        close(saved[i]);
    }
    return status;
}

int runs_status[WORLD];

/* In a process of its own: this binary again, which is the program when it has arguments (RUNS_MAIN). */
static void seat_exec(const char *line, int rank, int port) {
    char text[1024], *argv[32], name[32], number[16];
    int argc = 0;
    snprintf(text, sizeof text, "moves %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    for (int i = 0; i < 2; ++i) {
        snprintf(name, sizeof name, rank ? "%s.%d" : "%s", i ? "stderr" : "stdout", rank);
        int fd = open(runs_path(name), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(fd, 1 + i);
    }
    snprintf(number, sizeof number, "%d", rank);
    setenv("RANK", number, 1);
    setenv("LOCAL_RANK", number, 1);
    snprintf(number, sizeof number, "%d", WORLD);
    setenv("WORLD_SIZE", number, 1);
    setenv("LOCAL_WORLD_SIZE", number, 1);
    snprintf(number, sizeof number, "%d", port);
    setenv("MASTER_ADDR", "localhost", 1);
    setenv("MASTER_PORT", number, 1);
    setenv("RT_CUDA_GRAPHS", "0", 1); /* steps look at what arrived */
    execv("/proc/self/exe", argv);
    _exit(127);
}

static int runs_seats(const char *line) {
    int port = free_port();
    pid_t pids[WORLD];
    fflush(NULL);
    for (int r = 0; r < WORLD; ++r) {
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] == 0)
            seat_exec(line, r, port);
    }
    for (int r = 0; r < WORLD; ++r) {
        int status;
        assert_int_equal(waitpid(pids[r], &status, 0), pids[r]);
        runs_status[r] = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return runs_status[0];
}

int runs_call(const char *line) {
    if (strstr(line, "--transport nccl"))
        return runs_seats(line);
    return runs_call_program(&moves_program, line);
}

const char *runs_content(const char *name) {
    static char text[1 << 16];
    FILE *file = fopen(runs_path(name), "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

void runs_assert_contains(const char *name, const char *part) {
    const char *text = runs_content(name);
    if (!strstr(text, part))
        fail_msg("%s does not hold \"%s\" but:\n%s", name, part, text);
}

const char *runs_line(void **state, const char *more) {
    static char line[1024];
    snprintf(line, sizeof line, "run --tokens %s --out %s/out --transport %s %s",
             runs_path("tokens.rta"), runs_dir, (const char *)*state, more);
    return line;
}

int runs_setup(void **state) {
    (void)state;
    snprintf(runs_dir, sizeof runs_dir, "/tmp/test_rt_run.XXXXXX");
    assert_non_null(mkdtemp(runs_dir));
    rt_error error = {0};
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, runs_lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, runs_ids},
                               {"max_new", RT_I32, 1, {1}, runs_max_new}};
    return rt_arrays_write(runs_path("tokens.rta"), moves_program.digest, arrays, 3, &error);
}

int runs_teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", runs_dir);
    return system(command);
}

int32_t runs_token(int s, int t) {
    int32_t id = runs_ids[s][runs_lengths[s] - 1], position = runs_lengths[s] - 1;
    for (int i = 0; i < t; ++i) {
        id = moves_next(id, position);
        position++;
    }
    return moves_next(id, position);
}

void runs_records(Arena *arena, const char *prefix, Record records[WORLD]) {
    Diag diag = {.arena = arena};
    for (int r = 0; r < WORLD; ++r) {
        char name[32];
        snprintf(name, sizeof name, "%s.%d", prefix, r);
        if (record_read(arena, arena_strdup(arena, runs_path(name)), &records[r], &diag) != 0)
            fail_msg("%s: %s", name, diag.messages[0].text);
        assert_int_equal(records[r].rank, r);
        assert_int_equal(records[r].world, WORLD);
        assert_int_equal(records[r].ops.count, OPS);
        assert_string_equal(records[r].digest, moves_program.digest);
        assert_true(records[r].run == records[0].run);
    }
}
