/* Emulated runs of a program of 4 ranks written by hand, as processes and as threads: times are those that its
 * operations, waits and moves imply; where it is edited they are others, or it fails by name. This binary is
 * launcher and rank at once: called with a verb, it is the program; RT_TEST_EDIT says what is edited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/array_file.h"
#include "core/emulate.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORLD = 4, LAYERS = 3, RUNS = 3 };

/* --- the program ---------------------------------------------------------------------------------------- */

enum { BEFORE, SUM, BESIDE, AFTER, OUT, IN, DISPATCH, EXPERT, COMBINE, OPS };

/* In a layer of the first step the sum goes on beside an operation that does not need it. */
static rt_op ops[OPS] = {
    [BEFORE] = {"before", "test", 0, 0, 0, true, {-1}, "test"},
    [SUM] = {"all_reduce", "test", 1, 0, 1, true, {BEFORE, -1}, "test"},
    [BESIDE] = {"beside", "test", 0, 0, 0, false, {-1}, "test"},
    [AFTER] = {"after", "test", 0, 0, 0, false, {SUM, -1}, "test"},
    [OUT] = {"send", "test", 2, 0, 2, false, {-1}, "test"},
    [IN] = {"recv", "test", 3, 0, 2, false, {-1}, "test"},
    [DISPATCH] = {"dispatch", "test", 4, 0, 1, true, {-1}, "test"},
    [EXPERT] = {"expert", "test", 0, 0, 0, true, {DISPATCH, -1}, "test"},
    [COMBINE] = {"combine", "test", 5, 0, 1, false, {EXPERT, -1}, "test"},
};
static const char *const kinds[] = {"kernel", "all_reduce", "send", "recv", "dispatch", "combine"};

static const int32_t all_ranks[] = {0, 1, 2, 3}, low_ranks[] = {0, 1}, high_ranks[] = {2, 3};
static const int32_t own_all[] = {0, 1, 0, 1, 0, 1, 0, 1};
static const rt_channel channels[] = {
    {"world", 4, all_ranks, 1, own_all, 0, NULL},
    {"low", 2, low_ranks, 0, NULL, 0, NULL},
    {"high", 2, high_ranks, 0, NULL, 0, NULL},
};
static const rt_end sources[] = {{0, 3}, {1, 5}}, targets[] = {{1, 3}, {3, 1}};
static const rt_exchange exchanges[] = {
    {"x", 2, 2, sources, targets, 2, false, 0, 1, 12, 8, 0, 0, NULL, NULL}};

static bool edited(const char *how) {
    const char *edit = getenv("RT_TEST_EDIT");
    return edit && strcmp(edit, how) == 0;
}

static rt_status sum(rt_rank *rank, int layer) {
    bool other = edited("layer") && rank->id == 2;
    return rt_all_reduce(rank, SUM, other ? layer + 1 : layer, 0,
                         &(rt_collective){0, 10, 8, RT_F32});
}

static rt_status layers(rt_rank *rank) {
    if (edited("killed") && rank->id == 2)
        raise(SIGKILL);
    if (edited("stopped") && rank->id == 2)
        raise(SIGSTOP);
    if (edited("failed") && rank->id == 2)
        return rt_fail(rank, RT_DATA, "as %s", "asked");
    for (int layer = 0; layer < LAYERS; ++layer) {
        RT_TRY(rt_launch(rank, BEFORE, layer, 0, NULL));
        if (!edited("missing") || rank->id != 2 || layer + 1 < LAYERS)
            RT_TRY(sum(rank, layer));
        RT_TRY(rt_launch(rank, BESIDE, layer, 0, NULL));
        RT_TRY(rt_launch(rank, AFTER, layer, 0, NULL));
        if (edited("late") && rank->id == 3)
            RT_TRY(rt_launch(rank, BESIDE, layer, 0, NULL));
    }
    return RT_OK;
}

static rt_status pair(rt_rank *rank) {
    bool sends = rank->id % 2 == 0;
    rt_pair_args args = {0, 100};
    if (edited("both"))
        sends = true;
    return sends ? rt_send(rank, OUT, 0, 1 + rank->id / 2, &args)
                 : rt_recv(rank, IN, 0, 1 + rank->id / 2, &args);
}

static rt_status exchange(rt_rank *rank) {
    if (rank->id == 2)
        return RT_OK;
    RT_TRY(rt_dispatch(rank, DISPATCH, 0, -1, 0, &(rt_dispatch_args){0}));
    RT_TRY(rt_launch(rank, EXPERT, 0, 0, NULL));
    return rt_combine(rank, COMBINE, 0, -1, 0, &(rt_combine_args){0});
}

/* Who is in both waits for the other: the second step, with a rank's order turned round. */
static rt_status moves(rt_rank *rank) {
    bool turned = edited("turned") && rank->id == 1;
    RT_TRY(turned ? exchange(rank) : pair(rank));
    return turned ? pair(rank) : exchange(rank);
}

static rt_status kernel(rt_rank *rank, const void *args) {
    (void)args;
    return rt_fail(rank, RT_SOFTWARE, "a kernel was executed");
}
static const rt_kernel_fn kernels[] = {kernel};

static const rt_role roles[] = {{"worker", INT64_C(1) << 50, 0, 0, ops, OPS}};
static const rt_place places[WORLD] = {
    {0, 0, 0, 0, NULL, 0}, {0, 1, 0, 1, NULL, 0}, {0, 2, 0, 2, NULL, 0}, {0, 3, 0, 3, NULL, 0}};
static const rt_step_fn run_layers[] = {layers}, run_moves[] = {moves};
static const rt_step steps[] = {{"layers", false, false, 1, run_layers},
                                {"moves", true, false, 1, run_moves}};

static const rt_program program = {
    .abi = RT_ABI_VERSION,
    .name = "emulated",
    .version = "test",
    .digest = "0123456789abcdef",
    .schedule = "123456789abcdef0",
    .certificate = "23456789abcdef01",
    .world = WORLD,
    .roles = 1,
    .steps = 2,
    .channels = 3,
    .exchanges = 1,
    .kinds = 6,
    .kernels = 1,
    .places = places,
    .role = roles,
    .step = steps,
    .channel = channels,
    .exchange = exchanges,
    .kind = kinds,
    .kernel = kernels,
    .batch = 1,
    .prompt = 1,
    .context = 1,
    .vocabulary = 1,
    .copies = 1,
    .type = RT_F32,
};

static void edit_tables(void) {
    if (edited("serial"))
        ops[SUM].stream = 0;
    if (edited("no event")) /* nothing waits for what was not recorded */
        ops[SUM].records = false;
    if (edited("no wait"))
        ops[AFTER].waits[0] = -1;
    for (int op = OUT; edited("turned") && op < OPS; ++op)
        ops[op].stream = 0;
}

/* --- its figures ----------------------------------------------------------------------------------------- */

/* Milliseconds. Of the first step's layer: before 2, then the sum takes .5 + 1 and `beside` 1, after 1: 4.5.
 * Second step: two pairs that together want 1.5 of one resource take .2 + 1.5; dispatch .5 + 1 over a resource of
 * its own, expert 2, combine .5 and no bytes. */
static const double op_ms[OPS] = {[BEFORE] = 2, [BESIDE] = 1, [AFTER] = 1, [EXPERT] = 2};
enum { MOVE_SUM, MOVE_PAIR, MOVE_DISPATCH, MOVE_COMBINE, MOVES };
static const double fixed_ms[MOVES] = {.5, .2, .5, .5}, move_ms[MOVES] = {1, 1, 1, 0};
static const int32_t move_first[MOVES + 1] = {0, 1, 2, 3, 3}, use_resource[] = {0, 0, 1};
static const double use_share[] = {1, .75, 1};
static const int32_t op_move[OPS] = {-1,        MOVE_SUM,      -1, -1,          MOVE_PAIR,
                                     MOVE_PAIR, MOVE_DISPATCH, -1, MOVE_COMBINE};

static char dir[64];

static const char *path_of(const char *name) {
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void figures_write(double scale, int32_t odd_move) {
    rt_error error = {0};
    double op_s[WORLD * OPS], fixed_s[MOVES], move_s[MOVES];
    int32_t moves_of[WORLD * OPS];
    int64_t op_first[WORLD + 1] = {0};
    const int64_t resources = 2;
    for (int i = 0; i < WORLD * OPS; ++i) {
        op_s[i] = op_ms[i % OPS] * 1e-3;
        moves_of[i] = op_move[i % OPS];
        op_first[i / OPS + 1] = i + 1;
    }
    if (odd_move >= 0)
        moves_of[2 * OPS + SUM] = odd_move;
    for (int i = 0; i < MOVES; ++i) {
        fixed_s[i] = fixed_ms[i] * 1e-3;
        move_s[i] = move_ms[i] * 1e-3;
    }
    const double scales[] = {scale, scale};
    const rt_array arrays[] = {{"scale", RT_F64, 1, {2}, scales},
                               {"op_first", RT_I64, 1, {WORLD + 1}, op_first},
                               {"op_s", RT_F64, 1, {WORLD * OPS}, op_s},
                               {"op_move", RT_I32, 1, {WORLD * OPS}, moves_of},
                               {"fixed_s", RT_F64, 1, {MOVES}, fixed_s},
                               {"move_s", RT_F64, 1, {MOVES}, move_s},
                               {"move_first", RT_I32, 1, {MOVES + 1}, move_first},
                               {"use_resource", RT_I32, 1, {3}, use_resource},
                               {"use_share", RT_F64, 1, {3}, use_share},
                               {"resources", RT_I64, 1, {1}, &resources}};
    assert_int_equal(rt_arrays_write(path_of("figures.rta"), program.digest, arrays, 10, &error),
                     RT_OK);
}

/* --- running it ------------------------------------------------------------------------------------------ */

/* Emulate with an edit; stdout and stderr go to files. */
static int call(void **state, const char *edit, const char *more) {
    char text[512], *argv[32];
    int argc = 0;
    snprintf(text, sizeof text,
             "emulated emulate --figures %s --out %s/out --transport %s --steps %d %s",
             path_of("figures.rta"), dir, (const char *)*state, RUNS, more);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    setenv("RT_TEST_EDIT", edit, 1);
    fflush(NULL);
    pid_t pid = fork(); /* the tables are edited there */
    if (pid == 0) {
        for (int i = 0; i < 2; ++i) {
            int fd = open(path_of(i ? "stderr" : "stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
            dup2(fd, 1 + i);
            close(fd);
        }
        edit_tables();
        exit(rt_main(&program, argc, argv));
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_said(const char *part) {
    static char text[1 << 12];
    FILE *file = fopen(path_of("stderr"), "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (!strstr(text, part))
        fail_msg("\"%s\" is not said but:\n%s", part, text);
}

/* The shortest run of a step, milliseconds: other work of this host makes runs longer, never shorter. */
static double step_ms(int step) {
    rt_arrays file;
    rt_error error = {0};
    const rt_array *of, *took, *begin;
    double least = 1e9;
    assert_int_equal(rt_arrays_read(&file, path_of("out/emulation.rta"), program.digest, &error),
                     RT_OK);
    assert_int_equal(rt_arrays_get(&file, "", "run_step", RT_I32, 1, &of, &error), RT_OK);
    assert_int_equal(rt_arrays_get(&file, "", "run_s", RT_F64, 1, &took, &error), RT_OK);
    assert_int_equal(rt_arrays_get(&file, "", "event_begin_s", RT_F64, 1, &begin, &error), RT_OK);
    for (int64_t i = 0; i < begin->shape[0]; ++i)
        assert_true(((const double *)begin->data)[i] >= 0);
    assert_int_equal(of->shape[0], 2 * RUNS);
    for (int64_t i = 0; i < of->shape[0]; ++i)
        if (((const int32_t *)of->data)[i] == step && ((const double *)took->data)[i] * 1e3 < least)
            least = ((const double *)took->data)[i] * 1e3;
    rt_arrays_free(&file);
    return least;
}

static void assert_ms(int step, double expected) {
    double ms = step_ms(step);
    if (ms < expected * .9999 || ms > expected * 1.05)
        fail_msg("step %d took %.3f ms, not %.3f", step, ms, expected);
}

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_emulate.XXXXXX");
    assert_non_null(mkdtemp(dir));
    figures_write(20, -1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

/* --- tests ------------------------------------------------------------------------------------------------ */

static void test_times(void **state) {
    assert_int_equal(call(state, "", ""), 0);
    assert_ms(0, LAYERS * 4.5);
    assert_ms(1, 4); /* the pairs end at 1.7, meanwhile */
}

/* Each edit of the program shows as another time. */
static void test_edits(void **state) {
    assert_int_equal(call(state, "serial", ""), 0);
    assert_ms(0, LAYERS * 5.5); /* nothing goes on beside the sum */
    assert_int_equal(call(state, "no wait", ""), 0);
    assert_ms(0, LAYERS * 4);
    assert_int_equal(call(state, "no event", ""), 0);
    assert_ms(0, LAYERS * 4);
    assert_int_equal(call(state, "late", ""), 0);
    assert_ms(0, LAYERS * 5.5); /* all wait for the rank that does more */
}

static void test_failures(void **state) {
    assert_int_equal(call(state, "layer", ""), RT_SOFTWARE);
    assert_said("channel world: rank ");
    assert_said("all_reduce of layer 1 and 80 bytes");
    assert_int_equal(call(state, "both", ""), RT_SOFTWARE);
    assert_said("brings operation 4 send of layer 0 and 100 bytes, this rank send of layer 0");
    figures_write(20, MOVE_PAIR);
    assert_int_equal(call(state, "", ""), RT_SOFTWARE);
    assert_said("of other figures");
    figures_write(20, -1);
}

/* Ranks that wait for each other, and one that does not come, are told after the limit; sleeping is no hang. */
static void test_hangs(void **state) {
    assert_int_equal(call(state, "turned", "--timeout-ms 400"), RT_TIMEOUT);
    assert_said("no rank went on for 400 ms; over");
    assert_said("does not come: it waits in layer 0, operation ");
    assert_int_equal(call(state, "missing", "--timeout-ms 400"), RT_TIMEOUT);
    assert_said("channel world rank 2 (worker) does not come");
    figures_write(400, -1); /* an operation takes 800 ms */
    assert_int_equal(call(state, "", "--timeout-ms 300 --steps 1"), 0);
    figures_write(20, -1);
}

/* As in any run: the first failure is told, whatever the other ranks wait for or sleep through. */
static void test_deaths(void **state) {
    figures_write(400, -1);
    assert_int_equal(call(state, "failed", ""), RT_DATA);
    assert_said("rank 2 (worker): layers, between operations: as asked");
    if (strcmp(*state, "shm") == 0) {
        assert_int_equal(call(state, "killed", ""), RT_TIMEOUT);
        assert_said("rank 2 (worker) was killed by signal 9");
        assert_int_equal(call(state, "stopped", "--timeout-ms 300"), RT_TIMEOUT);
        assert_said("stopped by signal 19");
    }
    figures_write(20, -1);
}

static void test_bad_figures(void **state) {
    rt_error error = {0};
    const int32_t none = 0;
    const rt_array arrays[] = {{"scale", RT_I32, 1, {1}, &none}};
    figures_write(0, -1);
    assert_int_equal(call(state, "", ""), RT_DATA);
    assert_said("needs a scale above 0 for each of 2 steps");
    figures_write(20, MOVES);
    assert_int_equal(call(state, "", ""), RT_DATA);
    assert_said("are not those of this program's 4 ranks");
    assert_int_equal(rt_arrays_write(path_of("figures.rta"), program.digest, arrays, 1, &error),
                     RT_OK);
    assert_int_equal(call(state, "", ""), RT_DATA);
    assert_said("array 'scale' has another type");
    figures_write(20, -1);
}

/* --- sharing, without threads ----------------------------------------------------------------------------- */

typedef struct Sharing {
    rt_job job;
    rt_segment segment;
    rt_emu emu;
} Sharing;

static void sharing_begin(Sharing *s) {
    static const double scratch_fixed[] = {0, 0, 0}, seconds[] = {1, 2, 1};
    static const int32_t first[] = {0, 2, 3, 4}, resource[] = {0, 1, 0, 1};
    static const double shares[] = {.5, 1, 1, .5};
    rt_error error = {0};
    s->job = (rt_job){.program = &program,
                      .emulated = 1,
                      .figures = {.moves = 3,
                                  .resources = 2,
                                  .fixed_s = scratch_fixed,
                                  .move_s = seconds,
                                  .move_first = first,
                                  .use_resource = resource,
                                  .use_share = shares}};
    assert_int_equal(rt_segment_plan(&s->segment, &s->job, &error), RT_OK);
    assert_int_equal(rt_segment_map(&s->segment, -1, true, &error), RT_OK);
    s->emu = rt_emulation_at(&s->segment);
    s->emu.scratch = calloc((size_t)(4 + 2 * s->emu.flow_limit), sizeof *s->emu.scratch);
    assert_non_null(s->emu.scratch);
    s->emu.header->base = rt_now() - 10;
}

static void sharing_end(Sharing *s) {
    free(s->emu.scratch);
    rt_segment_close(&s->segment);
}

/* Moves 0 and 1 meet at resource 0: raised together, it is full at 2/3, and both stay there. Move 2, which meets
 * move 0 at resource 1, has what that leaves, 1/3 of it at a share of .5: 2/3 too. */
static void test_shares(void **state) {
    (void)state;
    Sharing s;
    sharing_begin(&s);
    double now = rt_now();
    rt_emulation_flow(&s.emu, 0, 0, now, 1);
    assert_true(fabs(s.emu.place[0].end - now - 1) < 1e-6);
    rt_emulation_flow(&s.emu, 1, 1, now, 1);
    assert_true(fabs(s.emu.place[0].end - now - 1.5) < 1e-6);
    assert_true(fabs(s.emu.place[1].end - now - 2.5) <
                1e-6); /* 1 of its 2 s by 1.5, the rest alone */
    rt_emulation_flow(&s.emu, 2, 2, now + 1.2, 1);
    assert_true(fabs(s.emu.place[0].end - now - 1.5) < 1e-6);
    assert_true(fabs(s.emu.place[2].end - now - 2.3) < 1e-6); /* .2 by 1.5, then alone */
    sharing_end(&s);
}

/* Ends do not depend on the order in which threads come with what is due. */
static void test_shares_order(void **state) {
    (void)state;
    double ends[2][3];
    const double enters[] = {-.05, -.03, -.01};
    for (int turned = 0; turned < 2; ++turned) {
        Sharing s;
        sharing_begin(&s);
        double now = rt_now();
        for (int i = 0; i < 3; ++i) {
            int move = turned ? 2 - i : i;
            rt_emulation_flow(&s.emu, move, move, now + enters[move], 1);
        }
        for (int move = 0; move < 3; ++move)
            ends[turned][move] = s.emu.place[move].end - now;
        sharing_end(&s);
    }
    for (int move = 0; move < 3; ++move)
        assert_true(fabs(ends[0][move] - ends[1][move]) < 1e-6);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "emulate") == 0) {
        edit_tables();
        return rt_main(&program, argc, argv);
    }
    static char shm[] = "shm", threads[] = "threads";
#define ON(test, transport)                                                                        \
    { #test " " #transport, test, NULL, NULL, transport }
    const struct CMUnitTest tests[] = {
        ON(test_times, shm),           ON(test_times, threads),
        ON(test_edits, shm),           ON(test_failures, shm),
        ON(test_failures, threads),    ON(test_hangs, shm),
        ON(test_hangs, threads),       ON(test_bad_figures, shm),
        ON(test_deaths, shm),          ON(test_deaths, threads),
        cmocka_unit_test(test_shares), cmocka_unit_test(test_shares_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
