/* dot: the cluster for Graphviz: nodes as frames, in them ranks with what they hold, and each kind of move as
 * a point between those who send and those who receive, with bytes a step. Ranks of a node that are there
 * for the same share their edges, so that the drawing stays readable. Scratch is freed before return. */
#include "holds.h"
#include "show/show.h"
#include "traffic.h"
#include "words.h"

#include <string.h>

enum { DOT_RANKS = 64 }; /* more are drawn a box for all alike on a node */

typedef struct Dot {
    const Schedule *schedule;
    const Place *places;
    HoldsGroups groups;
    Traffic traffic;
    bool folded;
    Buf *out;
} Dot;

/* Text inside quotes: a backslash would begin an escape of dot's. */
static void put_text(const char *text, Buf *out) {
    for (const char *c = text; *c; ++c) {
        if (*c == '"' || *c == '\\')
            buf_putc(out, '\\');
        buf_putc(out, (unsigned char)*c < ' ' ? ' ' : *c);
    }
}

static const char *fill_of(int64_t sort) {
    static const char *const fills[HOLDS_SORTS] = {"#eceff3", "#dce8fb", "#e9e0f8", "#dcf1ee"};
    return fills[sort];
}

/* --- who holds what
 * ----------------------------------------------------------------------------------- */

static void cell(const char *text, Buf *out) {
    buf_printf(out, "<td align=\"left\">%s</td>", text);
}

/* A row of the box of a group: rank, GPU, sequences, heads, experts, layers. */
static void write_rank(const Dot *dot, const HoldsGroup *group, int64_t rank) {
    const Plan *plan = dot->schedule->plan;
    const Place *place = &dot->places[rank];
    Buf text = {0};
    buf_printf(dot->out, "<tr><td align=\"left\">%lld</td><td align=\"left\">%lld</td>",
               (long long)rank, (long long)plan->ranks.items[rank].gpu);
    if (group->sort & HOLDS_ATTENTION) {
        words_range(holds_sequences(plan, place), &text);
        cell(text.data, dot->out);
        buf_clear(&text);
        words_range(place->heads, &text);
        cell(text.data, dot->out);
        buf_clear(&text);
    }
    if (group->sort & HOLDS_EXPERTS) {
        holds_experts(place, &plan->inputs.model, &text);
        cell(text.data, dot->out);
    }
    buf_puts(dot->out, "</tr>");
    buf_free(&text);
}

/* The box of a group. Of many ranks only the numbers are told. */
static void write_group(const Dot *dot, int64_t index) {
    const HoldsGroup *group = &dot->groups.list.items[index];
    Buf *out = dot->out;
    buf_printf(out,
               "    g%lld [fillcolor=\"%s\", label=<<table border=\"0\" cellspacing=\"0\" "
               "cellpadding=\"3\"><tr><td colspan=\"6\"><b>%s</b>",
               (long long)index, fill_of(group->sort), holds_sort_names[group->sort]);
    if (dot->schedule->plan->stages.count > 1) {
        buf_puts(out, ", ");
        words_span("layer", dot->places[group->ranks.items[0]].layers, out);
    }
    if (dot->schedule->plan->copies > 1)
        buf_printf(out, ", copy %lld", (long long)group->copy);
    buf_puts(out, "</td></tr>");
    if (dot->folded) {
        buf_printf(out, "<tr><td>rank%s ", group->ranks.count == 1 ? "" : "s");
        words_ranks(group->ranks.items, group->ranks.count, out);
        buf_puts(out, "</td></tr></table>>];\n");
        return;
    }
    buf_printf(out,
               "<tr><td align=\"left\"><i>rank</i></td><td align=\"left\"><i>GPU</i></td>%s%s</tr>",
               group->sort & HOLDS_ATTENTION
                   ? "<td align=\"left\"><i>sequences</i></td><td align=\"left\"><i>heads</i></td>"
                   : "",
               group->sort & HOLDS_EXPERTS ? "<td align=\"left\"><i>experts</i></td>" : "");
    for (int64_t i = 0; i < group->ranks.count; ++i)
        write_rank(dot, group, group->ranks.items[i]);
    buf_puts(out, "</table>>];\n");
}

static void write_node(const Dot *dot, int64_t node) {
    const Plan *plan = dot->schedule->plan;
    const TopologyNode *kind = topology_node(&plan->inputs.topology, node);
    int64_t idle = 0, first = -1;
    for (int64_t i = 0; i < plan->idle.count; ++i)
        idle += plan->idle.items[i].node == node;
    buf_printf(dot->out, "  subgraph cluster_n%lld {\n    label=\"node %lld: ", (long long)node,
               (long long)node);
    put_text(kind->name, dot->out);
    buf_puts(dot->out, ", ");
    words_count(kind->nics, "NIC", dot->out);
    buf_puts(dot->out, "\"; style=\"rounded\"; color=\"#9aa5b1\";\n");
    for (int64_t g = 0; g < dot->groups.list.count; ++g)
        if (dot->groups.list.items[g].node == node) {
            first = g;
            write_group(dot, g);
        }
    if (idle > 0 || first < 0)
        buf_printf(dot->out,
                   "    idle%lld [label=\"%lld GPU%s idle\", style=\"dashed,rounded\"];\n",
                   (long long)node, (long long)(first < 0 ? kind->gpus : idle),
                   (first < 0 ? kind->gpus : idle) == 1 ? "" : "s");
    buf_puts(dot->out, "  }\n");
}

static const char *color_of(int64_t move) {
    static const char *const colors[TRAFFIC_MOVES] = {
        [MOVE_ATTENTION_OUTPUT] = "#a8285b", [MOVE_GATHER] = "#11757a",
        [MOVE_EMBEDDING] = "#5b6878",        [MOVE_FFN_OUTPUT] = "#6a3fb5",
        [MOVE_DISPATCH] = "#b85c00",         [MOVE_COMBINE] = "#8a6d00",
        [MOVE_HANDOVER] = "#356f22",         [MOVE_NORM] = "#7a4b2a"};
    return colors[move];
}

/* --- moves
 * -------------------------------------------------------------------------------------------- */

/* What the group sends in a move, and gets. */
static void group_bytes(const Dot *dot, int64_t move, const HoldsGroup *group, int64_t *sent,
                        int64_t *got) {
    int64_t world = dot->traffic.world;
    const int64_t *bytes = dot->traffic.moves + move * world * world;
    *sent = *got = 0;
    for (int64_t i = 0; i < group->ranks.count; ++i)
        for (int64_t k = 0; k < world; ++k) {
            *sent += bytes[group->ranks.items[i] * world + k];
            *got += bytes[k * world + group->ranks.items[i]];
        }
}

/* Moves lie to the right of all ranks: edges begin at ranks for the layout, arrows say who sends. */
static void write_edge(const Dot *dot, int64_t move, int64_t index, int64_t sent, int64_t got) {
    buf_printf(dot->out, "  g%lld -> m%lld [color=\"%s\", fontcolor=\"%s\", dir=%s, label=\"",
               (long long)index, (long long)move, color_of(move), color_of(move),
               sent > 0 && got > 0 ? "both"
               : sent > 0          ? "forward"
                                   : "back");
    if (sent > 0) {
        words_bytes(sent, dot->out);
        buf_puts(dot->out, sent == got ? " each way" : " out");
    }
    if (got > 0 && sent != got) {
        buf_puts(dot->out, sent > 0 ? ", " : "");
        words_bytes(got, dot->out);
        buf_puts(dot->out, " in");
    }
    buf_puts(dot->out, "\"];\n");
}

static void write_move(const Dot *dot, int64_t move) {
    int64_t total = traffic_total(&dot->traffic, move);
    if (total == 0)
        return;
    buf_printf(dot->out, "  m%lld [shape=ellipse, color=\"%s\", style=solid, label=\"%s\\n",
               (long long)move, color_of(move), plan_move_names[move]);
    words_bytes(total, dot->out);
    buf_puts(dot->out, " a step\"];\n");
    for (int64_t g = 0; g < dot->groups.list.count; ++g) {
        int64_t sent, got;
        group_bytes(dot, move, &dot->groups.list.items[g], &sent, &got);
        if (sent > 0 || got > 0)
            write_edge(dot, move, g, sent, got);
    }
}

void show_dot(const Schedule *schedule, int64_t step, Buf *out) {
    const Plan *plan = schedule->plan;
    Arena scratch = {0};
    Dot dot = {.schedule = schedule, .out = out, .folded = schedule->world > DOT_RANKS};
    dot.places = place_all(&scratch, plan);
    dot.groups = holds_groups(&scratch, schedule, dot.places);
    dot.traffic = traffic_of(&scratch, schedule, step);
    buf_puts(out, "digraph plan {\n  rankdir=LR; fontname=\"sans-serif\"; labelloc=t; "
                  "nodesep=0.3; ranksep=2.2;\n  label=\"");
    put_text(plan->name, out);
    buf_puts(out, ", step ");
    put_text(plan->steps.items[step].name, out);
    buf_puts(out, "\\n");
    holds_sentence(schedule, dot.places, out);
    buf_puts(out, "\";\n  node [shape=box, style=\"filled,rounded\", color=\"#5b6878\", "
                  "fontname=\"sans-serif\", fontsize=11];\n"
                  "  edge [color=\"#5b6878\", fontname=\"sans-serif\", fontsize=10];\n");
    /* Graphviz lays what comes first at the bottom. */
    for (int64_t node = topology_node_count(&plan->inputs.topology) - 1; node >= 0; --node)
        write_node(&dot, node);
    for (int64_t move = 0; move < TRAFFIC_MOVES; ++move)
        write_move(&dot, move);
    buf_puts(out, "}\n");
    arena_free(&scratch);
}
