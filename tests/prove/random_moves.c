/* random_moves: how data travels: every form of a sum and a gather within a request group that the plan can say, and
 * every way between owners and holders of experts. A sum is a way of each piece to an owner, then a way back; a gather
 * is the way back alone, and a sum that leaves the rows sharded the way there. */
#include "random_case.h"

#include <string.h>

typedef struct Collective {
    RandomCase *made;
    int64_t *ranks; /* [count] members, as the group lists them */
    int64_t count;
    PlanMove *move;
    int64_t *owner; /* [pieces] member */
} Collective;

/* --- stages of primitives --------------------------------------------------------------------- */

static void add_to_set(RandomCase *made, PlanSet *set, int64_t rank, Range pieces) {
    int64_t at = set->ranks.count;
    LIST_PUSH(made->arena, &set->ranks);
    LIST_PUSH(made->arena, &set->pieces);
    for (; at > 0 && set->ranks.items[at - 1] > rank; --at) {
        set->ranks.items[at] = set->ranks.items[at - 1];
        set->pieces.items[at] = set->pieces.items[at - 1];
    }
    set->ranks.items[at] = rank;
    set->pieces.items[at] = pieces;
}

static PlanMoveStage *add_stage(Collective *of, PlanPrimitive primitive) {
    PlanMoveStage *stage = LIST_PUSH(of->made->arena, &of->move->stages);
    stage->primitive = primitive;
    return stage;
}

/* All members, each with the pieces that it owns, which follow each other. */
static void primitive_by_owner(Collective *of, PlanPrimitive primitive) {
    PlanMoveStage *stage = add_stage(of, primitive);
    PlanSet *set = LIST_PUSH(of->made->arena, &stage->sets);
    for (int64_t m = 0; m < of->count; ++m) {
        int64_t begin = 0, end;
        while (begin < of->move->pieces && of->owner[begin] != m)
            ++begin;
        for (end = begin; end < of->move->pieces && of->owner[end] == m; ++end)
            ;
        add_to_set(of->made, set, of->ranks[m], (Range){begin, end});
    }
}

static void all_reduce_stages(Collective *of) {
    int64_t stages = 1 + draw_low(of->made->choices, least_of(of->move->pieces, 3));
    Range *pieces = random_cut(of->made, (Range){0, of->move->pieces}, stages, true);
    for (int64_t s = 0; s < stages; ++s) {
        PlanMoveStage *stage = add_stage(of, PRIMITIVE_ALL_REDUCE);
        PlanSet *set = LIST_PUSH(of->made->arena, &stage->sets);
        for (int64_t m = 0; m < of->count; ++m)
            add_to_set(of->made, set, of->ranks[m], pieces[s]);
    }
}

/* Cells of members reduce and scatter, rails across cells sum, cells gather. */
static void hierarchical_stages(Collective *of) {
    RandomCase *made = of->made;
    int64_t cells = 1 + draw(made->choices, of->count), chunk = 1 + draw_low(made->choices, 3);
    Range *cell = random_cut(made, (Range){0, of->count}, cells, false);
    int64_t *order = ARENA_ARRAY(made->arena, of->count, int64_t), rails = of->count;
    for (int64_t m = 0; m < of->count; ++m)
        order[m] = of->ranks[m];
    if (draw_rare(made->choices, 2))
        draw_shuffle(made->choices, order, of->count);
    for (int64_t k = 0; k < cells; ++k)
        rails = least_of(rails, cell[k].end - cell[k].begin);
    of->move->pieces = rails * chunk;
    for (int stage = 0; stage < 3; ++stage) {
        static const PlanPrimitive primitives[] = {PRIMITIVE_REDUCE_SCATTER, PRIMITIVE_ALL_REDUCE,
                                                   PRIMITIVE_ALL_GATHER};
        if (stage == 1 ? cells == 1 : cells == of->count)
            continue;
        PlanMoveStage *added = add_stage(of, primitives[stage]);
        for (int64_t i = 0; i < (stage == 1 ? rails : cells); ++i) {
            Range members =
                stage == 1 ? (Range){0, cells} : (Range){0, cell[i].end - cell[i].begin};
            if (members.end < 2)
                continue;
            PlanSet *set = LIST_PUSH(made->arena, &added->sets);
            for (int64_t k = 0; k < members.end; ++k) {
                int64_t member = stage == 1 ? cell[k].begin + i : cell[i].begin + k;
                int64_t rail = stage == 1 ? i : least_of(k, rails);
                Range own = {rail * chunk, least_of(rail + 1, rails) * chunk};
                add_to_set(made, set, order[member], own);
            }
        }
    }
}

/* --- stages of transfers ---------------------------------------------------------------------- */

typedef struct Listed {
    int64_t stage;
    PlanTransfer transfer;
} Listed;

typedef LIST_OF(Listed) Transfers;

static int64_t root_of(const int64_t *root, int64_t rank) {
    while (root[rank] != rank)
        rank = root[rank];
    return rank;
}

/* A stage of the move: a set for each group of ranks that have to do with each other, or one for all; `all` ranks, also
 * those that send and get nothing, where that is not NULL. */
static void add_transfers(RandomCase *made, PlanMove *move, const Transfers *list, int64_t stage,
                          bool one, const IntList *all) {
    int64_t count = made->plan.ranks_per_copy, first = -1;
    int64_t *root = ARENA_ARRAY(made->arena, count, int64_t);
    bool *known = ARENA_ARRAY(made->arena, count, bool);
    int64_t *set_of = ARENA_ARRAY(made->arena, count, int64_t);
    for (int64_t r = 0; r < count; ++r) {
        root[r] = r;
        set_of[r] = -1;
    }
    for (int64_t i = 0; i < list->count; ++i) {
        const PlanTransfer *t = &list->items[i].transfer;
        if (list->items[i].stage != stage)
            continue;
        int64_t a = root_of(root, t->from), b = root_of(root, t->to);
        root[most_of(a, b)] = least_of(a, b);
        first = first < 0 || !one ? t->from : first;
        root[root_of(root, t->from)] = root_of(root, first);
        known[t->from] = known[t->to] = true;
    }
    if (first < 0)
        return;
    for (int64_t i = 0; all && i < all->count; ++i) {
        int64_t a = root_of(root, all->items[i]), b = root_of(root, first);
        root[most_of(a, b)] = least_of(a, b);
        known[all->items[i]] = true;
    }
    PlanMoveStage *added = LIST_PUSH(made->arena, &move->stages);
    added->primitive = PRIMITIVE_TRANSFERS;
    for (int64_t r = 0; r < count; ++r) {
        int64_t of = root_of(root, r);
        if (!known[r])
            continue;
        if (set_of[of] < 0) {
            set_of[of] = added->sets.count;
            LIST_PUSH(made->arena, &added->sets);
        }
        *(int64_t *)LIST_PUSH(made->arena, &added->sets.items[set_of[of]].ranks) = r;
    }
    for (int64_t i = 0; i < list->count; ++i) {
        const PlanTransfer *t = &list->items[i].transfer;
        if (list->items[i].stage == stage)
            *(PlanTransfer *)LIST_PUSH(
                made->arena, &added->sets.items[set_of[root_of(root, t->from)]].transfers) = *t;
    }
}

/* `members`: who may wait for others without need; NULL: nobody. */
static void add_all_transfers(RandomCase *made, PlanMove *move, const Transfers *list,
                              const IntList *members) {
    int64_t last = -1;
    bool one = draw_rare(made->choices, 4);
    bool all = one && members && draw_rare(made->choices, 2);
    for (int64_t i = 0; i < list->count; ++i)
        last = most_of(last, list->items[i].stage);
    for (int64_t stage = 0; stage <= last; ++stage)
        add_transfers(made, move, list, stage, one, all ? members : NULL);
}

/* Transfers that continue another one of the same stage and ranks become part of it. */
static void list_transfer(RandomCase *made, Transfers *list, bool join, int64_t stage,
                          PlanTransfer transfer) {
    for (int64_t i = 0; join && i < list->count; ++i) {
        PlanTransfer *t = &list->items[i].transfer;
        if (list->items[i].stage == stage && t->from == transfer.from && t->to == transfer.to &&
            t->pieces.end == transfer.pieces.begin) {
            t->pieces.end = transfer.pieces.end;
            return;
        }
    }
    *(Listed *)LIST_PUSH(made->arena, list) = (Listed){stage, transfer};
}

typedef enum TreeForm { TREE_STAR, TREE_CHAIN, TREE_HALVES, TREE_DRAWN, TREE_FORMS } TreeForm;

/* A tree over the members with the owner of the piece at its root: parent[] and when each is done, root last. */
typedef struct Tree {
    int64_t *parent, *height; /* [count]; parent -1: root; height: stages below it */
    int64_t high;
} Tree;

static Tree tree_of(Collective *of, TreeForm form, const int64_t *order, int64_t owner) {
    Arena *arena = of->made->arena;
    int64_t n = of->count, *line = ARENA_ARRAY(arena, n, int64_t), at = 0;
    Tree tree = {ARENA_ARRAY(arena, n, int64_t), ARENA_ARRAY(arena, n, int64_t), 0};
    while (order[at] != owner)
        ++at;
    for (int64_t i = 0; i < n; ++i) /* the owner first, then around */
        line[i] = order[(at + i) % n];
    tree.parent[line[0]] = -1;
    for (int64_t i = 1; i < n; ++i) {
        int64_t parent = form == TREE_STAR     ? 0
                         : form == TREE_CHAIN  ? i - 1
                         : form == TREE_HALVES ? (i & (i - 1))
                                               : draw(of->made->choices, i);
        tree.parent[line[i]] = line[parent];
    }
    for (int64_t i = n - 1; i > 0; --i) {
        int64_t parent = tree.parent[line[i]];
        tree.height[parent] = most_of(tree.height[parent], tree.height[line[i]] + 1);
    }
    tree.high = tree.height[line[0]];
    return tree;
}

/* Sums go up as soon as they are whole, copies down likewise. */
static void tree_stages(Collective *of, bool up) {
    RandomCase *made = of->made;
    Transfers list = {0};
    TreeForm form = (TreeForm)draw(made->choices, TREE_FORMS);
    bool join = draw_rare(made->choices, 2), late = draw_rare(made->choices, 2);
    int64_t *order = ARENA_ARRAY(made->arena, of->count, int64_t);
    for (int64_t m = 0; m < of->count; ++m)
        order[m] = m;
    if (draw_rare(made->choices, 3))
        draw_shuffle(made->choices, order, of->count);
    for (int64_t k = 0; k < of->move->pieces; ++k) {
        Tree tree = tree_of(of, form, order, of->owner[k]);
        for (int64_t m = 0; m < of->count; ++m) {
            int64_t parent = tree.parent[m], depth = 0;
            if (parent < 0)
                continue;
            for (int64_t a = parent; tree.parent[a] >= 0; a = tree.parent[a])
                ++depth;
            int64_t stage = up ? (late ? tree.high - 1 - depth : tree.height[m])
                               : (late ? tree.high - 1 - tree.height[m] : depth);
            PlanTransfer transfer = {of->ranks[up ? m : parent],
                                     of->ranks[up ? parent : m],
                                     {k, k + 1},
                                     up ? REDUCE_SUM : REDUCE_COPY};
            list_transfer(made, &list, join, stage, transfer);
        }
    }
    IntList members = {of->ranks, of->count, of->count};
    add_all_transfers(made, of->move, &list, &members);
}

/* --- moves within a group --------------------------------------------------------------------- */

/* Rows as members own them: `chunk` pieces each. */
static void own_rows(Collective *of) {
    int64_t chunk = 1 + draw_low(of->made->choices, 3);
    of->move->unit = UNIT_ROW;
    of->move->pieces = of->count * chunk;
    of->owner = ARENA_ARRAY(of->made->arena, of->move->pieces, int64_t);
    for (int64_t k = 0; k < of->move->pieces; ++k)
        of->owner[k] = k / chunk;
}

/* Any pieces, with any owners, whose pieces follow each other or not. */
static void own_anything(Collective *of, bool together) {
    Choices *c = of->made->choices;
    of->move->unit = draw(c, 2);
    of->move->pieces = 1 + draw_low(c, 7);
    of->owner = ARENA_ARRAY(of->made->arena, of->move->pieces, int64_t);
    for (int64_t k = 0; k < of->move->pieces; ++k)
        of->owner[k] =
            draw_rare(c, 3) && !together ? draw(c, of->count) : k * of->count / of->move->pieces;
}

static void sum_stages(Collective *of, bool sharded) {
    Choices *c = of->made->choices;
    int64_t way = draw(c, 6);
    if (sharded) {
        own_rows(of);
        if (way < 2)
            primitive_by_owner(of, PRIMITIVE_REDUCE_SCATTER);
        else
            tree_stages(of, true);
        return;
    }
    own_anything(of, way < 3);
    if (way == 0) {
        all_reduce_stages(of);
    } else if (way == 1) {
        hierarchical_stages(of);
    } else {
        if (way == 2 && draw(c, 2) == 0)
            primitive_by_owner(of, PRIMITIVE_REDUCE_SCATTER);
        else
            tree_stages(of, true);
        if (way == 2 && draw(c, 2) == 0)
            primitive_by_owner(of, PRIMITIVE_ALL_GATHER);
        else
            tree_stages(of, false);
    }
}

static PlanMove *add_move(RandomCase *made, PlanStep *step, int64_t kind, int64_t group,
                          int64_t stream) {
    PlanMove *move = LIST_PUSH(made->arena, &step->moves);
    *move = (PlanMove){.kind = kind,
                       .group = group,
                       .algorithm = "drawn",
                       .pieces = 1,
                       .in_flight = 1,
                       .stream = stream};
    if (draw_rare(made->choices, 4))
        move->stream = draw(made->choices, 4);
    return move;
}

static void group_move(RandomCase *made, PlanStep *step, const PlanGroup *group, int64_t index,
                       int64_t kind) {
    int64_t *ranks = ARENA_ARRAY(made->arena, group->members.count, int64_t);
    for (int64_t m = 0; m < group->members.count; ++m)
        ranks[m] = group->members.items[m].rank;
    Collective of = {made, ranks, group->members.count, add_move(made, step, kind, index, 3), NULL};
    if (kind != MOVE_GATHER) {
        /* a sum that leaves all of it with all serves a sharded residual as well */
        bool sharded = made->plan.residual == RESIDUAL_SHARDED && kind != MOVE_NORM;
        sum_stages(&of, sharded && draw(made->choices, 4) < 3);
        return;
    }
    own_rows(&of);
    if (draw(made->choices, 2) == 0)
        primitive_by_owner(&of, PRIMITIVE_ALL_GATHER);
    else
        tree_stages(&of, false);
}

static bool embedding_is_split(const Plan *plan, const PlanGroup *group) {
    for (int64_t i = 0; i < plan->embedding.count; ++i)
        for (int64_t m = 0; m < group->members.count; ++m)
            if (plan->embedding.items[i].rank == group->members.items[m].rank &&
                plan->embedding.items[i].entries.end - plan->embedding.items[i].entries.begin <
                    plan->inputs.model.vocabulary)
                return true;
    return false;
}

/* --- between owners and holders --------------------------------------------------------------- */

/* One pair's way, perhaps by a third rank. */
static void pair_way(RandomCase *made, const PlanMove *move, Transfers *list, const IntList *ranks,
                     int64_t owner, int64_t holder, int64_t stage) {
    Choices *c = made->choices;
    bool back = move->kind == MOVE_COMBINE;
    int64_t from = back ? holder : owner, to = back ? owner : holder;
    int64_t piece = owner * made->plan.ranks_per_copy + holder, by = from;
    if (move->mode == MODE_PADDED && draw_rare(c, 3))
        by = ranks->items[draw(c, ranks->count)];
    if (by != from && by != to) {
        list_transfer(made, list, true, stage, (PlanTransfer){from, by, {piece, piece + 1}, 0});
        stage += 1 + draw_low(c, 2);
        from = by;
    }
    list_transfer(made, list, true, stage, (PlanTransfer){from, to, {piece, piece + 1}, 0});
}

static void exchange_ways(RandomCase *made, PlanMove *move) {
    Transfers list = {0};
    int64_t form = draw(made->choices, 2), stages = 1 + draw_low(made->choices, 4);
    for (int64_t s = 0; s < made->plan.stages.count; ++s) {
        const PlanStage *stage = &made->plan.stages.items[s];
        if (stage->experts.count == 0 || random_coincides(made, stage))
            continue;
        IntList ranks = random_stage_ranks(made, stage);
        for (int64_t i = 0; i < ranks.count; ++i)
            for (int64_t k = 0; k < ranks.count; ++k) {
                if (i == k || !random_attends(stage, ranks.items[i]) ||
                    !random_holds(stage, ranks.items[k]))
                    continue;
                int64_t at = form == 0 ? (i + k) % ranks.count : draw(made->choices, stages);
                pair_way(made, move, &list, &ranks, ranks.items[i], ranks.items[k], at);
            }
    }
    if (list.count > 0)
        move->pieces = made->plan.ranks_per_copy * made->plan.ranks_per_copy;
    add_all_transfers(made, move, &list, NULL);
}

static void exchange_moves(RandomCase *made, PlanStep *step) {
    Choices *c = made->choices;
    int64_t mode = draw(c, 2), chunk = draw_rare(c, 2) ? 1 + draw(c, 6) : 0,
            in_flight = 1 + draw(c, 3);
    for (int64_t kind = MOVE_DISPATCH; kind <= MOVE_COMBINE; ++kind) {
        PlanMove *move = add_move(made, step, kind, -1, kind == MOVE_DISPATCH ? 1 : 2);
        move->mode = mode;
        move->chunk = chunk;
        move->in_flight = in_flight;
        if (draw_rare(c, 2))
            exchange_ways(made, move);
    }
}

/* --- */

void random_moves(RandomCase *made, PlanStep *step) {
    const Plan *plan = &made->plan;
    bool exchanges = false;
    int64_t index = 0;
    for (int64_t s = 0; s < plan->stages.count; ++s) {
        const PlanStage *stage = &plan->stages.items[s];
        bool local = random_coincides(made, stage);
        exchanges = exchanges || (stage->experts.count > 0 && !local);
        for (int64_t g = 0; g < stage->attention.count; ++g, ++index) {
            const PlanGroup *group = &stage->attention.items[g];
            if (group->members.count == 1)
                continue;
            group_move(made, step, group, index, MOVE_ATTENTION_OUTPUT);
            group_move(made, step, group, index, MOVE_GATHER);
            if (plan->inputs.model.qk_norm == QK_NORM_FULL)
                group_move(made, step, group, index, MOVE_NORM);
            if (stage->ffn.count > 0 || (stage->experts.count > 0 && local))
                group_move(made, step, group, index, MOVE_FFN_OUTPUT);
            if (s == 0 && embedding_is_split(plan, group))
                group_move(made, step, group, index, MOVE_EMBEDDING);
        }
    }
    if (exchanges)
        exchange_moves(made, step);
    if (plan->stages.count > 1)
        add_move(made, step, MOVE_HANDOVER, -1, 1);
}
