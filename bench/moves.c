/* moves: the runtime's moves against an MPI's, in the same processes: mpirun starts the ranks, each takes its
 * place in both worlds, and batches of ours and theirs alternate, so that noise hits both alike.
 *
 * A cell is a move at a size; size is bytes of the buffer of a rank. Before and after its timing both sides
 * work on integers whose sums are exact in float, and all of the result is compared. A batch is as many
 * repetitions as fill BENCH_BATCH_MS; its time is that of the slowest rank. Repetitions follow one another
 * without a barrier between them, as in a program.
 *
 *   BENCH_OUT        file of lines: label move ranks bytes side repetitions batch microseconds
 *   BENCH_LABEL      first word of them: the MPI's settings
 *   BENCH_BATCHES    of each side in a cell; BENCH_BATCH_MS; BENCH_MOVES (names, space between)
 *   BENCH_MIN, BENCH_MAX, BENCH_FACTOR    sizes
 *
 * Both buffers of the runtime lie in the slab, those of MPI in private memory. It owns both. */
#include "core/rank.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_RANKS = 64, MOST_SIZES = 32, ROW_MOST = 4096, META = 4, META_ROOM = 1 << 20 };
enum { CHANNEL_ALL, CHANNEL_EACH, CHANNEL_SHIFT, CHANNEL_HALVES, CHANNELS };
enum { PADDED, EXACT, MODES };

/* Of the stages of transfers, shift sends each rank's buffer to the next rank, as a ring does; halves adds to the half
 * that a rank keeps what its neighbour has there, as halving does. */
typedef enum Move {
    ALL_REDUCE,
    REDUCE_SCATTER,
    ALL_TO_ALL_PADDED,
    ALL_TO_ALL_EXACT,
    SHIFT,
    HALVES,
    MOVES
} Move;
static const char *const move_names[MOVES] = {"all-reduce",        "reduce-scatter",
                                              "all-to-all-padded", "all-to-all-exact",
                                              "transfer-shift",    "transfer-halves"};

typedef struct Settings {
    int64_t least, most, factor;
    int batches;
    double batch_s;
    const char *out, *label, *moves;
} Settings;

/* Tables of the program for a number of ranks; the owner is main. */
typedef struct Tables {
    int sizes;
    int32_t ranks[MOST_RANKS], own[CHANNELS][MOST_RANKS][2];
    rt_channel channels[CHANNELS];
    rt_transfer_item shift[MOST_RANKS], halves[MOST_RANKS];
    rt_end ends[MOST_SIZES][MOST_RANKS], slots[MOST_RANKS];
    rt_exchange exchanges[MOST_SIZES * MODES];
    rt_op ops[MOVES];
    rt_place places[MOST_RANKS];
    rt_role role;
    char digest[24];
} Tables;

/* One rank's view of a cell. */
typedef struct Cell {
    rt_rank *rank;
    Move move;
    int64_t bytes, most;
    int size; /* index of it */
    int ranks, me;
    float *ours_in, *ours_out, *mpi_in, *mpi_out;
} Cell;

/* --- settings and tables --------------------------------------------------------------------------------- */

static int64_t setting(const char *name, int64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static Settings settings_read(void) {
    return (Settings){.least = setting("BENCH_MIN", 1 << 10),
                      .most = setting("BENCH_MAX", 16 << 20),
                      .factor = setting("BENCH_FACTOR", 4),
                      .batches = (int)setting("BENCH_BATCHES", 7),
                      .batch_s = (double)setting("BENCH_BATCH_MS", 20) * 1e-3,
                      .out = getenv("BENCH_OUT"),
                      .label = getenv("BENCH_LABEL"),
                      .moves = getenv("BENCH_MOVES")};
}

static int64_t slab_send_meta(int64_t most) {
    return 2 * most;
}
static int64_t slab_recv_meta(int64_t most) {
    return slab_send_meta(most) + META_ROOM;
}
static int64_t slab_counts(int64_t most) {
    return slab_recv_meta(most) + META_ROOM;
}

/* What a rank sends to one other is cut into rows of at most ROW_MOST bytes. */
static void tables_exchange(Tables *t, int size, int ranks, int64_t bytes) {
    int64_t pair = bytes / ranks, row = pair < ROW_MOST ? pair : ROW_MOST;
    for (int i = 0; i < ranks; ++i)
        t->ends[size][i] = (rt_end){i, (int32_t)(pair / row)};
    for (int mode = 0; mode < MODES; ++mode)
        t->exchanges[size * MODES + mode] = (rt_exchange){.name = "all-to-all",
                                                          .sources = ranks,
                                                          .targets = ranks,
                                                          .source = t->ends[size],
                                                          .target = t->slots,
                                                          .top_k = 1,
                                                          .exact = mode == EXACT,
                                                          .in_flight = 1,
                                                          .row_bytes = (int32_t)row,
                                                          .meta_bytes = META};
}

static void tables_fill(Tables *t, const Settings *s, int ranks) {
    for (int i = 0; i < ranks; ++i) {
        t->ranks[i] = i;
        t->own[CHANNEL_ALL][i][1] = ranks;
        t->own[CHANNEL_EACH][i][0] = i;
        t->own[CHANNEL_EACH][i][1] = i + 1;
        t->slots[i] = (rt_end){i, 1};
        t->places[i] = (rt_place){.index = i, .gpu = i};
    }
    int paired = ranks / 2 * 2; /* a last one has no neighbour */
    for (int i = 0; i < ranks; ++i) {
        t->shift[i] = (rt_transfer_item){i, (i + 1) % ranks, 0, 1, false};
        t->halves[i] = (rt_transfer_item){i, i ^ 1, (i ^ 1) & 1, ((i ^ 1) & 1) + 1, true};
    }
    for (int c = 0; c < CHANNEL_SHIFT; ++c)
        t->channels[c] = (rt_channel){"world", ranks, t->ranks, ranks, t->own[c][0], 0, NULL};
    t->channels[CHANNEL_SHIFT] = (rt_channel){"shift", ranks, t->ranks, 1, NULL, ranks, t->shift};
    t->channels[CHANNEL_HALVES] =
        (rt_channel){"halves", ranks, t->ranks, 2, NULL, paired, t->halves};
    for (int64_t bytes = s->least; bytes <= s->most && t->sizes < MOST_SIZES; bytes *= s->factor)
        tables_exchange(t, t->sizes++, ranks, bytes);
    for (int m = 0; m < MOVES; ++m)
        t->ops[m] = (rt_op){.kind = move_names[m],
                            .part = "bench",
                            .kind_index = (int16_t)m,
                            .waits = {-1},
                            .provenance = "bench"};
    t->role = (rt_role){.name = "bench",
                        .slab_bytes = slab_counts(s->most) + 2 * MOST_RANKS * 4,
                        .ops = t->ops,
                        .op_count = MOVES};
    snprintf(t->digest, sizeof t->digest, "%016x", (unsigned)ranks);
}

/* --- the two sides ---------------------------------------------------------------------------------------- */

static rt_status run_ours(Cell *c) {
    rt_collective args = {0, c->ranks, c->bytes / c->ranks, RT_F32};
    if (c->move == ALL_REDUCE)
        return rt_all_reduce(c->rank, c->move, 0, CHANNEL_ALL, &args);
    if (c->move == REDUCE_SCATTER)
        return rt_reduce_scatter(c->rank, c->move, 0, CHANNEL_EACH, &args);
    if (c->move == SHIFT || c->move == HALVES) {
        rt_transfer_args transfer = {0, c->bytes / 4, 4, c->most, c->bytes, RT_F32};
        return rt_transfer(c->rank, c->move, 0, c->move == SHIFT ? CHANNEL_SHIFT : CHANNEL_HALVES,
                           &transfer);
    }
    int mode = c->move == ALL_TO_ALL_EXACT ? EXACT : PADDED;
    int64_t counts = slab_counts(c->most);
    rt_dispatch_args dispatch = {.send_meta = slab_send_meta(c->most),
                                 .send_counts = counts,
                                 .recv_rows = c->most,
                                 .recv_meta = slab_recv_meta(c->most),
                                 .recv_counts = counts + MOST_RANKS * 4};
    return rt_dispatch(c->rank, c->move, 0, CHANNEL_ALL, c->size * MODES + mode, &dispatch);
}

static int mpi_shift(Cell *c, int all) {
    return MPI_Sendrecv_replace(c->mpi_in, all, MPI_FLOAT, (c->me + 1) % c->ranks, 0,
                                (c->me + c->ranks - 1) % c->ranks, 0, MPI_COMM_WORLD,
                                MPI_STATUS_IGNORE);
}

/* The half that a rank keeps begins there; the whole ends at 2. */
static int64_t half_at(int64_t all, int which) {
    return all * which / 2;
}

static int mpi_halves(Cell *c, int all) {
    int other = c->me ^ 1;
    if (other >= c->ranks)
        return MPI_SUCCESS;
    int64_t mine = half_at(all, c->me & 1), count = half_at(all, (c->me & 1) + 1) - mine;
    int64_t theirs = half_at(all, other & 1);
    int error =
        MPI_Sendrecv(c->mpi_in + theirs, (int)(all - count), MPI_FLOAT, other, 0, c->mpi_out,
                     (int)count, MPI_FLOAT, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int64_t i = 0; i < count; ++i)
        c->mpi_in[mine + i] += c->mpi_out[i];
    return error;
}

static rt_status run_mpi(Cell *c) {
    int all = (int)(c->bytes / 4), each = all / c->ranks, error;
    if (c->move == ALL_REDUCE)
        error = MPI_Allreduce(MPI_IN_PLACE, c->mpi_in, all, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    else if (c->move == REDUCE_SCATTER)
        error = MPI_Reduce_scatter_block(c->mpi_in, c->mpi_out, each, MPI_FLOAT, MPI_SUM,
                                         MPI_COMM_WORLD);
    else if (c->move == SHIFT)
        error = mpi_shift(c, all);
    else if (c->move == HALVES)
        error = mpi_halves(c, all);
    else
        error =
            MPI_Alltoall(c->mpi_in, each, MPI_FLOAT, c->mpi_out, each, MPI_FLOAT, MPI_COMM_WORLD);
    return error == MPI_SUCCESS ? RT_OK : RT_SOFTWARE;
}

static float element(int rank, int64_t i) {
    return (float)((i * 7 + (int64_t)rank * 13) % 31);
}

/* What is to stand at element i of the buffer after a stage of transfers. */
static float transferred(const Cell *c, int64_t i) {
    if (c->move == SHIFT)
        return element((c->me + c->ranks - 1) % c->ranks, i);
    int64_t all = c->bytes / 4, half = c->me & 1;
    bool kept =
        (c->me ^ 1) < c->ranks && i >= half_at(all, (int)half) && i < half_at(all, (int)half + 1);
    return element(c->me, i) + (kept ? element(c->me ^ 1, i) : 0);
}

static rt_status check_side(Cell *c, bool mpi) {
    int64_t count = c->bytes / 4, each = count / c->ranks, first = c->me * each;
    float *in = mpi ? c->mpi_in : c->ours_in, *out = mpi ? c->mpi_out : c->ours_out;
    for (int64_t i = 0; i < count; ++i) {
        in[i] = element(c->me, i);
        out[i] = -1;
    }
    for (int i = 0; i < c->ranks; ++i)
        ((int32_t *)rt_at(c->rank, slab_counts(c->most)))[i] =
            c->rank->program->exchange[c->size * MODES].source[i].count;
    RT_TRY(mpi ? run_mpi(c) : run_ours(c));
    for (int64_t i = 0; i < (c->move == REDUCE_SCATTER ? each : count); ++i) {
        float got, want = 0;
        if (c->move == ALL_REDUCE || c->move == REDUCE_SCATTER) {
            int64_t at = c->move == REDUCE_SCATTER ? first + i : i;
            for (int r = 0; r < c->ranks; ++r)
                want += element(r, at);
            got = c->move == ALL_REDUCE ? in[i] : mpi ? out[i] : in[at];
        } else if (c->move == SHIFT || c->move == HALVES) {
            want = transferred(c, i);
            got = in[i];
        } else {
            want = element((int)(i / each), first + i % each);
            got = out[i];
        }
        if (got != want)
            return rt_fail(c->rank, RT_SOFTWARE,
                           "%s of %lld bytes by %s: element %lld is %g, not %g",
                           move_names[c->move], (long long)c->bytes, mpi ? "MPI" : "the runtime",
                           (long long)i, (double)got, (double)want);
    }
    return RT_OK;
}

/* Zeros stay zeros under all moves, so that repetitions do not overflow. */
static rt_status check_both(Cell *c) {
    for (int mpi = 0; mpi < 2; ++mpi)
        RT_TRY(check_side(c, mpi));
    memset(c->ours_in, 0, (size_t)c->bytes);
    memset(c->mpi_in, 0, (size_t)c->bytes);
    return RT_OK;
}

/* --- timing ----------------------------------------------------------------------------------------------- */

/* Seconds of `count` repetitions on the slowest rank. */
static rt_status time_batch(Cell *c, bool mpi, int64_t count, double *seconds) {
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = MPI_Wtime();
    for (int64_t i = 0; i < count; ++i)
        RT_TRY(mpi ? run_mpi(c) : run_ours(c));
    *seconds = MPI_Wtime() - begin;
    MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return RT_OK;
}

static rt_status calibrate(Cell *c, bool mpi, const Settings *s, int64_t *count) {
    double seconds;
    *count = 1;
    do { /* also the warm-up */
        RT_TRY(time_batch(c, mpi, *count, &seconds));
        *count *= seconds < s->batch_s / 4 ? 4 : 1;
    } while (seconds < s->batch_s / 4);
    double fill = (double)*count * s->batch_s / seconds;
    *count = fill < 2 ? 2 : (int64_t)fill;
    return RT_OK;
}

static rt_status time_cell(Cell *c, const Settings *s, FILE *out) {
    int64_t count[2];
    RT_TRY(check_both(c));
    for (int mpi = 0; mpi < 2; ++mpi)
        RT_TRY(calibrate(c, mpi, s, &count[mpi]));
    for (int batch = 0; batch < s->batches; ++batch)
        for (int turn = 0; turn < 2; ++turn) {
            bool mpi = (batch + turn) % 2;
            double seconds;
            RT_TRY(time_batch(c, mpi, count[mpi], &seconds));
            if (out)
                fprintf(out, "%s %s %d %lld %s %lld %d %.3f\n", s->label ? s->label : "-",
                        move_names[c->move], c->ranks, (long long)c->bytes, mpi ? "theirs" : "ours",
                        (long long)count[mpi], batch, seconds / (double)count[mpi] * 1e6);
        }
    return check_both(c);
}

static rt_status run_cells(rt_rank *rank, const Settings *s, Cell *cell, FILE *out) {
    for (int m = 0; m < MOVES; ++m) {
        if (s->moves && *s->moves && !strstr(s->moves, move_names[m]))
            continue;
        int size = 0;
        for (int64_t bytes = s->least; bytes <= s->most; bytes *= s->factor) {
            cell->move = (Move)m;
            cell->bytes = bytes;
            cell->size = size++;
            RT_TRY(time_cell(cell, s, out));
        }
    }
    return RT_OK;
}

static rt_status step(rt_rank *rank) {
    Settings s = settings_read();
    Cell cell = {.rank = rank,
                 .most = s.most,
                 .ranks = rank->program->world,
                 .me = rank->id,
                 .ours_in = rt_at(rank, 0),
                 .ours_out = rt_at(rank, s.most),
                 .mpi_in = malloc((size_t)s.most),
                 .mpi_out = malloc((size_t)s.most)};
    FILE *out = rank->id == 0 && s.out ? fopen(s.out, "a") : NULL;
    rt_status status = RT_OK;
    if (!cell.mpi_in || !cell.mpi_out || (rank->id == 0 && !out))
        status = rt_fail(rank, RT_UNAVAILABLE, "no memory, or BENCH_OUT cannot be written");
    if (status == RT_OK)
        status = run_cells(rank, &s, &cell, out);
    if (out && fclose(out) != 0 && status == RT_OK)
        status = rt_fail(rank, RT_CANTCREAT, "BENCH_OUT cannot be written");
    free(cell.mpi_in);
    free(cell.mpi_out);
    return status;
}

/* --- the program ------------------------------------------------------------------------------------------ */

/* The verb `run` wants one sequence of one token. */
static rt_status tokens_write(const char *path, const char *digest) {
    static const int32_t one[] = {1}, zero[] = {0};
    rt_error error = {0};
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {1}, one},
                               {"ids", RT_I32, 2, {1, 1}, zero},
                               {"max_new", RT_I32, 1, {1}, one}};
    return rt_arrays_write(path, digest, arrays, 3, &error);
}

int main(int argc, char **argv) {
    int ranks, me;
    char path[64];
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    Settings settings = settings_read();
    Tables *tables = calloc(1, sizeof *tables);
    if (!tables || ranks < 2 || ranks > MOST_RANKS || settings.least < 4 * ranks)
        MPI_Abort(MPI_COMM_WORLD, RT_USAGE);
    tables_fill(tables, &settings, ranks);
    const rt_step_fn run[] = {step};
    const rt_step steps[] = {{"prefill", false, 1, run}};
    const rt_program program = {.abi = RT_ABI_VERSION,
                                .name = "moves",
                                .version = "bench",
                                .digest = tables->digest,
                                .schedule = "123456789abcdef0",
                                .certificate = "23456789abcdef01",
                                .world = ranks,
                                .roles = 1,
                                .steps = 1,
                                .channels = CHANNELS,
                                .exchanges = tables->sizes * MODES,
                                .kinds = MOVES,
                                .places = tables->places,
                                .role = &tables->role,
                                .step = steps,
                                .channel = tables->channels,
                                .exchange = tables->exchanges,
                                .kind = move_names,
                                .batch = 1,
                                .prompt = 1,
                                .context = 2,
                                .vocabulary = 2,
                                .copies = 1,
                                .type = RT_F32};
    snprintf(path, sizeof path, "/tmp/bench-moves-%d-%d", (int)getpid(), me);
    int status = tokens_write(path, tables->digest);
    char *line[] = {"moves", "run", "--tokens", path, "--timeout-ms", "30000", "-q", NULL};
    if (status == RT_OK)
        status = rt_main(&program, 7, line);
    unlink(path);
    free(tables);
    if (status != RT_OK)
        MPI_Abort(MPI_COMM_WORLD, status);
    MPI_Finalize();
    return 0;
}
