/* anchors: prices of cost.h beside published measurements, as the page docs/prices.md. Each row of anchors.csv is a
 * move on a small cluster of its own, without a plan: a channel or an exchange among all ranks. Nothing is fitted.
 *
 *   anchors anchors.csv >docs/prices.md
 *
 * One arena owns all. */
#include "schedule/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 11, LINE = 1024, ROWS = 256 };

typedef struct Row {
    const char *regime, *what, *gpu, *source;
    int64_t nodes, gpus, nics, bytes;
    double link, nic, measured; /* bytes/s, s */
    double priced[COST_CASES];  /* s */
    const char *how;
} Row;

/* --- a cluster and a move ----------------------------------------------------------------------------------- */

static void cluster(Arena *arena, const Row *row, Plan *plan) {
    Topology *topology = &plan->inputs.topology;
    TopologyNode *node = LIST_PUSH(arena, &topology->nodes);
    *node =
        (TopologyNode){.name = "node", .count = row->nodes, .gpus = row->gpus, .nics = row->nics};
    node->nic_bandwidth = row->nic;
    node->gpu =
        (TopologyGpu){.type = row->gpu, .flops = 1e15, .flops_f32 = 1e13, .bandwidth = 2e12};
    node->link =
        (TopologyLink){.type = "nvlink", .bandwidth = row->link}; /* latency: the model's */
    topology->network = (TopologyNetwork){.type = "infiniband", .oversubscription = 1};
    for (int64_t rank = 0; rank < row->nodes * row->gpus; ++rank)
        *(PlanRank *)LIST_PUSH(arena, &plan->ranks) =
            (PlanRank){rank, rank / row->gpus, rank % row->gpus};
}

static void channel(Arena *arena, const Row *row, Schedule *schedule, bool gather) {
    Channel *all = LIST_PUSH(arena, &schedule->channels);
    int64_t world = row->nodes * row->gpus;
    all->pieces = world;
    for (int64_t rank = 0; rank < world; ++rank) {
        *(int64_t *)LIST_PUSH(arena, &all->ranks) = rank;
        *(Range *)LIST_PUSH(arena, &all->own) =
            gather ? (Range){rank, rank + 1} : (Range){0, world};
    }
}

/* Each rank sends an equal part of its buffer to every rank, itself included. */
static void exchange(Arena *arena, const Row *row, Schedule *schedule, Plan *plan) {
    Exchange *all = LIST_PUSH(arena, &schedule->exchanges);
    int64_t world = row->nodes * row->gpus;
    all->mode = MODE_PADDED;
    plan->inputs.workload.dtype = ELEMENT_BF16;
    plan->inputs.model = (Model){.hidden = row->bytes / world / 2, .top_k = 1, .experts = world};
    schedule->top_k = 1;
    schedule->experts = world;
    for (int64_t rank = 0; rank < world; ++rank) {
        *(ExchangeSource *)LIST_PUSH(arena, &all->sources) =
            (ExchangeSource){.rank = rank, .rows = {0, 1}, .tokens = 1};
        *(ExchangeTarget *)LIST_PUSH(arena, &all->targets) = (ExchangeTarget){rank, 1};
    }
}

static void price(Arena *arena, Row *row) {
    Plan plan = {0};
    Schedule schedule = {.plan = &plan, .world = row->nodes * row->gpus};
    Op op = {.kind = OP_send, .channel = 0, .exchange = 0};
    bool gather = strcmp(row->what, "all_gather") == 0;
    cluster(arena, row, &plan);
    if (strcmp(row->what, "all_to_all") == 0) {
        exchange(arena, row, &schedule, &plan);
        op.kind = OP_combine; /* without the meta data of a dispatch */
    } else {
        channel(arena, row, &schedule, gather);
    }
    if (gather || strcmp(row->what, "all_reduce") == 0) {
        op.kind = gather ? OP_all_gather : OP_all_reduce;
        op.args[op_arg((OpKind)op.kind, "units")].value = row->bytes;
        op.args[op_arg((OpKind)op.kind, "unit_bytes")].value = 1;
    } else if (op.kind == OP_send) {
        op.args[op_arg(OP_send, "bytes")].value = row->bytes;
    }
    for (int at = 0; at < COST_CASES; ++at) {
        CostDemand demand = cost_move(arena, &schedule, 0, &op, (CostCase)at);
        row->priced[at] = cost_alone(&demand);
        row->how = at == COST_EXPECTED ? demand.how : row->how;
    }
}

/* --- the data ----------------------------------------------------------------------------------------------- */

static bool read_row(Arena *arena, char *line, Row *row) {
    const char *cells[COLUMNS];
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < COLUMNS; ++i) {
        size_t length = i + 1 < COLUMNS ? strcspn(line, ",") : strlen(line);
        if (i + 1 < COLUMNS && line[length] != ',')
            return false;
        cells[i] = arena_strndup(arena, line, length);
        line += length + (i + 1 < COLUMNS);
    }
    *row = (Row){.regime = cells[0], .what = cells[1], .gpu = cells[2], .source = cells[10]};
    row->nodes = atoll(cells[3]);
    row->gpus = atoll(cells[4]);
    row->link = 1e9 * atof(cells[5]);
    row->nics = atoll(cells[6]);
    row->nic = 1e9 * atof(cells[7]);
    row->bytes = atoll(cells[8]);
    row->measured = atof(cells[9]);
    return row->nodes > 0 && row->gpus > 0 && row->bytes > 0 && row->measured > 0;
}

static int64_t read_rows(Arena *arena, const char *path, Row *rows) {
    char line[LINE];
    int64_t count = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file) && count < ROWS)
        if (line[0] != '#' && !read_row(arena, line, &rows[count++])) {
            fprintf(stderr, "anchors: row %d is not one\n", (int)count);
            count = -1;
            break;
        }
    fclose(file);
    return count;
}

/* --- the page ----------------------------------------------------------------------------------------------- */

static const char *seconds_text(char *text, double seconds) {
    snprintf(text, 24, seconds < 1e-3 ? "%.1f us" : "%.2f ms",
             seconds * (seconds < 1e-3 ? 1e6 : 1e3));
    return text;
}

static const char *bytes_text(char *text, int64_t bytes) {
    const char *unit = bytes >= 1 << 20 ? "MiB" : "KiB";
    snprintf(text, 24, "%.4g %s", (double)bytes / (bytes >= 1 << 20 ? 1 << 20 : 1 << 10), unit);
    return text;
}

static double error(const Row *row) {
    return row->priced[COST_EXPECTED] / row->measured - 1;
}

static bool within(const Row *row) {
    return row->measured >= row->priced[COST_LOW] && row->measured <= row->priced[COST_HIGH];
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summary(const Row *rows, int64_t count) {
    printf(
        "| regime | rows | median error | largest | within low to high |\n|---|---|---|---|---|\n");
    for (int64_t i = 0; i < count; ++i) {
        double errors[ROWS], largest = 0;
        int64_t n = 0, inside = 0;
        if (i > 0 && strcmp(rows[i].regime, rows[i - 1].regime) == 0)
            continue;
        for (int64_t k = 0; k < count; ++k) {
            if (strcmp(rows[k].regime, rows[i].regime) != 0)
                continue;
            errors[n++] = fabs(error(&rows[k]));
            largest = fabs(error(&rows[k])) > fabs(largest) ? error(&rows[k]) : largest;
            inside += within(&rows[k]);
        }
        qsort(errors, (size_t)n, sizeof *errors, by_size);
        double median = n % 2 ? errors[n / 2] : (errors[n / 2 - 1] + errors[n / 2]) / 2;
        printf("| %s | %d | %.0f %% | %+.0f %% | %d of %d |\n", rows[i].regime, (int)n,
               100 * median, 100 * largest, (int)inside, (int)n);
    }
}

static void table(const Row *rows, int64_t count) {
    printf("| regime | move | ranks | bytes | measured | priced (low to high) | error | by | "
           "source |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    for (int64_t i = 0; i < count; ++i) {
        const Row *row = &rows[i];
        char text[5][24];
        printf("| %s | %s | %s, %d x %d | %s | %s | %s (%s to %s) | %+.0f %%%s | %s | %s |\n",
               row->regime, row->what, row->gpu, (int)row->nodes, (int)row->gpus,
               bytes_text(text[0], row->bytes), seconds_text(text[1], row->measured),
               seconds_text(text[2], row->priced[COST_EXPECTED]),
               seconds_text(text[3], row->priced[COST_LOW]),
               seconds_text(text[4], row->priced[COST_HIGH]), 100 * error(row),
               within(row) ? "" : ", outside", row->how, row->source);
    }
}

static const char intro[] =
    "# Prices against published measurements\n\n"
    "What the default cost model says of moves that others measured and published, each alone on "
    "its "
    "cluster.\nNo expected value is fitted to them: latencies, protocols and the reach of links "
    "and NICs "
    "are NCCL's own constants\n(`lua/cost/roofline.lua`). The pessimistic reach of links and of "
    "NICs was "
    "taken from Vidur's rows, so that Vidur's lie\nwithin low to high is no evidence; of the "
    "others it is. "
    "Latencies of links and networks are left to the model (a\ntopology may state larger ones).\n\n"
    "`ninja prices-update` makes this page from `bench/anchors/anchors.csv`; a test holds it to "
    "what the "
    "code says.\nError: (priced - measured) / measured. *outside*: the measurement is not within "
    "low to "
    "high.\n\n";

static const char notes[] =
    "\n## How to read it\n\n"
    "- NCCL on one node: rows are lines through Vidur's, so small sizes are smoother than what was "
    "measured.\n  On A100 the published line is slower than NCCL's constants say, on H100 near to "
    "them.\n"
    "- MSCCL++ is another library: at kilobytes it takes a third to a half of NCCL's time, and "
    "NCCL's is "
    "what is priced\n  here. Its all-gather over two nodes is quicker than any ring: it crosses "
    "the network "
    "with less.\n"
    "- DeepEP sends by RDMA from the GPU, without a launch of NCCL's for each peer; it is limited "
    "by NICs "
    "all the same,\n  at these sizes. Times of the rows within a node follow from the bandwidth "
    "that is "
    "published.\n"
    "- SimAI's table gives shares of what NICs could move, not times; the NICs are taken as 8 of "
    "400 Gb/s a "
    "node. At\n  16 MiB many small messages make all-to-all slower than bytes and one latency "
    "explain: the "
    "model knows no cost of\n  a message, so such exchanges are priced too low, and its interval "
    "is too "
    "narrow there.\n"
    "- Vidur's sends between two A100 nodes are left out: 7 GB/s, over a network that is not "
    "told.\n";

int main(int argc, char **argv) {
    static Row rows[ROWS];
    Arena arena = {0};
    int64_t count = argc == 2 ? read_rows(&arena, argv[1], rows) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: anchors anchors.csv\n");
        return 2;
    }
    for (int64_t i = 0; i < count; ++i)
        price(&arena, &rows[i]);
    fputs(intro, stdout);
    summary(rows, count);
    printf("\n## Every row\n\n");
    table(rows, count);
    fputs(notes, stdout);
    arena_free(&arena);
    return 0;
}
