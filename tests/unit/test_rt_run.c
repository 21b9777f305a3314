/* Whole runs of a small hand-written program with 4 ranks, as processes and as threads: all moves with
 * uneven and empty parts, checked by the ranks themselves; counters; waves; failures of every kind. This
 * binary is launcher and rank at once: called with a verb, it is the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/array_file.h"
#include "core/rank.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    WORLD = 4,
    LAYERS = 3,
    EXCHANGES = 5,
    ROW = 12,
    META = 8,
    BATCH = 3,
    PROMPT = 4,
    CONTEXT = 16,
    VOCABULARY = 97,
    UNITS = 1300, /* more than a block of the summation */
    UNIT = 12
};

/* slab offsets; windows hold at most 64 rows */
enum {
    AT_BUFFER = 0,
    AT_SEND = 16384,
    AT_SEND_META = AT_SEND + 64 * ROW,
    AT_RECV = AT_SEND_META + 64 * META,
    AT_RECV_META = AT_RECV + 64 * ROW,
    AT_SEND_COUNTS = AT_RECV_META + 64 * META,
    AT_RECV_COUNTS = AT_SEND_COUNTS + 32,
    AT_IDS = AT_RECV_COUNTS + 32,
    AT_POSITIONS = AT_IDS + 4 * BATCH * PROMPT,
    AT_NEXT = AT_POSITIONS + 4 * BATCH * PROMPT,
    AT_STATE = AT_NEXT + 4 * BATCH + 4,
    AT_WEIGHT = AT_STATE + 64,
    SLAB = AT_WEIGHT + 2 * 64
};

enum {
    OP_BEGIN,
    OP_SUM,
    OP_SCATTER,
    OP_GATHER,
    OP_SUM16,
    OP_CHECK,
    OP_DISPATCH,
    OP_COMBINE,
    OP_FINISH,
    OPS
};

#define OPERATION(kind, index)                                                                     \
    { kind, "test", index, 0, 0, false, {-1, -1, -1, -1, -1, -1}, "test" }
static const rt_op ops[OPS] = {
    OPERATION("begin", 0),      OPERATION("all-reduce", 1), OPERATION("reduce-scatter", 2),
    OPERATION("all-gather", 3), OPERATION("all-reduce", 1), OPERATION("check", 4),
    OPERATION("dispatch", 5),   OPERATION("combine", 6),    OPERATION("finish", 7),
};
static const char *const kinds[] = {"begin", "all-reduce", "reduce-scatter", "all-gather",
                                    "check", "dispatch",   "combine",        "finish"};

static const int32_t world_ranks[] = {0, 1, 2, 3}, three_ranks[] = {0, 1, 3};
static const int32_t own_all[] = {1, 4, 1, 4, 1, 4, 1, 4};
static const int32_t own_some[] = {0, 3, 3, 3, 3, 7}; /* the middle member owns nothing */
static const rt_channel channels[] = {
    {"world", 4, world_ranks, 5, own_all},
    {"three", 3, three_ranks, 7, own_some},
};

/* Rank 1 is source and target; rank 2 has no rows. */
static const rt_end sources[] = {{0, 3}, {1, 5}, {2, 0}}, targets[] = {{1, 3}, {3, 1}};
#define EXCHANGE(exact, chunk, in_flight)                                                          \
    { "x", 3, 2, sources, targets, 2, exact, chunk, in_flight, ROW, META }
static const rt_exchange exchanges[EXCHANGES] = {
    EXCHANGE(false, 0, 1), EXCHANGE(true, 0, 1), EXCHANGE(false, 2, 1),
    EXCHANGE(true, 2, 1),  EXCHANGE(true, 1, 3),
};

static const rt_weight weights[] = {
    {"block.{layer}.expert.{expert}.w", 1, 3, 7, 4, 6, 1, 3, 2, 5, AT_WEIGHT, 64, 8, RT_F32,
     RT_FILL_UNIFORM},
};

static const char *fault_of(const rt_rank *rank) {
    const char *fault = getenv("RT_TEST_FAULT"), *colon = fault ? strchr(fault, ':') : NULL;
    return colon && atoi(colon + 1) == rank->id ? fault : "";
}

static rt_status inject(rt_rank *rank) {
    const char *fault = fault_of(rank);
    if (!*fault || !rank->step->decode || rank->wave > 0 || atomic_load(&rank->area->layer) != 1)
        return RT_OK;
    if (strncmp(fault, "fail", 4) == 0)
        return rt_fail(rank, RT_DATA, "as %s", "asked");
    if (strncmp(fault, "plain", 5) == 0)
        return RT_SOFTWARE;
    if (strncmp(fault, "kill", 4) == 0)
        raise(SIGKILL);
    if (strncmp(fault, "exit", 4) == 0)
        _exit(0);
    if (strncmp(fault, "hang", 4) == 0)
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
    return RT_OK;
}

/* Kernel 0: faults. */
static rt_status check_kernel(rt_rank *rank, const void *args) {
    (void)args;
    return inject(rank);
}
static const rt_kernel_fn kernels[] = {check_kernel};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return rt_fail(rank, RT_SOFTWARE, "line %d: %s", __LINE__, #condition);                \
    } while (0)

/* --- collectives ---------------------------------------------------------------------------------------- */

static float element(int rank, int layer, int64_t i) {
    return (float)((i * 7 + rank * 13 + layer * 3) % 31) * 0.25f;
}

static void fill_floats(rt_rank *rank, int layer, int64_t count) {
    float *buffer = rt_at(rank, AT_BUFFER);
    for (int64_t i = 0; i < count; ++i)
        buffer[i] = element(rank->id, layer, i);
}

static float sum_over(const rt_channel *channel, int layer, int64_t i) {
    float sum = 0;
    for (int m = 0; m < channel->members; ++m)
        sum += element(channel->ranks[m], layer, i);
    return sum;
}

static rt_status check_sum(rt_rank *rank, int layer) {
    rt_collective args = {AT_BUFFER, UNITS, UNIT, RT_F32};
    const int64_t elements = UNITS * UNIT / 4, unit = UNIT / 4;
    float *buffer = rt_at(rank, AT_BUFFER);
    fill_floats(rank, layer, elements);
    RT_TRY(rt_all_reduce(rank, OP_SUM, layer, 0, &args));
    for (int64_t i = 0; i < elements; ++i) {
        bool inside = i >= UNITS * 1 / 5 * unit && i < UNITS * 4 / 5 * unit;
        EXPECT(buffer[i] ==
               (inside ? sum_over(&channels[0], layer, i) : element(rank->id, layer, i)));
    }
    return RT_OK;
}

static rt_status check_scatter(rt_rank *rank, int layer) {
    const int64_t units = 23, unit = 3;
    rt_collective args = {AT_BUFFER, units, unit * 4, RT_F32};
    float *buffer = rt_at(rank, AT_BUFFER);
    fill_floats(rank, layer, units * unit);
    RT_TRY(rt_reduce_scatter(rank, OP_SCATTER, layer, 1, &args));
    int64_t begin = rank->id == 0 ? 0 : units * 3 / 7 * unit;
    int64_t end = rank->id == 3 ? units * unit : units * 3 / 7 * unit;
    for (int64_t i = 0; i < units * unit; ++i)
        EXPECT(buffer[i] == (i >= begin && i < end ? sum_over(&channels[1], layer, i)
                                                   : element(rank->id, layer, i)));
    RT_TRY(rt_all_gather(rank, OP_GATHER, layer, 1, &args));
    for (int64_t i = 0; i < units * unit; ++i)
        EXPECT(buffer[i] == sum_over(&channels[1], layer, i));
    return RT_OK;
}

/* Sums of 16-bit types are exact here: small multiples of a quarter. */
static rt_status check_sum16(rt_rank *rank, int layer, rt_type type) {
    const int64_t units = 1100;
    rt_collective args = {AT_BUFFER, units, 2, type};
    uint16_t *buffer = rt_at(rank, AT_BUFFER);
    for (int64_t i = 0; i < units; ++i)
        buffer[i] = type == RT_BF16 ? rt_to_bf16(element(rank->id, layer, i))
                                    : rt_to_f16(element(rank->id, layer, i));
    RT_TRY(rt_all_reduce(rank, OP_SUM16, layer, 0, &args));
    for (int64_t i = units / 5; i < units * 4 / 5; ++i) {
        float sum = sum_over(&channels[0], layer, i);
        EXPECT(buffer[i] == (type == RT_BF16 ? rt_to_bf16(sum) : rt_to_f16(sum)));
    }
    return RT_OK;
}

/* --- exchanges ------------------------------------------------------------------------------------------ */

static int dispatch_count(int s, int t, int layer) {
    return (s * 2 + t * 3 + layer) % (sources[s].count + 1);
}
static int combine_window(int s, int t) {
    return sources[s].count * (targets[t].count < 2 ? targets[t].count : 2);
}
static int combine_count(int s, int t, int layer) {
    return (s + t * 5 + layer) % (combine_window(s, t) + 1);
}
static int32_t word_of(int s, int t, int row, int word, int layer) {
    return s * 100000 + t * 10000 + row * 100 + word * 10 + layer;
}

static void put_words(rt_rank *rank, int64_t at, int words, int s, int t, int row, int layer) {
    int32_t *out = rt_at(rank, at);
    for (int i = 0; i < words; ++i)
        out[i] = word_of(s, t, row, i, layer);
}
static bool same_words(rt_rank *rank, int64_t at, int words, int s, int t, int row, int layer) {
    const int32_t *in = rt_at(rank, at);
    for (int i = 0; i < words; ++i)
        if (in[i] != word_of(s, t, row, i, layer))
            return false;
    return true;
}

static int index_of(const rt_end *ends, int count, int rank) {
    for (int i = 0; i < count; ++i)
        if (ends[i].rank == rank)
            return i;
    return -1;
}

static rt_status check_dispatch(rt_rank *rank, int layer, int e) {
    int s = index_of(sources, 3, rank->id), t = index_of(targets, 2, rank->id);
    rt_dispatch_args args = {-1, -1, -1, -1, -1, -1};
    int first = 0;
    if (s >= 0) {
        args.send_rows = AT_SEND;
        args.send_meta = AT_SEND_META;
        args.send_counts = AT_SEND_COUNTS;
        for (int j = 0; j < 2; ++j) {
            int count = dispatch_count(s, j, layer);
            ((int32_t *)rt_at(rank, AT_SEND_COUNTS))[j] = count;
            for (int r = 0; r < count; ++r) {
                put_words(rank, AT_SEND + (first + r) * ROW, ROW / 4, s, j, r, layer);
                put_words(rank, AT_SEND_META + (first + r) * META, META / 4, s, j, r, layer);
            }
            first += exchanges[e].exact ? count : sources[s].count;
        }
    }
    if (t >= 0) {
        args.recv_rows = AT_RECV;
        args.recv_meta = AT_RECV_META;
        args.recv_counts = AT_RECV_COUNTS;
    }
    RT_TRY(rt_dispatch(rank, OP_DISPATCH, layer, -1, e, &args));
    first = 0;
    for (int i = 0; t >= 0 && i < 3; ++i) {
        int count = ((const int32_t *)rt_at(rank, AT_RECV_COUNTS))[i];
        EXPECT(count == dispatch_count(i, t, layer));
        for (int r = 0; r < count; ++r) {
            EXPECT(same_words(rank, AT_RECV + (first + r) * ROW, ROW / 4, i, t, r, layer));
            EXPECT(same_words(rank, AT_RECV_META + (first + r) * META, META / 4, i, t, r, layer));
        }
        first += sources[i].count;
    }
    return RT_OK;
}

static rt_status check_combine(rt_rank *rank, int layer, int e) {
    int s = index_of(sources, 3, rank->id), t = index_of(targets, 2, rank->id);
    rt_combine_args args = {-1, -1, -1, -1};
    int first = 0;
    if (t >= 0) {
        args.send_rows = AT_SEND;
        args.send_counts = AT_SEND_COUNTS;
        for (int i = 0; i < 3; ++i) {
            int count = combine_count(i, t, layer);
            ((int32_t *)rt_at(rank, AT_SEND_COUNTS))[i] = count;
            for (int r = 0; r < count; ++r)
                put_words(rank, AT_SEND + (first + r) * ROW, ROW / 4, i, t, r, layer);
            first += combine_window(i, t);
        }
    }
    if (s >= 0) {
        args.recv_rows = AT_RECV;
        args.recv_counts = AT_RECV_COUNTS;
        for (int j = 0; j < 2; ++j)
            ((int32_t *)rt_at(rank, AT_RECV_COUNTS))[j] = combine_count(s, j, layer);
        const char *fault = fault_of(rank);
        if (strncmp(fault, "count", 5) == 0)
            ((int32_t *)rt_at(rank, AT_RECV_COUNTS))[0]++;
    }
    RT_TRY(rt_combine(rank, OP_COMBINE, layer, -1, e, &args));
    first = 0;
    for (int j = 0; s >= 0 && j < 2; ++j) {
        int count = combine_count(s, j, layer);
        for (int r = 0; r < count; ++r)
            EXPECT(same_words(rank, AT_RECV + (first + r) * ROW, ROW / 4, s, j, r, layer));
        first += exchanges[e].exact ? count : combine_window(s, j);
    }
    return RT_OK;
}

/* --- the step ------------------------------------------------------------------------------------------- */

/* The next token is a sum over the sequence's last token and position, so that a wrong request table shows. */
static int32_t next_of(int32_t id, int32_t position) {
    return (id * 5 + position * 3 + 1) % VOCABULARY;
}

static rt_status check_requests(rt_rank *rank, int tokens) {
    const int32_t *ids = rt_at(rank, AT_IDS), *positions = rt_at(rank, AT_POSITIONS);
    int32_t *next = rt_at(rank, AT_NEXT);
    for (int s = 0; s < BATCH; ++s) {
        next[s] = -1;
        for (int t = 0; t < tokens; ++t) {
            int32_t id = ids[s * tokens + t], position = positions[s * tokens + t];
            EXPECT((position >= 0) || id == 0);
            float *logits = rt_logits_row(rank, s, position);
            EXPECT((logits != NULL) == (rt_wants_logits(rank) && position >= 0));
            for (int v = 0; logits && rank->id == 0 && v < VOCABULARY; ++v)
                logits[v] = (float)(id * 100 + position) + (float)v * 0.5f;
            if (position >= 0)
                next[s] = next_of(id, position);
        }
    }
    return RT_OK;
}

static rt_status step(rt_rank *rank, int tokens) {
    rt_begin_args begin = {AT_IDS, AT_POSITIONS, 0, BATCH, tokens};
    rt_finish_args finish = {AT_NEXT, 0, BATCH, rank->id == 1};
    int32_t *state = rt_at(rank, AT_STATE);
    EXPECT(*state == (rank->step->decode ? (int32_t)rank->made : 0));
    (*state)++;
    RT_TRY(rt_begin(rank, OP_BEGIN, -1, &begin));
    RT_TRY(check_requests(rank, tokens));
    for (int layer = 0; layer < LAYERS; ++layer) {
        RT_TRY(check_sum(rank, layer));
        if (rank->id != 2)
            RT_TRY(check_scatter(rank, layer));
        RT_TRY(check_sum16(rank, layer, layer % 2 ? RT_F16 : RT_BF16));
        RT_TRY(rt_launch(rank, OP_CHECK, layer, 0, NULL));
        for (int e = 0; e < EXCHANGES; ++e) {
            RT_TRY(check_dispatch(rank, layer, e));
            RT_TRY(check_combine(rank, layer, e));
        }
    }
    return rt_finish(rank, OP_FINISH, -1, &finish);
}
static rt_status prefill(rt_rank *rank) {
    return step(rank, PROMPT);
}
static rt_status decode(rt_rank *rank) {
    return step(rank, 1);
}

static const rt_step_fn prefills[] = {prefill}, decodes[] = {decode};
static const rt_step steps[] = {{"prefill", false, PROMPT, prefills}, {"decode", true, 1, decodes}};
static const rt_role roles[] = {{"worker", SLAB, AT_STATE, 64, ops, OPS}};
static const rt_place places[WORLD] = {
    {0, 0, 0, 0, weights, 1}, {0, 1, 0, 1, NULL, 0}, {0, 2, 0, 2, NULL, 0}, {0, 3, 0, 3, NULL, 0}};
static const rt_program program = {
    .abi = RT_ABI_VERSION,
    .name = "moves",
    .version = "test",
    .digest = "0123456789abcdef",
    .world = WORLD,
    .roles = 1,
    .steps = 2,
    .channels = 2,
    .exchanges = EXCHANGES,
    .kinds = 8,
    .kernels = 1,
    .places = places,
    .role = roles,
    .step = steps,
    .channel = channels,
    .exchange = exchanges,
    .kind = kinds,
    .kernel = kernels,
    .batch = BATCH,
    .prompt = PROMPT,
    .context = CONTEXT,
    .vocabulary = VOCABULARY,
    .copies = 1,
    .type = RT_F32,
    .initializer_range = 0.02f,
};

/* --- running it ----------------------------------------------------------------------------------------- */

enum { SEQUENCES = 4, MAX_NEW = 5 };
static const int32_t lengths[SEQUENCES] = {4, 1, 3, 2}, max_new[] = {MAX_NEW};
static const int32_t ids[SEQUENCES][4] = {{5, 6, 7, 8}, {9, 0, 0, 0}, {1, 2, 96, 0}, {3, 4, 0, 0}};

static char dir[64];

static const char *path_of(const char *name) {
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* Call rt_main with a command line, its output in DIR/stdout and DIR/stderr. */
static int call(const char *line) {
    char text[1024], *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "moves %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    fflush(NULL);
    int saved[2] = {dup(1), dup(2)};
    for (int i = 0; i < 2; ++i) {
        int fd = open(path_of(i ? "stderr" : "stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(fd, 1 + i);
        close(fd);
    }
    int status = rt_main(&program, argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; ++i) {
        dup2(saved[i], 1 + i);
        close(saved[i]);
    }
    return status;
}

static const char *content(const char *name) {
    static char text[1 << 16];
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void assert_contains(const char *name, const char *part) {
    const char *text = content(name);
    if (!strstr(text, part))
        fail_msg("%s does not hold \"%s\" but:\n%s", name, part, text);
}

/* A command line of `run` on a transport. */
static const char *run_line(void **state, const char *more) {
    static char line[1024];
    snprintf(line, sizeof line, "run --tokens %s --out %s/out --transport %s %s",
             path_of("tokens.rta"), dir, (const char *)*state, more);
    return line;
}

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_rt_run.XXXXXX");
    assert_non_null(mkdtemp(dir));
    rt_error error = {0};
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, ids},
                               {"max_new", RT_I32, 1, {1}, max_new}};
    return rt_arrays_write(path_of("tokens.rta"), program.digest, arrays, 3, &error);
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static int32_t expected_token(int s, int t) {
    int32_t id = ids[s][lengths[s] - 1], position = lengths[s] - 1;
    for (int i = 0; i < t; ++i) {
        id = next_of(id, position);
        position++;
    }
    return next_of(id, position);
}

/* Bytes by the formulas of the documentation, written out anew. */
static int64_t expected_bytes(int from, int to) {
    int64_t steps_run = 2 * MAX_NEW, bytes = 0;
    if (from == to)
        return 0;
    int64_t elements = (UNITS * 4 / 5 - UNITS / 5) * (UNIT / 4), small = 1100 * 4 / 5 - 1100 / 5;
    for (int side = 0; side < 2; ++side) {
        int i = side ? from : to;
        bytes += LAYERS * 4 * (elements * (i + 1) / 4 - elements * i / 4);
        bytes += LAYERS * 2 * (small * (i + 1) / 4 - small * i / 4);
    }
    int64_t own[WORLD] = {23 * 3 / 7 * 12, 0, 0, (23 - 23 * 3 / 7) * 12};
    if (from != 2 && to != 2)
        bytes += LAYERS * (own[to] + own[from]);
    for (int e = 0; e < EXCHANGES; ++e)
        for (int layer = 0; layer < LAYERS; ++layer)
            for (int s = 0; s < 3; ++s)
                for (int t = 0; t < 2; ++t) {
                    bool exact = exchanges[e].exact;
                    if (sources[s].rank == from && targets[t].rank == to)
                        bytes += 4 + (ROW + META) *
                                         (exact ? dispatch_count(s, t, layer) : sources[s].count);
                    if (sources[s].rank == to && targets[t].rank == from)
                        bytes += ROW * (exact ? combine_count(s, t, layer) : combine_window(s, t));
                }
    return steps_run * bytes;
}

static const void *array_of(const rt_arrays *file, const char *name, rt_type type, uint32_t dims) {
    const rt_array *array;
    rt_error error = {0};
    assert_int_equal(rt_arrays_get(file, "results", name, type, dims, &array, &error), RT_OK);
    return array->data;
}

static void test_results(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s --trace %s -q", path_of("logits.npy"),
             path_of("trace.json"));
    int status = call(run_line(state, more));
    if (status)
        fail_msg("%d: %s", status, content("stderr"));
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(rt_arrays_read(&file, path_of("out/results.rta"), program.digest, &error),
                     RT_OK);
    const int32_t *tokens = array_of(&file, "tokens", RT_I32, 2);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < MAX_NEW; ++t)
            assert_int_equal(tokens[s * MAX_NEW + t], expected_token(s, t));
    const int64_t *bytes = array_of(&file, "bytes", RT_I64, 2);
    for (int from = 0; from < WORLD; ++from)
        for (int to = 0; to < WORLD; ++to)
            assert_int_equal(bytes[from * WORLD + to], expected_bytes(from, to));
    const int64_t *operations = array_of(&file, "operations", RT_I64, 2);
    static const int64_t per_step[] = {
        1, 2 * LAYERS, LAYERS, LAYERS, LAYERS, LAYERS * EXCHANGES, LAYERS * EXCHANGES, 1};
    for (int k = 0; k < 8; ++k)
        assert_int_equal(operations[k], 2 * MAX_NEW * per_step[k]);
    assert_int_equal(operations[2 * 8 + 2], 0);
    const int64_t *resident = array_of(&file, "weights", RT_I64, 1);
    assert_int_equal(resident[0], 2 * 2 * 3 * 4);
    assert_int_equal(resident[1], 0);
    const int64_t *run = array_of(&file, "steps", RT_I64, 1);
    assert_int_equal(run[0], 2);
    assert_int_equal(run[1], 2 * (MAX_NEW - 1));
    rt_arrays_free(&file);
    assert_contains("trace.json", "\"name\":\"dispatch\"");
}

static void test_logits(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s -q", path_of("logits.npy"));
    assert_int_equal(call(run_line(state, more)), 0);
    FILE *npy = fopen(path_of("logits.npy"), "rb");
    assert_non_null(npy);
    unsigned char head[10];
    assert_int_equal(fread(head, 1, 10, npy), 10);
    assert_int_equal(fseek(npy, head[8] + 256 * head[9], SEEK_CUR), 0);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < 4; ++t) {
            float row[VOCABULARY];
            assert_int_equal(fread(row, sizeof *row, VOCABULARY, npy), VOCABULARY);
            if (t < lengths[s])
                assert_true(row[3] == (float)(ids[s][t] * 100 + t) + 1.5f);
            else
                assert_true(row[3] != row[3]);
        }
    assert_int_equal(fgetc(npy), EOF);
    fclose(npy);
}

static void verify_write(int32_t token_error, int64_t byte_error) {
    int32_t tokens[SEQUENCES][MAX_NEW];
    int64_t operations[WORLD][8] = {0}, bytes[WORLD][WORLD], resident[WORLD] = {48};
    static float logits[SEQUENCES][4][VOCABULARY];
    double tolerance[] = {1e-6};
    for (int r = 0; r < WORLD; ++r) {
        const int64_t per_step[] = {
            1, 2 * LAYERS, LAYERS, LAYERS, LAYERS, LAYERS * EXCHANGES, LAYERS * EXCHANGES, 1};
        for (int k = 0; k < 8; ++k)
            operations[r][k] = r == 2 && (k == 2 || k == 3) ? 0 : 2 * MAX_NEW * per_step[k];
        for (int to = 0; to < WORLD; ++to)
            bytes[r][to] = expected_bytes(r, to);
    }
    for (int s = 0; s < SEQUENCES; ++s) {
        for (int t = 0; t < MAX_NEW; ++t)
            tokens[s][t] = expected_token(s, t);
        for (int t = 0; t < 4; ++t)
            for (int v = 0; v < VOCABULARY; ++v)
                logits[s][t][v] = (float)(ids[s][t] * 100 + t) + (float)v * 0.5f;
    }
    tokens[2][3] += token_error;
    bytes[1][3] += byte_error;
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, ids},
                               {"max_new", RT_I32, 1, {1}, max_new},
                               {"tokens", RT_I32, 2, {SEQUENCES, MAX_NEW}, tokens},
                               {"operations", RT_I64, 2, {WORLD, 8}, operations},
                               {"bytes", RT_I64, 2, {WORLD, WORLD}, bytes},
                               {"weights", RT_I64, 1, {WORLD}, resident},
                               {"logits", RT_F32, 3, {SEQUENCES, 4, VOCABULARY}, logits},
                               {"tolerance", RT_F64, 1, {1}, tolerance}};
    rt_error error = {0};
    assert_int_equal(rt_arrays_write(path_of("expected.rta"), program.digest, arrays, 9, &error),
                     RT_OK);
}

static void test_verify(void **state) {
    char line[256];
    snprintf(line, sizeof line, "verify --expected %s --transport %s", path_of("expected.rta"),
             (const char *)*state);
    verify_write(0, 0);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "moves: verified; logits differ by 0 ");
    verify_write(1, 4);
    assert_int_equal(call(line), 1);
    assert_contains("stdout", "tokens     1 of 20 differ, first sequence 2 new token 3");
    assert_contains("stdout", "first rank 1 to 3");
    assert_contains("stdout", "moves: DIFFERS in tokens, bytes;");
}

static void test_bench(void **state) {
    char line[256];
    snprintf(line, sizeof line, "bench --json --transport %s --steps 6 --prompt-tokens 3",
             (const char *)*state);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "\"tpot_ms\":{\"count\":6,");
    snprintf(line, sizeof line, "measure --transport %s --batch 2 --out %s/measure",
             (const char *)*state, dir);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "dispatch");
    assert_contains("measure/measure.rta", RT_ARRAY_MAGIC);
}

/* --- failures ------------------------------------------------------------------------------------------- */

static void expect_failure(void **state, const char *fault, const char *more, int status,
                           const char *message) {
    setenv("RT_TEST_FAULT", fault, 1);
    int got = call(run_line(state, more));
    unsetenv("RT_TEST_FAULT");
    assert_contains("stderr", message);
    assert_int_equal(got, status);
    const char *text = content("stderr");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static void test_failing_rank(void **state) {
    expect_failure(state, "fail:2", "", RT_DATA,
                   "moves: rank 2 (worker): decode, layer 0, operation 5 check: as asked");
    expect_failure(state, "plain:0", "", RT_SOFTWARE,
                   "rank 0 (worker): decode, layer 0, operation 5 check: failed");
}

static void test_hanging_rank(void **state) {
    expect_failure(state, "hang:3", "--timeout-ms 300", RT_TIMEOUT,
                   "rank 3 made no progress for 300 ms (decode, layer 0, operation 5 check)");
}

static void test_slow_rank_within_limit(void **state) {
    setenv("RT_TEST_FAULT", "hang:3", 1);
    int status = call(run_line(state, "-q --max-new-tokens 2"));
    unsetenv("RT_TEST_FAULT");
    assert_int_equal(status, 0);
}

static void test_wrong_count(void **state) {
    expect_failure(state, "count:1", "", RT_SOFTWARE, "sends 1 rows, this rank expects 2");
}

static void test_killed_rank(void **state) {
    expect_failure(state, "kill:1", "", RT_SOFTWARE,
                   "rank 1 (worker): decode, layer 0, operation 5 check: ended with signal 9");
    expect_failure(state, "exit:0", "", RT_SOFTWARE,
                   "rank 0 (worker): decode, layer 0, operation "
                   "5 check: ended with status 0 before its work was done");
}

static void test_bad_input(void **state) {
    char line[256];
    (void)state;
    snprintf(line, sizeof line, "run --tokens %s", path_of("none.rta"));
    assert_int_equal(call(line), RT_NOINPUT);
    assert_int_equal(call("run"), RT_USAGE);
    assert_int_equal(call("walk"), RT_USAGE);
    assert_int_equal(call("run --tokens x --timeout-ms 3s"), RT_USAGE);
    assert_int_equal(call("info --steps 3"), RT_USAGE);
    snprintf(line, sizeof line, "run --tokens %s --max-new-tokens 14", path_of("tokens.rta"));
    assert_int_equal(call(line), RT_DATA);
    assert_contains("stderr", "exceed the context of 16; ask for at most 13 new tokens");
    assert_int_equal(call("info"), 0);
    assert_contains("stdout", "4 ranks; batch 3, prompt 4, context 16, vocabulary 97");
}

static void test_other_world(void **state) {
    char line[256];
    (void)state;
    setenv("RANK", "0", 1);
    setenv("WORLD_SIZE", "7", 1);
    snprintf(line, sizeof line, "run --tokens %s", path_of("tokens.rta"));
    int status = call(line);
    unsetenv("RANK");
    unsetenv("WORLD_SIZE");
    assert_int_equal(status, RT_DATA);
    assert_contains("stderr", "torchrun started 7 ranks, this program is for 4");
}

/* Four processes that take their places from torchrun's variables; the status of each. */
static void run_seats(const char *fault, int status[WORLD]) {
    pid_t pids[WORLD];
    char line[256], seat[8];
    snprintf(line, sizeof line, "run --tokens %s --out %s/seats -q", path_of("tokens.rta"), dir);
    for (int r = WORLD - 1; r >= 0; --r) {
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] > 0)
            continue;
        snprintf(seat, sizeof seat, "%d", r);
        setenv("RANK", seat, 1);
        setenv("WORLD_SIZE", "4", 1);
        setenv("MASTER_PORT", dir, 1); /* no other launch has it */
        setenv("RT_TEST_FAULT", fault, 1);
        _exit(call(line));
    }
    for (int i = 0; i < WORLD; ++i) {
        int wait_status;
        pid_t pid = waitpid(-1, &wait_status, 0); /* reaped at once, so that peers see it gone */
        for (int r = 0; r < WORLD; ++r)
            if (pids[r] == pid)
                status[r] =
                    WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
    }
}

static void test_seats(void **state) {
    (void)state;
    int status[WORLD];
    run_seats("", status);
    for (int r = 0; r < WORLD; ++r)
        assert_int_equal(status[r], 0);
    assert_contains("seats/results.rta", RT_ARRAY_MAGIC);
    run_seats("kill:2", status);
    assert_int_equal(status[2], -SIGKILL);
    int told = 0;
    for (int r = 0; r < WORLD; ++r) {
        told += status[r] == RT_SOFTWARE;
        assert_int_not_equal(status[r], 0);
    }
    assert_int_equal(told, 1);
}

#define ON(test, transport)                                                                        \
    { #test " over " transport, test, NULL, NULL, (void *)(uintptr_t)transport }

int main(int argc, char **argv) {
    if (argc > 1)
        return rt_main(&program, argc, argv);
    const struct CMUnitTest tests[] = {
        ON(test_results, "threads"),      ON(test_results, "shm"),
        ON(test_logits, "threads"),       ON(test_logits, "shm"),
        ON(test_verify, "threads"),       ON(test_verify, "shm"),
        ON(test_bench, "threads"),        ON(test_bench, "shm"),
        ON(test_failing_rank, "threads"), ON(test_failing_rank, "shm"),
        ON(test_hanging_rank, "threads"), ON(test_hanging_rank, "shm"),
        ON(test_wrong_count, "threads"),  ON(test_wrong_count, "shm"),
        ON(test_killed_rank, "shm"),      ON(test_slow_rank_within_limit, "threads"),
        cmocka_unit_test(test_bad_input), cmocka_unit_test(test_other_world),
        cmocka_unit_test(test_seats),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
