/* diff: compares facts and figures of two plans by their names. Scratch lies in the caller's arena. */
#include "diff.h"

#include "facts.h"
#include "figures.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum { RANKS_TOLD = 12 }; /* so many ranks that hold something else are told in text */

typedef struct Diff {
    Arena *arena;
    const DiffSide *a, *b;
    Facts of_a, of_b;
    Buf *out;
} Diff;

bool diff_equal(const Plan *a, const Plan *b) {
    Buf text = {0};
    Plan other = *b;
    other.name = a->name;
    other.strategy = a->strategy;
    memcpy(&other.why, &a->why, sizeof other.why);
    bool equal = schema_diff(&plan_schema, a, &other, &text) == 0;
    buf_free(&text);
    return equal;
}

/* --- what differs, for both forms
 * ---------------------------------------------------------------------- */

/* A subject of either plan; the words are NULL where a plan has none. */
typedef void (*Differing)(void *context, const char *what, const char *a, const char *b);

static void each_fact(const Diff *diff, Differing tell, void *context) {
    for (int64_t i = 0; i < diff->of_a.count; ++i) {
        const Fact *fact = &diff->of_a.items[i];
        const char *other = facts_find(&diff->of_b, fact->what);
        if (!other || strcmp(fact->words, other) != 0)
            tell(context, fact->what, fact->words, other);
    }
    for (int64_t i = 0; i < diff->of_b.count; ++i)
        if (!facts_find(&diff->of_a, diff->of_b.items[i].what))
            tell(context, diff->of_b.items[i].what, NULL, diff->of_b.items[i].words);
}

/* Lines "path: a -> b" of the inputs. */
static void each_input(const Diff *diff, Buf *lines) {
    const PlanInputs *a = &diff->a->plan->inputs, *b = &diff->b->plan->inputs;
    const struct {
        const char *name;
        const Schema *schema;
        const void *a, *b;
    } parts[] = {{"model", &model_schema, &a->model, &b->model},
                 {"topology", &topology_schema, &a->topology, &b->topology},
                 {"workload", &workload_schema, &a->workload, &b->workload}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        Buf text = {0};
        schema_diff(parts[i].schema, parts[i].a, parts[i].b, &text);
        for (char *line = text.data, *end; line && *line; line = end + 1) {
            end = strchr(line, '\n');
            *end = '\0';
            buf_printf(lines, "%s.%s\n", parts[i].name, line);
        }
        buf_free(&text);
    }
}

static const Figure *figure_named(const Figures *figures, const char *what) {
    for (int64_t i = 0; i < figures->count; ++i)
        if (strcmp(figures->items[i].what, what) == 0)
            return &figures->items[i];
    return NULL;
}

/* --- text
 * --------------------------------------------------------------------------------------------- */

static void tell_side(const Diff *diff, const char *letter, const DiffSide *side) {
    Buf *out = diff->out;
    size_t line = out->length;
    buf_printf(out, "%s  ", letter);
    words_wrap(arena_printf(diff->arena, "%s: %s, %s", side->label, side->plan->name,
                            facts_find(side == diff->a ? &diff->of_a : &diff->of_b, "deployment")),
               line, 3, out);
    buf_putc(out, '\n');
    if (side->proved)
        return;
    buf_puts(out, "   refused by ");
    bool any = false;
    for (int i = 0; i < CHECK_RULE_COUNT; ++i)
        if (side->report->rules[i].failures > 0) {
            buf_printf(out, "%s%s", any ? ", " : "", side->report->rules[i].name);
            any = true;
        }
    buf_puts(out, ": its times are not known\n");
}

typedef struct Telling {
    const Diff *diff;
    int64_t ranks; /* ranks that differ so far */
} Telling;

static void tell_fact(void *context, const char *what, const char *a, const char *b) {
    Telling *telling = context;
    Buf *out = telling->diff->out;
    bool rank = strncmp(what, "rank ", 5) == 0;
    if (strcmp(what, "deployment") == 0 || (rank && telling->ranks++ >= RANKS_TOLD))
        return;
    const char *sides[] = {a ? a : "none", b ? b : "none"};
    if (strlen(what) + strlen(sides[0]) + strlen(sides[1]) < 90) {
        buf_printf(out, "  %s: %s -> %s\n", what, sides[0], sides[1]);
        return;
    }
    buf_printf(out, "  %s\n", what);
    for (int i = 0; i < 2; ++i) {
        size_t line = out->length;
        buf_printf(out, "    %c  ", 'a' + i);
        words_wrap(sides[i], line, 7, out);
        buf_putc(out, '\n');
    }
}

static void tell_decisions(const Diff *diff) {
    Telling telling = {.diff = diff};
    buf_puts(diff->out, "\ndecided differently\n");
    size_t before = diff->out->length;
    each_fact(diff, tell_fact, &telling);
    if (telling.ranks > RANKS_TOLD)
        buf_printf(diff->out, "  and %lld more ranks\n", (long long)(telling.ranks - RANKS_TOLD));
    if (diff->out->length == before) {
        int64_t count = 0;
        Buf lines = {0};
        count = schema_diff(&plan_schema, diff->a->plan, diff->b->plan, &lines);
        buf_printf(diff->out, "  only details, in %lld fields:\n", (long long)count);
        for (char *line = strtok(lines.data, "\n"); line && count-- > 0; line = strtok(NULL, "\n"))
            buf_printf(diff->out, "    %.90s\n", line);
        buf_free(&lines);
    }
}

static void tell_inputs(const Diff *diff) {
    Buf lines = {0};
    each_input(diff, &lines);
    if (lines.length > 0)
        buf_puts(diff->out, "\ninputs that differ\n");
    for (char *line = lines.length ? strtok(lines.data, "\n") : NULL; line;
         line = strtok(NULL, "\n")) {
        size_t begin = diff->out->length;
        buf_puts(diff->out, "  ");
        words_wrap(line, begin, 6, diff->out);
        buf_putc(diff->out, '\n');
    }
    buf_free(&lines);
}

/* How much more b is than a: "+12.3 %", "as much", "x 3.40". */
static void tell_change(double a, double b, Buf *out) {
    if (isnan(a) || isnan(b))
        return;
    if (a == b)
        buf_puts(out, "the same");
    else if (a == 0 || b == 0)
        buf_puts(out, a == 0 ? "new" : "gone");
    else if (fabs(b / a - 1) < 0.0005)
        buf_puts(out, "as good as the same");
    else if (b / a >= 2 || b / a <= 0.5)
        buf_printf(out, b > a ? "x %.3g" : "/ %.3g", b > a ? b / a : a / b);
    else
        buf_printf(out, "%+.1f %%", 100 * (b / a - 1));
}

static void tell_value(const Figure *figure, Buf *out) {
    if (!figure) {
        buf_puts(out, "none");
        return;
    }
    figures_words(figure->unit, figure->value[COST_EXPECTED], out);
    if (figure->value[COST_LOW] == figure->value[COST_HIGH] || isnan(figure->value[COST_LOW]))
        return;
    bool rate = figure->unit == FIGURE_RATE;
    buf_puts(out, " (");
    figures_words(figure->unit, figure->value[rate ? COST_HIGH : COST_LOW], out);
    buf_puts(out, " to ");
    figures_words(figure->unit, figure->value[rate ? COST_LOW : COST_HIGH], out);
    buf_putc(out, ')');
}

static void tell_figures(const Diff *diff) {
    Figures of_a = figures_of(diff->arena, diff->a), of_b = figures_of(diff->arena, diff->b);
    Buf *out = diff->out;
    buf_puts(out, "\nwhat follows                 a                             "
                  "b                             b against a\n");
    for (int64_t i = 0; i < of_a.count; ++i) {
        const Figure *a = &of_a.items[i], *b = figure_named(&of_b, a->what);
        double of = a->value[COST_EXPECTED], to = b ? b->value[COST_EXPECTED] : 0;
        if (of == 0 && to == 0)
            continue;
        size_t line = out->length;
        buf_printf(out, "  %s", a->what);
        words_pad(out, line, 29);
        tell_value(a, out);
        words_pad(out, line, 59);
        tell_value(b, out);
        words_pad(out, line, 89);
        tell_change(of, to, out);
        while (out->length > 0 && out->data[out->length - 1] == ' ')
            out->data[--out->length] = '\0';
        buf_putc(out, '\n');
    }
}

static Diff begin(Arena *arena, const DiffSide *a, const DiffSide *b, Buf *out) {
    return (Diff){.arena = arena,
                  .a = a,
                  .b = b,
                  .of_a = facts_of(arena, a->schedule),
                  .of_b = facts_of(arena, b->schedule),
                  .out = out};
}

void diff_text(Arena *arena, const DiffSide *a, const DiffSide *b, Buf *out) {
    Diff diff = begin(arena, a, b, out);
    tell_side(&diff, "a", a);
    tell_side(&diff, "b", b);
    if (diff_equal(a->plan, b->plan)) {
        buf_puts(out, "\nboth decide the same\n");
        return;
    }
    tell_inputs(&diff);
    tell_decisions(&diff);
    tell_figures(&diff);
}

/* --- JSON
 * --------------------------------------------------------------------------------------------- */

static void json_side(Jsonw *json, const char *key, const DiffSide *side) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    jsonw_key_string(json, "name", side->plan->name);
    jsonw_key_string(json, "plan", side->label);
    jsonw_key(json, "proved");
    jsonw_bool(json, side->proved);
    jsonw_key_string(json, "strategy", side->plan->strategy);
    jsonw_end(json);
}

static void json_fact(void *context, const char *what, const char *a, const char *b) {
    Jsonw *json = context;
    jsonw_object(json, false);
    jsonw_key_string(json, "a", a);
    jsonw_key_string(json, "b", b);
    jsonw_key_string(json, "what", what);
    jsonw_end(json);
}

static void json_value(Jsonw *json, const char *key, const Figure *figure) {
    jsonw_key(json, key);
    if (!figure) {
        jsonw_null(json);
        return;
    }
    bool rate = figure->unit == FIGURE_RATE;
    jsonw_object(json, true);
    jsonw_key(json, "expected");
    jsonw_real(json, figure->value[COST_EXPECTED]);
    jsonw_key(json, "high");
    jsonw_real(json, figure->value[rate ? COST_LOW : COST_HIGH]);
    jsonw_key(json, "low");
    jsonw_real(json, figure->value[rate ? COST_HIGH : COST_LOW]);
    jsonw_end(json);
}

static void json_lines(Jsonw *json, const char *key, Buf *lines) {
    jsonw_key(json, key);
    jsonw_array(json, false);
    for (char *line = lines->length ? strtok(lines->data, "\n") : NULL; line;
         line = strtok(NULL, "\n"))
        jsonw_string(json, line);
    jsonw_end(json);
    buf_free(lines);
}

static void json_figures(Jsonw *json, const Diff *diff) {
    Figures of_a = figures_of(diff->arena, diff->a), of_b = figures_of(diff->arena, diff->b);
    jsonw_key(json, "figures");
    jsonw_array(json, false);
    for (int64_t i = 0; i < of_a.count; ++i) {
        const Figure *a = &of_a.items[i];
        jsonw_object(json, false);
        json_value(json, "a", a);
        json_value(json, "b", figure_named(&of_b, a->what));
        jsonw_key_string(json, "unit", figure_unit_names[a->unit]);
        jsonw_key_string(json, "what", a->what);
        jsonw_end(json);
    }
    jsonw_end(json);
}

void diff_json(Arena *arena, const DiffSide *a, const DiffSide *b, Buf *out) {
    Diff diff = begin(arena, a, b, out);
    Buf fields = {0}, inputs = {0};
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    json_side(&json, "a", a);
    json_side(&json, "b", b);
    jsonw_key(&json, "decisions");
    jsonw_array(&json, false);
    each_fact(&diff, json_fact, &json);
    jsonw_end(&json);
    jsonw_key(&json, "equal");
    jsonw_bool(&json, diff_equal(a->plan, b->plan));
    schema_diff(&plan_schema, a->plan, b->plan, &fields);
    json_lines(&json, "fields", &fields);
    json_figures(&json, &diff);
    each_input(&diff, &inputs);
    json_lines(&json, "inputs", &inputs);
    jsonw_end(&json);
    jsonw_finish(&json);
}
