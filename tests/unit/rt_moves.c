/* rt_moves: see rt_moves.h. */
#include "rt_moves.h"
#include "rt_moves_here.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPERATION(kind, index)                                                                     \
    { kind, "test", index, 0, 0, false, {-1, -1, -1, -1, -1, -1}, "test" }
static const rt_op ops[OPS] = {
    OPERATION("begin", 0),      OPERATION("all-reduce", 1), OPERATION("reduce-scatter", 2),
    OPERATION("all-gather", 3), OPERATION("all-reduce", 1), OPERATION("check", 4),
    OPERATION("dispatch", 5),   OPERATION("combine", 6),    OPERATION("finish", 7),
    OPERATION("send", 8),       OPERATION("recv", 9),       OPERATION("transfer", 10),
};
static const char *const kinds[KINDS] = {"begin", "all-reduce", "reduce-scatter", "all-gather",
                                         "check", "dispatch",   "combine",        "finish",
                                         "send",  "recv",       "transfer"};

static const int32_t world_ranks[] = {0, 1, 2, 3}, three_ranks[] = {0, 1, 3};
static const int32_t odd_ranks[] = {1, 3}, even_ranks[] = {0, 2};
static const int32_t own_all[] = {1, 4, 1, 4, 1, 4, 1, 4};
static const int32_t own_some[] = {0, 3, 3, 3, 3, 7}; /* the middle member owns nothing */
/* --- of rt_stages.h --- */
enum { STAGE_CHANNEL = 4, STAGE_PIECES = 5, AT_ROOM = 40000, STAGE_ROOM = 21600 };

static const rt_transfer_item stage_items[] = {
    {0, 1, 0, 2, false}, {1, 0, 0, 2, false}, /* a swap */
    {2, 3, 2, 3, true},  {3, 2, 2, 3, true},  /* both get the sum */
    {0, 2, 3, 4, true},  {1, 2, 3, 4, true},  /* two parts for one piece */
    {3, 0, 4, 5, false}, {2, 1, 2, 3, false}, /* the part of 2, not its sum */
};
enum { STAGE_ITEMS = sizeof stage_items / sizeof *stage_items };

static const rt_channel channels[] = {
    {"world", 4, world_ranks, 5, own_all, 0, NULL},
    {"three", 3, three_ranks, 7, own_some, 0, NULL},
    {"odd", 2, odd_ranks, 0, NULL, 0, NULL},
    {"even", 2, even_ranks, 0, NULL, 0, NULL},
    {"stage", 4, world_ranks, STAGE_PIECES, NULL, STAGE_ITEMS, stage_items},
};

/* Rank 1 is source and target; rank 2 has no rows. */
static const rt_end sources[] = {{0, 3}, {1, 5}, {2, 0}}, targets[] = {{1, 3}, {3, 1}};
/* By rank 1, which passes on what goes between 3 and the others; and one partner at a time. */
static const rt_hop relayed[] = {{0, 0, 1, 0, 0}, {0, 2, 1, 2, 0}, {0, 2, 1, 2, 1}, {0, 0, 1, 0, 1},
                                 {1, 1, 3, 2, 1}, {1, 1, 3, 1, 1}, {1, 1, 3, 0, 1}};
static const rt_hop relayed_back[] = {{0, 3, 1, 0, 1}, {0, 1, 0, 0, 0}, {0, 3, 1, 2, 1},
                                      {1, 1, 0, 0, 1}, {1, 1, 2, 2, 1}, {2, 3, 1, 1, 1},
                                      {2, 1, 2, 2, 0}};
static const rt_hop paired[] = {
    {0, 0, 1, 0, 0}, {0, 1, 3, 1, 1}, {1, 0, 3, 0, 1}, {1, 2, 1, 2, 0}, {2, 2, 3, 2, 1}};
static const rt_hop paired_back[] = {
    {0, 1, 0, 0, 0}, {0, 3, 1, 1, 1}, {1, 3, 0, 0, 1}, {1, 1, 2, 2, 0}, {2, 3, 2, 2, 1}};
#define STAGED(exact, chunk, in_flight, there, back)                                               \
    {                                                                                              \
        "x", 3, 2, sources, targets, 2, exact, chunk, in_flight, ROW, META,                        \
            sizeof there / sizeof *there, sizeof back / sizeof *back, there, back                  \
    }
#define EXCHANGE(exact, chunk, in_flight)                                                          \
    { "x", 3, 2, sources, targets, 2, exact, chunk, in_flight, ROW, META, 0, 0, NULL, NULL }
static const rt_exchange exchanges[EXCHANGES] = {
    EXCHANGE(false, 0, 1),
    EXCHANGE(true, 0, 1),
    EXCHANGE(false, 2, 1),
    EXCHANGE(true, 2, 1),
    EXCHANGE(true, 1, 3),
    STAGED(false, 0, 1, relayed, relayed_back),
    STAGED(false, 2, 2, relayed, relayed_back),
    STAGED(true, 2, 1, paired, paired_back),
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
    if (strncmp(fault, "stop", 4) == 0)
        raise(SIGSTOP);
    if (strncmp(fault, "busy", 4) == 0) {
        const char *seconds = getenv("RT_TEST_SECONDS");
        double begin = rt_now(), end = begin + (seconds ? atof(seconds) : 1.5);
        while (rt_now() < end)
            continue;
    }
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
static const char *const streams[] = {"compute"};
static const bool urgent[] = {false};

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
    float *buffer = moves_at(rank, AT_BUFFER);
    for (int64_t i = 0; i < count; ++i)
        buffer[i] = element(rank->id, layer, i);
}

static float sum_over(const rt_channel *channel, int layer, int64_t i) {
    float sum = 0;
    for (int m = 0; m < channel->members; ++m)
        sum += element(channel->ranks[m], layer, i);
    return sum;
}

/* The last layer's are big: both ways of a collective are taken. */
static int64_t sum_units(int layer) {
    return layer == LAYERS - 1 ? MOST_UNITS : UNITS;
}
static int64_t scatter_units(int layer) {
    return layer == LAYERS - 1 ? UNITS : 23;
}

static rt_status check_sum(rt_rank *rank, int layer) {
    if (strncmp(fault_of(rank), "skip", 4) == 0 && rank->step->decode)
        return RT_OK;
    const int64_t units = sum_units(layer), elements = units * UNIT / 4, unit = UNIT / 4;
    rt_collective args = {AT_BUFFER, units, UNIT, RT_F32};
    float *buffer = moves_at(rank, AT_BUFFER);
    fill_floats(rank, layer, elements);
    MOVE(rt_all_reduce(rank, OP_SUM, layer, 0, &args));
    for (int64_t i = 0; i < elements; ++i) {
        bool inside = i >= units * 1 / 5 * unit && i < units * 4 / 5 * unit;
        EXPECT(buffer[i] ==
               (inside ? sum_over(&channels[0], layer, i) : element(rank->id, layer, i)));
    }
    return RT_OK;
}

static rt_status check_scatter(rt_rank *rank, int layer) {
    const int64_t units = scatter_units(layer), unit = 3;
    rt_collective args = {AT_BUFFER, units, unit * 4, RT_F32};
    float *buffer = moves_at(rank, AT_BUFFER);
    fill_floats(rank, layer, units * unit);
    MOVE(rt_reduce_scatter(rank, OP_SCATTER, layer, 1, &args));
    int64_t begin = rank->id == 0 ? 0 : units * 3 / 7 * unit;
    int64_t end = rank->id == 3 ? units * unit : units * 3 / 7 * unit;
    for (int64_t i = 0; i < units * unit; ++i)
        EXPECT(buffer[i] == (i >= begin && i < end ? sum_over(&channels[1], layer, i)
                                                   : element(rank->id, layer, i)));
    MOVE(rt_all_gather(rank, OP_GATHER, layer, 1, &args));
    for (int64_t i = 0; i < units * unit; ++i)
        EXPECT(buffer[i] == sum_over(&channels[1], layer, i));
    return RT_OK;
}

/* Sums of 16-bit types are exact here: small multiples of a quarter. */
static rt_status check_sum16(rt_rank *rank, int layer, rt_type type) {
    const int64_t units = 1100;
    rt_collective args = {AT_BUFFER, units, 2, type};
    uint16_t *buffer = moves_at(rank, AT_BUFFER);
    for (int64_t i = 0; i < units; ++i)
        buffer[i] = type == RT_BF16 ? rt_to_bf16(element(rank->id, layer, i))
                                    : rt_to_f16(element(rank->id, layer, i));
    MOVE(rt_all_reduce(rank, OP_SUM16, layer, 0, &args));
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
    int32_t *out = moves_at(rank, at);
    for (int i = 0; i < words; ++i)
        out[i] = word_of(s, t, row, i, layer);
}
static bool same_words(rt_rank *rank, int64_t at, int words, int s, int t, int row, int layer) {
    const int32_t *in = moves_at(rank, at);
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
    rt_dispatch_args args = {-1, -1, -1, -1, -1, -1, -1, -1};
    int first = 0;
    if (s >= 0) {
        args.send_rows = AT_SEND;
        args.send_meta = AT_SEND_META;
        args.send_counts = AT_SEND_COUNTS;
        for (int j = 0; j < 2; ++j) {
            int count = dispatch_count(s, j, layer);
            ((int32_t *)moves_at(rank, AT_SEND_COUNTS))[j] = count;
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
    args.relay_rows = AT_BUFFER;
    args.relay_meta = AT_BUFFER + 64 * ROW;
    MOVE(rt_dispatch(rank, OP_DISPATCH, layer, 0, e, &args));
    first = 0;
    for (int i = 0; t >= 0 && i < 3; ++i) {
        int count = ((const int32_t *)moves_at(rank, AT_RECV_COUNTS))[i];
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
    rt_combine_args args = {-1, -1, -1, -1, -1};
    int first = 0;
    if (t >= 0) {
        args.send_rows = AT_SEND;
        args.send_counts = AT_SEND_COUNTS;
        for (int i = 0; i < 3; ++i) {
            int count = combine_count(i, t, layer);
            ((int32_t *)moves_at(rank, AT_SEND_COUNTS))[i] = count;
            for (int r = 0; r < count; ++r)
                put_words(rank, AT_SEND + (first + r) * ROW, ROW / 4, i, t, r, layer);
            first += combine_window(i, t);
        }
    }
    if (s >= 0) {
        args.recv_rows = AT_RECV;
        args.recv_counts = AT_RECV_COUNTS;
        for (int j = 0; j < 2; ++j)
            ((int32_t *)moves_at(rank, AT_RECV_COUNTS))[j] = combine_count(s, j, layer);
        const char *fault = fault_of(rank);
        if (strncmp(fault, "count", 5) == 0)
            ((int32_t *)moves_at(rank, AT_RECV_COUNTS))[0]++;
    }
    args.relay_rows = AT_BUFFER;
    MOVE(rt_combine(rank, OP_COMBINE, layer, 0, e, &args));
    first = 0;
    for (int j = 0; s >= 0 && j < 2; ++j) {
        int count = combine_count(s, j, layer);
        for (int r = 0; r < count; ++r)
            EXPECT(same_words(rank, AT_RECV + (first + r) * ROW, ROW / 4, s, j, r, layer));
        first += exchanges[e].exact ? count : combine_window(s, j);
    }
    return RT_OK;
}

#include "rt_pairs.h"
#include "rt_stages.h"

/* --- the step ------------------------------------------------------------------------------------------- */

int32_t moves_next(int32_t id, int32_t position) {
    return (id * 5 + position * 3 + 1) % VOCABULARY;
}

static rt_status check_requests(rt_rank *rank, int tokens) {
    const int32_t *ids = moves_at(rank, AT_IDS), *positions = moves_at(rank, AT_POSITIONS);
    int32_t *next = moves_at(rank, AT_NEXT);
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
                next[s] = moves_next(id, position);
        }
    }
    return RT_OK;
}

static rt_status step(rt_rank *rank, int tokens) {
    rt_begin_args begin = {AT_IDS, AT_POSITIONS, 0, BATCH, tokens};
    rt_finish_args finish = {AT_NEXT, 0, BATCH, rank->id == 1};
    int32_t *state = moves_at(rank, AT_STATE);
    RT_TRY(moves_get(rank));
    EXPECT(*state == (rank->step->decode ? (int32_t)rank->made : 0));
    (*state)++;
    MOVE(rt_begin(rank, OP_BEGIN, -1, &begin));
    RT_TRY(check_requests(rank, tokens));
    for (int layer = 0; layer < LAYERS; ++layer) {
        RT_TRY(check_sum(rank, layer));
        if (rank->id != 2)
            RT_TRY(check_scatter(rank, layer));
        RT_TRY(check_sum16(rank, layer, layer % 2 ? RT_F16 : RT_BF16));
        RT_TRY(rt_launch(rank, OP_CHECK, layer, 0, NULL));
        RT_TRY(check_pairs(rank, layer));
        RT_TRY(check_stage(rank, layer));
        for (int e = 0; e < EXCHANGES; ++e) {
            RT_TRY(check_dispatch(rank, layer, e));
            RT_TRY(check_combine(rank, layer, e));
        }
    }
    RT_TRY(moves_put(rank));
    return rt_finish(rank, OP_FINISH, -1, &finish);
}
static rt_status prefill(rt_rank *rank) {
    return step(rank, PROMPT);
}
static rt_status decode(rt_rank *rank) {
    return step(rank, 1);
}

static const rt_step_fn prefills[] = {prefill}, decodes[] = {decode};
static const rt_step steps[] = {{"prefill", false, false, PROMPT, prefills},
                                {"decode", true, true, 1, decodes}};
static const rt_role roles[] = {{"worker", SLAB, AT_STATE, 64, ops, OPS}};
static const rt_place places[WORLD] = {
    {0, 0, 0, 0, weights, 1}, {0, 1, 0, 1, NULL, 0}, {0, 2, 1, 0, NULL, 0}, {0, 3, 1, 1, NULL, 0}};
static const rt_node nodes[] = {{2, 1, 1e12, 2e-6, 1e12}, {2, 2, 1e12, 2e-6, 1e12}};
const rt_program moves_program = {
    .abi = RT_ABI_VERSION,
    .name = "moves",
    .version = "test",
    .digest = "0123456789abcdef",
    .schedule = "123456789abcdef0",
    .certificate = "23456789abcdef01",
    .world = WORLD,
    .roles = 1,
    .steps = 2,
    .channels = 5,
    .exchanges = EXCHANGES,
    .kinds = KINDS,
    .kernels = 1,
    .streams = 1,
    .places = places,
    .role = roles,
    .step = steps,
    .channel = channels,
    .exchange = exchanges,
    .kind = kinds,
    .kernel = kernels,
    .stream = streams,
    .urgent = urgent,
    .module = MOVES_MODULE,
    .nodes = 2,
    .node = nodes,
    .network_seconds = 5e-6,
    .batch = BATCH,
    .prompt = PROMPT,
    .context = CONTEXT,
    .vocabulary = VOCABULARY,
    .copies = 1,
    .type = RT_F32,
    .initializer_range = 0.02f,
};

/* --- what is to come of it ------------------------------------------------------------------------------ */

int64_t moves_bytes(int from, int to) {
    int64_t bytes = 0;
    if (from == to)
        return 0;
    int64_t small = 1100 * 4 / 5 - 1100 / 5;
    for (int side = 0; side < 2; ++side) {
        int i = side ? from : to;
        for (int layer = 0; layer < LAYERS; ++layer) {
            int64_t units = sum_units(layer), elements = (units * 4 / 5 - units / 5) * (UNIT / 4);
            bytes += 4 * (elements * (i + 1) / 4 - elements * i / 4);
        }
        bytes += LAYERS * 2 * (small * (i + 1) / 4 - small * i / 4);
    }
    for (int layer = 0; layer < LAYERS; ++layer) {
        int64_t units = scatter_units(layer), first = units * 3 / 7;
        int64_t own[WORLD] = {first * 12, 0, 0, (units - first) * 12};
        if (from != 2 && to != 2)
            bytes += own[to] + own[from];
    }
    for (int e = 0; e < EXCHANGES; ++e)
        for (int layer = 0; layer < LAYERS; ++layer)
            for (int h = 0; h < exchanges[e].there_hops || h < exchanges[e].back_hops; ++h) {
                const rt_hop *there = &exchanges[e].there[h], *back = &exchanges[e].back[h];
                bool exact = exchanges[e].exact;
                if (h < exchanges[e].there_hops && there->from == from && there->to == to)
                    bytes += 4 + (ROW + META) *
                                     (exact ? dispatch_count(there->source, there->target, layer)
                                            : sources[there->source].count);
                if (h < exchanges[e].back_hops && back->from == from && back->to == to)
                    bytes += ROW * (exact ? combine_count(back->source, back->target, layer)
                                          : combine_window(back->source, back->target));
            }
    for (int e = 0; e < EXCHANGES; ++e)
        for (int layer = 0; layer < LAYERS && !exchanges[e].there_hops; ++layer)
            for (int s = 0; s < 3; ++s)
                for (int t = 0; t < 2; ++t) {
                    bool exact = exchanges[e].exact;
                    if (sources[s].rank == from && targets[t].rank == to)
                        bytes += 4 + (ROW + META) *
                                         (exact ? dispatch_count(s, t, layer) : sources[s].count);
                    if (sources[s].rank == to && targets[t].rank == from)
                        bytes += ROW * (exact ? combine_count(s, t, layer) : combine_window(s, t));
                }
    int64_t sends;
    if (from % 2 == to % 2)
        bytes += LAYERS * transferred(from > to, &sends);
    bytes += stage_bytes(from, to);
    return bytes;
}

void moves_operations(int rank, int64_t counts[KINDS]) {
    const int64_t scatters = rank == 2 ? 0 : LAYERS, exchanged = LAYERS * EXCHANGES;
    const int64_t all[8] = {1, 2 * LAYERS, scatters, scatters, LAYERS, exchanged, exchanged, 1};
    memcpy(counts, all, sizeof all);
    for (int received = 0; received < 2; ++received) {
        transferred((rank > 1) != received, &counts[8 + received]);
        counts[8 + received] *= LAYERS;
    }
    counts[10] = LAYERS;
}
