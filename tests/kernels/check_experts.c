/* From packing to the weighted sum, through all ranks of the exchanges that kernels.sh wrote: the moves are done
 * here as rt.h describes them, so that windows, metadata and the order of results are checked against
 * that text and not against the kernels. Route tables: row 0 is nobody's, row 1 is used. */
#include "check.h"

enum { MOST_ROWS = 261, EXCHANGES = 3, LONG_EXCHANGE = 3, ROUTES = 1 };

/* Who chooses what: rows some experts each, but not all rows; nobody any; all rows of every other source the same. */
typedef enum Draw { DRAW_ANY, DRAW_NONE, DRAW_ALIKE, DRAWS } Draw;

/* Weights of all experts of a layer: [expert][columns][H] and [expert][H][columns]. */
static int64_t gate, up, down, gate_bias, up_bias, down_bias;

typedef struct Source {
    int64_t in, choice, share, residual, rows, meta, counts, back, returns, returned;
} Source;
typedef struct Target {
    int64_t rows, meta, counts, out, out_counts;
} Target;

static Source sources[SOURCES];
static Target targets[TARGETS];
static double expected[SOURCES][MOST_ROWS * HIDDEN];

static double activation(double x) {
    if (ACTIVATION == 0)
        return x / (1 + exp(-x));
    if (ACTIVATION == 1)
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

static double project(int64_t in, int64_t row, int64_t weight, int64_t bias, int64_t output) {
    double sum = bias < 0 ? 0 : element(bias, output);
    for (int64_t i = 0; i < HIDDEN; ++i)
        sum += element(in, row * HIDDEN + i) * element(weight, output * HIDDEN + i);
    return sum;
}

/* share x FFN of one expert, added to the expected row. */
static void expect_expert(int64_t in, int64_t row, int64_t expert, double share, double *to) {
    static double middle[EXPERT_HIDDEN];
    for (int64_t c = 0; c < EXPERT_HIDDEN; ++c) {
        int64_t output = expert * EXPERT_HIDDEN + c;
        double value = project(in, row, up, up_bias, output);
        middle[c] = GATED ? value * activation(project(in, row, gate, gate_bias, output))
                          : activation(value);
    }
    for (int64_t h = 0; h < HIDDEN; ++h) {
        double sum = element(down_bias, expert * HIDDEN + h);
        for (int64_t c = 0; c < EXPERT_HIDDEN; ++c)
            sum += middle[c] * element(down, (expert * HIDDEN + h) * EXPERT_HIDDEN + c);
        to[row * HIDDEN + h] += share * sum;
    }
}

/* Distinct experts of a row, none twice; then what all tokens pass, where it lies with them. */
static void draw_row(Draw draw, bool none, int64_t first, int64_t step, int32_t *choice) {
    for (int k = 1; k < TOP_K; ++k)
        if (k * step % EXPERTS == 0)
            step = 1;
    for (int k = 0; k < CHOICES; ++k) {
        bool dropped = draw == DRAW_ANY && k < TOP_K && random_below(6) == 0;
        choice[k] = k < TOP_K ? (int32_t)((first + k * step) % EXPERTS) : EXPERTS;
        choice[k] = none || dropped ? -1 : choice[k];
    }
}

/* Experts of each row; some rows masked, some choices dropped. */
static void draw_source(Source *s, double *to, int64_t index, int64_t rows, Draw draw) {
    s->in = slab_random(rows * HIDDEN, 1);
    s->residual = slab_random(rows * HIDDEN, 1);
    s->choice = slab_ints(NULL, rows * CHOICES);
    s->share = slab_ints(NULL, rows * CHOICES);
    int32_t *choice = slab_at(s->choice);
    float *share = slab_at(s->share);
    for (int64_t row = 0; row < rows; ++row) {
        if (draw == DRAW_ANY)
            draw_row(draw, row % 5 == 4, random_below(EXPERTS), 1 + random_below(3),
                     choice + row * CHOICES);
        else
            draw_row(draw, draw == DRAW_NONE || index % 2, 1, 1, choice + row * CHOICES);
        for (int k = 0; k < CHOICES; ++k)
            share[row * CHOICES + k] = (float)(0.1 + fabs(random_real(1)));
    }
    for (int64_t i = 0; i < rows * HIDDEN; ++i)
        to[i] = element(s->residual, i);
    for (int64_t i = 0; i < rows * CHOICES; ++i)
        if (choice[i] >= 0)
            expect_expert(s->in, i / CHOICES, choice[i], (double)share[i], to);
}

static void pack_source(Source *s, const rt_exchange *x, int64_t index, int64_t rows) {
    int64_t results = 0;
    for (int t = 0; t < x->targets; ++t)
        results += rows * min_of(CHOICES, x->target[t].count);
    s->rows = slab_zero(rows * x->targets * HIDDEN);
    s->meta = slab_ints(NULL, rows * x->targets * CHOICES);
    s->counts = slab_ints(NULL, x->targets);
    s->returns = slab_ints(NULL, x->targets);
    s->back = slab_ints(NULL, rows * CHOICES * PARTS);
    s->returned = slab_random(results * HIDDEN, 1);
    launch("pack", kernel_pack,
           &(struct pack_args){
               .in = s->in,
               .choice = s->choice,
               .send_rows = s->rows,
               .send_meta = s->meta,
               .send_counts = s->counts,
               .back = s->back,
               .returns = s->returns,
               .rows = (int32_t)rows,
               .routes = ROUTES,
               .exchange = (int32_t)index,
           });
}

static void copy(int64_t to, int64_t to_row, int64_t from, int64_t from_row, int64_t rows,
                 int64_t row_bytes) {
    memcpy((char *)slab_at(to) + to_row * row_bytes, (char *)slab_at(from) + from_row * row_bytes,
           (size_t)(rows * row_bytes));
}

/* rt_dispatch, as its text says. */
static void dispatch(const rt_exchange *x, int target) {
    Target *t = &targets[target];
    int64_t bound = 0;
    for (int s = 0; s < x->sources; ++s) {
        const int32_t *counts = slab_at(sources[s].counts);
        int64_t from = 0;
        for (int j = 0; j < target; ++j)
            from += x->exact ? counts[j] : x->source[s].count;
        copy(t->rows, bound, sources[s].rows, from, counts[target], x->row_bytes);
        copy(t->meta, bound, sources[s].meta, from, counts[target], x->meta_bytes);
        ((int32_t *)slab_at(t->counts))[s] = counts[target];
        bound += x->source[s].count;
    }
}

/* rt_combine, as its text says; a target that disagrees with what the source expects fails. */
static void combine(const rt_exchange *x, int source) {
    const int32_t *returns = slab_at(sources[source].returns);
    int64_t to = 0;
    for (int t = 0; t < x->targets; ++t) {
        int64_t from = 0, most = min_of(CHOICES, x->target[t].count);
        for (int s = 0; s < source; ++s)
            from += x->source[s].count * most;
        check(((int32_t *)slab_at(targets[t].out_counts))[source] == returns[t], "combine",
              "source and target disagree", t);
        copy(sources[source].returned, to, targets[t].out, from, returns[t], x->row_bytes);
        to += x->exact ? returns[t] : x->source[source].count * most;
    }
}

/* Columns [begin, end) of expert_hidden that a part holds. */
struct columns {
    int64_t begin, end;
};

static struct columns part_columns(int64_t expert, int part) {
    bool cut = routes[ROUTES][expert][1][0] >= 0;
    int64_t middle = cut ? EXPERT_HIDDEN / 2 + 3 : EXPERT_HIDDEN;
    return part == 0 ? (struct columns){0, middle} : (struct columns){middle, EXPERT_HIDDEN};
}

typedef enum Matrix { BY_COLUMN, ACROSS, OUTPUT_BIAS } Matrix;

/* Weights of the slots of a target. `inner` elements a column (BY_COLUMN: gate, up and their biases), or `outer`
 * rows of columns (ACROSS: down). Columns of other parts are zero; the output bias is added by the first part
 * alone. Slots are EXPERT_HIDDEN wide. */
static int64_t slot_weights(int target, int64_t slots, int64_t weight, Matrix matrix,
                            int64_t inner) {
    int64_t size = matrix == OUTPUT_BIAS ? HIDDEN : EXPERT_HIDDEN * inner;
    int64_t offset = slab_zero(slots * size);
    const elem_t *from = slab_at(weight);
    elem_t *to = slab_at(offset);
    for (int64_t e = 0; e < ROUTED; ++e)
        for (int part = 0; part < PARTS; ++part) {
            struct columns columns = part_columns(e, part);
            if (routes[ROUTES][e][part][0] != target)
                continue;
            for (int64_t i = 0; i < size; ++i) {
                int64_t column = matrix == BY_COLUMN ? i / inner : i % EXPERT_HIDDEN;
                bool held = matrix == OUTPUT_BIAS ? part == 0
                                                  : column >= columns.begin && column < columns.end;
                if (held)
                    to[routes[ROUTES][e][part][1] * size + i] = from[e * size + i];
            }
        }
    return offset;
}

/* The slots in two operations, as experts and what all tokens pass are. */
static void run_slots(const struct expert_ffn_args *all, int64_t first) {
    const int64_t weights = EXPERT_HIDDEN * (int64_t)sizeof(elem_t);
    struct expert_ffn_args a = *all;
    a.slots = (int32_t)first;
    if (first > 0)
        launch("expert_ffn", kernel_expert_ffn, &a);
    a.first = (int32_t)first;
    a.slots = all->slots - (int32_t)first;
    a.gate += GATED ? first * HIDDEN * weights : 0;
    a.gate_bias += GATED ? first * weights : 0;
    a.up += first * HIDDEN * weights;
    a.up_bias += first * weights;
    a.down += first * HIDDEN * weights;
    a.down_bias += first * HIDDEN * (int64_t)sizeof(elem_t);
    launch("expert_ffn", kernel_expert_ffn, &a);
}

/* Devices see what is wrong in windows that came from elsewhere, and write nothing beyond their own. */
static void check_faults(const struct expert_ffn_args *a, const rt_exchange *x) {
    int32_t *meta = slab_at(a->meta), *counts = slab_at(a->counts);
    int32_t had = meta[0], rows = counts[0];
    if (strcmp(target_name(), "cuda") != 0)
        return;
    counts[0] = 1;
    meta[0] = a->held;
    check(run_kernel(kernel_expert_ffn, a) == RT_SOFTWARE, "expert_ffn", "takes any slot", -1);
    meta[0] = had;
    for (int wrong = -1; wrong < 2; wrong += 2) {
        counts[0] = wrong < 0 ? wrong : x->source[0].count + wrong;
        check(run_kernel(kernel_expert_ffn, a) == RT_SOFTWARE, "expert_ffn", "takes any count",
              wrong);
    }
    counts[0] = rows;
    guards_intact("expert_ffn");
    check(run_kernel(kernel_expert_ffn, a) == RT_OK, "expert_ffn", "fails again", -1);
}

static void run_target(const rt_exchange *x, int64_t index, int target, Draw draw) {
    Target *t = &targets[target];
    int64_t rows = 0, slots = x->target[target].count;
    for (int s = 0; s < x->sources; ++s)
        rows += x->source[s].count;
    t->rows = slab_zero(rows * HIDDEN);
    t->meta = slab_ints(NULL, rows * CHOICES);
    t->counts = slab_ints(NULL, x->sources);
    t->out = slab_zero(rows * min_of(CHOICES, slots) * HIDDEN);
    t->out_counts = slab_ints(NULL, x->sources);
    dispatch(x, target);
    struct expert_ffn_args a = {
        .in = t->rows,
        .meta = t->meta,
        .counts = t->counts,
        .gate = GATED ? slot_weights(target, slots, gate, BY_COLUMN, HIDDEN) : -1,
        .gate_bias = GATED ? slot_weights(target, slots, gate_bias, BY_COLUMN, 1) : -1,
        .up = slot_weights(target, slots, up, BY_COLUMN, HIDDEN),
        .up_bias = slot_weights(target, slots, up_bias, BY_COLUMN, 1),
        .down = slot_weights(target, slots, down, ACROSS, HIDDEN),
        .down_bias = slot_weights(target, slots, down_bias, OUTPUT_BIAS, 1),
        .out = t->out,
        .out_counts = t->out_counts,
        .slots = (int32_t)slots,
        .held = (int32_t)slots,
        .columns = EXPERT_HIDDEN,
        .bound = (int32_t)rows,
        .exchange = (int32_t)index};
    a.workspace = slab_workspace(OP_expert_ffn, &a);
    run_slots(&a, slots / 2);
    if (index == 0 && draw == DRAW_ANY)
        check_faults(&a, x);
}

static void check_exchange(int64_t index, Draw draw) {
    const rt_exchange *x = &exchanges[index];
    slab_reset();
    gate = slab_random((int64_t)ROUTED * EXPERT_HIDDEN * HIDDEN, 0.2);
    up = slab_random((int64_t)ROUTED * EXPERT_HIDDEN * HIDDEN, 0.2);
    down = slab_random((int64_t)ROUTED * EXPERT_HIDDEN * HIDDEN, 0.2);
    gate_bias = slab_random(ROUTED * EXPERT_HIDDEN, 0.2);
    up_bias = slab_random(ROUTED * EXPERT_HIDDEN, 0.2);
    down_bias = slab_random(ROUTED * HIDDEN, 0.2);
    for (int s = 0; s < x->sources; ++s) {
        draw_source(&sources[s], expected[s], s, x->source[s].count, draw);
        pack_source(&sources[s], x, index, x->source[s].count);
    }
    for (int t = 0; t < x->targets; ++t)
        run_target(x, index, t, draw);
    for (int s = 0; s < x->sources; ++s) {
        combine(x, s);
        launch("weighted_sum", kernel_weighted_sum,
               &(struct weighted_sum_args){
                   .returned = sources[s].returned,
                   .back = sources[s].back,
                   .share = sources[s].share,
                   .base = sources[s].residual,
                   .out = sources[s].residual,
                   .rows = x->source[s].count,
               });
        check_elements("weighted_sum", sources[s].residual, expected[s],
                       x->source[s].count * HIDDEN);
    }
}

void check_experts(void) {
    for (int64_t index = 0; index < EXCHANGES; ++index)
        for (int draw = 0; draw < DRAWS; ++draw)
            check_exchange(index, (Draw)draw);
    if (HIDDEN * EXPERT_HIDDEN < 10000) /* for the time that references take */
        check_exchange(LONG_EXCHANGE, DRAW_ANY);
}
