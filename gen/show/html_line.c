/* html_line: the time line in few bytes. Ranks that do the same at the same times share a lane once there are
 * many; of many layers the first and last are kept. Times are whole nanoseconds, each begin as the gap after
 * the operation before. Scratch is freed before return. */
#include "html_parts.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum {
    ALONE = 24,      /* so many ranks have lanes of their own */
    DRAWN = 64,      /* lanes of ranks at most */
    ITEMS = 24000,   /* operations at most, or layers are left out */
    KEPT_LAYERS = 2, /* of each end at least, when layers are left out */
    STREAM_COUNT = 4,
};

/* An operation as the page tells it; equal ones are told once. */
typedef struct Told {
    int64_t kind, part, microbatch;
    const char *text;
} Told;

typedef struct RankLine {
    IntList items;  /* of the time line, by begin */
    uint64_t print; /* equal for ranks that do the same at the same times */
    int64_t lane;   /* rank whose lane stands for this one */
    IntList alike;  /* ranks that the lane stands for */
    bool critical;
} RankLine;

typedef struct Line {
    const Schedule *schedule;
    const Timeline *line;
    Arena *scratch;
    RankLine *ranks;
    LIST_OF(Told) told;
    int64_t **told_of; /* [rank][op] index in told, -1: not yet */
    Range omitted;     /* layers */
    bool *critical;    /* [items] that of ranks which share a lane is the lane's */
    int64_t *number;   /* [items] in the order of the page, from 1; 0: not on it */
    int64_t lanes_left_out;
} Line;

static int64_t ns(double seconds) {
    return llround(seconds * 1e9);
}

static const Op *op_of(const Line *line, const TimelineItem *item) {
    return &line->schedule->ranks[item->rank].ops.items[item->op];
}

/* --- which ranks have lanes, which layers are kept
 * ------------------------------------------------------ */

static void mix(uint64_t *print, int64_t value) {
    for (int i = 0; i < 8; ++i)
        *print = (*print ^ ((uint64_t)value >> (8 * i) & 0xff)) * 0x100000001b3; /* FNV-1a */
}

static void take_items(Line *line) {
    for (int64_t i = 0; i < line->line->items.count; ++i) {
        const TimelineItem *item = &line->line->items.items[i];
        const Op *op = op_of(line, item);
        RankLine *rank = &line->ranks[item->rank];
        *(int64_t *)LIST_PUSH(line->scratch, &rank->items) = i;
        mix(&rank->print, op->kind);
        mix(&rank->print, item->stream);
        mix(&rank->print, item->layer);
        mix(&rank->print, ns(item->begin));
        mix(&rank->print, ns(item->end));
        rank->critical = rank->critical || item->critical;
    }
}

/* Ranks alike share the lane of the first; the critical path is kept before others. */
static void choose_lanes(Line *line) {
    int64_t world = line->schedule->world, drawn = 0;
    for (int64_t r = 0; r < world; ++r) {
        int64_t of = r;
        for (int64_t k = 0; world > ALONE && k < r && of == r; ++k)
            if (line->ranks[k].lane == k && line->ranks[k].print == line->ranks[r].print)
                of = k;
        line->ranks[r].lane = of;
        line->ranks[of].critical = line->ranks[of].critical || line->ranks[r].critical;
        *(int64_t *)LIST_PUSH(line->scratch, &line->ranks[of].alike) = r;
        drawn += of == r;
    }
    for (int64_t r = world - 1; r >= 0 && drawn > DRAWN; --r) {
        if (line->ranks[r].lane != r || line->ranks[r].critical)
            continue;
        line->ranks[r].lane = -1;
        line->lanes_left_out++;
        drawn--;
    }
}

/* Ranks alike have equal lists of items: what is critical for one is shown for all. */
static void share_critical(Line *line) {
    for (int64_t r = 0; r < line->schedule->world; ++r) {
        const RankLine *of = &line->ranks[r];
        for (int64_t a = 0; of->lane == r && a < of->alike.count; ++a) {
            const IntList *alike = &line->ranks[of->alike.items[a]].items;
            for (int64_t i = 0; i < alike->count; ++i)
                if (line->line->items.items[alike->items[i]].critical)
                    line->critical[of->items.items[i]] = true;
        }
    }
}

static bool kept(const Line *line, const TimelineItem *item) {
    return item->layer < line->omitted.begin || item->layer >= line->omitted.end;
}

static void choose_layers(Line *line) {
    int64_t layers = line->schedule->plan->inputs.model.layers, items = 0;
    for (int64_t r = 0; r < line->schedule->world; ++r)
        items += line->ranks[r].lane == r ? line->ranks[r].items.count : 0;
    int64_t fitting = items > 0 ? ITEMS * layers / items / 2 : layers; /* of each end */
    int64_t ends = fitting > KEPT_LAYERS ? fitting : KEPT_LAYERS;
    line->omitted = (Range){layers, layers};
    if (items > ITEMS && layers > 2 * ends)
        line->omitted = (Range){ends, layers - ends};
}

/* --- what operations are called
 * ------------------------------------------------------------------------- */

static int64_t told_of(Line *line, const TimelineItem *item) {
    int64_t *index = &line->told_of[item->rank][item->op];
    if (*index >= 0)
        return *index;
    const Op *op = op_of(line, item);
    Buf text = {0};
    words_op(line->schedule, item->rank, op, &text);
    for (int64_t i = 0; i < line->told.count && *index < 0; ++i) {
        const Told *told = &line->told.items[i];
        if (told->kind == op->kind && told->part == op->part &&
            told->microbatch == op->microbatch && strcmp(told->text, text.data) == 0)
            *index = i;
    }
    if (*index < 0) {
        *index = line->told.count;
        *(Told *)LIST_PUSH(line->scratch, &line->told) =
            (Told){op->kind, op->part, op->microbatch, arena_strdup(line->scratch, text.data)};
    }
    buf_free(&text);
    return *index;
}

/* --- writing
 * -------------------------------------------------------------------------------------------- */

/* A lane's columns. */
typedef struct Columns {
    IntList ops, layers, gaps, lengths, waits, meets, by, critical;
} Columns;

static void push(Line *line, IntList *list, int64_t value) {
    *(int64_t *)LIST_PUSH(line->scratch, list) = value;
}

/* Who let it begin, as how many numbers before; 0: nobody on the page. */
static int64_t blocker(const Line *line, int64_t at, const TimelineItem *item) {
    return item->blocker >= 0 && line->number[item->blocker] > 0
               ? line->number[at] - line->number[item->blocker]
               : 0;
}

static void add_item(Line *line, Columns *columns, int64_t at, int64_t *end) {
    const TimelineItem *item = &line->line->items.items[at];
    int64_t begin = ns(item->begin), length = ns(item->end) - begin;
    push(line, &columns->ops, told_of(line, item));
    push(line, &columns->layers, item->layer);
    push(line, &columns->gaps, begin - *end);
    push(line, &columns->lengths, length);
    push(line, &columns->waits, begin - ns(item->ready));
    push(line, &columns->meets, item->meeting + 1);
    push(line, &columns->by, blocker(line, at, item));
    if (line->critical[at])
        push(line, &columns->critical, columns->ops.count - 1);
    *end = begin + length;
}

/* Number the items that are shown, lane by lane; those of ranks alike have the numbers of their lane. */
static void number_items(Line *line) {
    int64_t next = 1;
    for (int64_t r = 0; r < line->schedule->world; ++r)
        for (int64_t stream = 0; line->ranks[r].lane == r && stream < STREAM_COUNT; ++stream)
            for (int64_t i = 0; i < line->ranks[r].items.count; ++i) {
                int64_t at = line->ranks[r].items.items[i];
                const TimelineItem *item = &line->line->items.items[at];
                if (item->stream == stream && kept(line, item))
                    line->number[at] = next++;
            }
    for (int64_t r = 0; r < line->schedule->world; ++r) {
        int64_t of = line->ranks[r].lane;
        for (int64_t i = 0; of >= 0 && of != r && i < line->ranks[r].items.count; ++i)
            line->number[line->ranks[r].items.items[i]] =
                line->number[line->ranks[of].items.items[i]];
    }
}

static void put_column(Jsonw *json, const char *key, const IntList *list) {
    html_put_ints(json, key, list->items, list->count);
}

static void put_lane(Jsonw *json, Line *line, int64_t rank, int64_t stream) {
    const RankLine *of = &line->ranks[rank];
    Columns columns = {0};
    int64_t end = 0;
    for (int64_t i = 0; i < of->items.count; ++i) {
        int64_t at = of->items.items[i];
        if (line->number[at] > 0 && line->line->items.items[at].stream == stream)
            add_item(line, &columns, at, &end);
    }
    if (columns.ops.count == 0)
        return;
    Buf ranks = {0};
    words_ranks(of->alike.items, of->alike.count, &ranks);
    jsonw_object(json, false);
    put_column(json, "by", &columns.by);
    put_column(json, "critical", &columns.critical);
    put_column(json, "gaps", &columns.gaps);
    put_column(json, "layers", &columns.layers);
    put_column(json, "lengths", &columns.lengths);
    put_column(json, "meets", &columns.meets);
    put_column(json, "ops", &columns.ops);
    jsonw_key_int(json, "rank", rank);
    jsonw_key_string(json, "ranks", ranks.data);
    jsonw_key_int(json, "stream", stream);
    put_column(json, "waits", &columns.waits);
    jsonw_end(json);
    buf_free(&ranks);
}

/* What was left out: layers, and from when to when. */
static void put_omitted(Jsonw *json, const Line *line) {
    double begin = INFINITY, end = 0;
    jsonw_key(json, "omitted");
    for (int64_t i = 0; i < line->line->items.count; ++i) {
        const TimelineItem *item = &line->line->items.items[i];
        if (kept(line, item))
            continue;
        begin = fmin(begin, item->begin);
        end = fmax(end, item->end);
    }
    if (end <= 0) {
        jsonw_null(json);
        return;
    }
    jsonw_object(json, true);
    jsonw_key_int(json, "begin", ns(begin));
    jsonw_key_int(json, "end", ns(end));
    html_put_range(json, "layers", line->omitted);
    jsonw_end(json);
}

static void put_told(Jsonw *json, const Line *line) {
    jsonw_key(json, "ops");
    jsonw_array(json, false);
    for (int64_t i = 0; i < line->told.count; ++i) {
        const Told *told = &line->told.items[i];
        jsonw_array(json, true);
        jsonw_string(json, op_info[told->kind].name);
        jsonw_string(json, plan_part_names[told->part]);
        jsonw_int(json, told->microbatch);
        jsonw_string(json, told->text);
        jsonw_end(json);
    }
    jsonw_end(json);
}

void html_put_line(Jsonw *json, const Schedule *schedule, const Timeline *timeline) {
    Arena scratch = {0};
    Line line = {.schedule = schedule, .line = timeline, .scratch = &scratch};
    line.ranks = ARENA_ARRAY(&scratch, schedule->world, RankLine);
    line.told_of = ARENA_ARRAY(&scratch, schedule->world, int64_t *);
    line.critical = ARENA_ARRAY(&scratch, timeline->items.count + 1, bool);
    line.number = ARENA_ARRAY(&scratch, timeline->items.count + 1, int64_t);
    for (int64_t r = 0; r < schedule->world; ++r) {
        int64_t ops = schedule->ranks[r].ops.count;
        line.told_of[r] = ARENA_ARRAY(&scratch, ops + 1, int64_t);
        for (int64_t i = 0; i < ops; ++i)
            line.told_of[r][i] = -1;
    }
    take_items(&line);
    choose_lanes(&line);
    choose_layers(&line);
    share_critical(&line);
    number_items(&line);
    jsonw_object(json, false);
    jsonw_key(json, "lanes");
    jsonw_array(json, false);
    for (int64_t r = 0; r < schedule->world; ++r)
        for (int64_t stream = 0; line.ranks[r].lane == r && stream < STREAM_COUNT; ++stream)
            put_lane(json, &line, r, stream);
    jsonw_end(json);
    jsonw_key_int(json, "left_out", line.lanes_left_out);
    jsonw_key_int(json, "makespan", ns(timeline->makespan));
    put_omitted(json, &line);
    put_told(json, &line);
    jsonw_end(json);
    arena_free(&scratch);
}
