/* mutate_moves: operators over the collectives of a plan: moves, their stages, sets and transfers, which Lua made. */
#include "mutate.h"

#include <string.h>

#define EACH_MOVE(move)                                                                            \
    for (int64_t s_ = 0; s_ < m->plan->steps.count; ++s_)                                          \
        for (PlanMove *move = m->plan->steps.items[s_].moves.items;                                \
             move < m->plan->steps.items[s_].moves.items + m->plan->steps.items[s_].moves.count;   \
             ++move)

static bool here(Mutant *m, int64_t step, const PlanMove *move, int64_t stage, int64_t item,
                 int64_t v) {
    return mutate_here(m, "step %lld, %s of group %lld, stage %lld, item %lld, variant %lld",
                       (long long)step, plan_move_names[move->kind], (long long)move->group,
                       (long long)stage, (long long)item, (long long)v);
}

/* --- moves -------------------------------------------------------------------------------------------- */

static void each_move(Mutant *m, int64_t variants,
                      bool (*edit)(PlanMove *move, int64_t v, bool apply)) {
    EACH_MOVE(move)
    for (int64_t v = 0; v < variants; ++v)
        if (edit(move, v, false) && here(m, s_, move, -1, -1, v)) {
            edit(move, v, true);
            return;
        }
}

static bool edit_chunk(PlanMove *move, int64_t v, bool apply) {
    const int64_t to[] = {-1, move->chunk + 1, INT64_MAX};
    if (apply)
        move->chunk = to[v];
    return true;
}
static bool edit_in_flight(PlanMove *move, int64_t v, bool apply) {
    const int64_t to[] = {0, -1, move->in_flight + 1};
    if (apply)
        move->in_flight = to[v];
    return true;
}
static bool edit_stream(PlanMove *move, int64_t v, bool apply) {
    const int64_t to[] = {(move->stream + 1) % 4, (move->stream + 2) % 4, (move->stream + 3) % 4};
    if (apply)
        move->stream = to[v];
    return true;
}
static bool edit_mode(PlanMove *move, int64_t v, bool apply) {
    if (apply)
        move->mode = move->mode == MODE_EXACT ? MODE_PADDED : MODE_EXACT;
    return true;
}
static bool edit_kind(PlanMove *move, int64_t v, bool apply) {
    if (apply)
        move->kind = (move->kind + 1 + v) % (MOVE_HANDOVER + 1);
    return true;
}
static bool edit_group(PlanMove *move, int64_t v, bool apply) {
    if (apply)
        move->group += v ? 1 : -1;
    return true;
}
static bool edit_unit(PlanMove *move, int64_t v, bool apply) {
    if (apply)
        move->unit = move->unit == UNIT_ROW ? UNIT_ELEMENT : UNIT_ROW;
    return move->stages.count > 0;
}
static bool edit_pieces(PlanMove *move, int64_t v, bool apply) {
    const int64_t to[] = {move->pieces + 1, move->pieces - 1, 2 * move->pieces};
    if (apply)
        move->pieces = to[v];
    return true;
}
static void chunk(Mutant *m) {
    each_move(m, 3, edit_chunk);
}
static void in_flight(Mutant *m) {
    each_move(m, 3, edit_in_flight);
}
static void stream(Mutant *m) {
    each_move(m, 3, edit_stream);
}
static void mode(Mutant *m) {
    each_move(m, 1, edit_mode);
}
static void kind(Mutant *m) {
    each_move(m, 3, edit_kind);
}
static void group(Mutant *m) {
    each_move(m, 2, edit_group);
}
static void unit(Mutant *m) {
    each_move(m, 1, edit_unit);
}
static void pieces(Mutant *m) {
    each_move(m, 3, edit_pieces);
}
static void move_lost(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t i = 0; i < m->plan->steps.items[s].moves.count; ++i)
            for (int v = 0; v < 2; ++v)
                if (here(m, s, &m->plan->steps.items[s].moves.items[i], -1, -1, v)) {
                    if (v)
                        MUTATE_DOUBLE(m->arena, &m->plan->steps.items[s].moves, i);
                    else
                        MUTATE_DROP(&m->plan->steps.items[s].moves, i);
                    return;
                }
}

/* --- stages ------------------------------------------------------------------------------------------- */

static void stages(Mutant *m) {
    EACH_MOVE(move)
    for (int64_t i = 0; i < move->stages.count; ++i)
        for (int v = 0; v < 3; ++v)
            if ((v < 2 || i + 1 < move->stages.count) && here(m, s_, move, i, -1, v)) {
                if (v == 0)
                    MUTATE_DROP(&move->stages, i);
                else if (v == 1)
                    MUTATE_DOUBLE(m->arena, &move->stages, i);
                else
                    MUTATE_SWAP(PlanMoveStage, move->stages.items[i], move->stages.items[i + 1]);
                return;
            }
}
static void reversed(Mutant *m) {
    EACH_MOVE(move)
    if (move->stages.count > 1 && here(m, s_, move, -1, -1, 0)) {
        for (int64_t i = 0, k = move->stages.count - 1; i < k; ++i, --k)
            MUTATE_SWAP(PlanMoveStage, move->stages.items[i], move->stages.items[k]);
        return;
    }
}
/* The transfers of two stages happen at once. */
static void merged(Mutant *m) {
    EACH_MOVE(move)
    for (int64_t i = 0; i + 1 < move->stages.count; ++i) {
        PlanMoveStage *stage = &move->stages.items[i], *next = stage + 1;
        if (stage->primitive != PRIMITIVE_TRANSFERS || next->primitive != PRIMITIVE_TRANSFERS ||
            stage->sets.count != next->sets.count || !here(m, s_, move, i, -1, 0))
            continue;
        for (int64_t k = 0; k < stage->sets.count; ++k)
            for (int64_t t = 0; t < next->sets.items[k].transfers.count; ++t)
                *(PlanTransfer *)LIST_PUSH(m->arena, &stage->sets.items[k].transfers) =
                    next->sets.items[k].transfers.items[t];
        MUTATE_DROP(&move->stages, i + 1);
        return;
    }
}
static void primitive(Mutant *m) {
    EACH_MOVE(move)
    for (int64_t i = 0; i < move->stages.count; ++i)
        for (int v = 0; v < PRIMITIVE_TRANSFERS; ++v)
            if (here(m, s_, move, i, -1, v)) {
                int64_t *is = &move->stages.items[i].primitive;
                *is = (*is + 1 + v) % (PRIMITIVE_TRANSFERS + 1);
                return;
            }
}

/* --- sets --------------------------------------------------------------------------------------------- */

typedef bool (*SetEdit)(Mutant *m, PlanSet *set, int64_t item, int64_t v, bool apply);

static void each_set(Mutant *m, int64_t variants, SetEdit edit) {
    EACH_MOVE(move)
    for (int64_t i = 0; i < move->stages.count; ++i)
        for (int64_t k = 0; k < move->stages.items[i].sets.count; ++k) {
            PlanSet *set = &move->stages.items[i].sets.items[k];
            int64_t most =
                set->ranks.count > set->transfers.count ? set->ranks.count : set->transfers.count;
            for (int64_t t = 0; t < most; ++t)
                for (int64_t v = 0; v < variants; ++v)
                    if (edit(m, set, t, v, false) && here(m, s_, move, i, 1000 * k + t, v)) {
                        edit(m, set, t, v, true);
                        return;
                    }
        }
}

static bool edit_member(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->ranks.count)
        return false;
    if (apply && v == 0) {
        MUTATE_DROP(&set->ranks, i);
        if (i < set->pieces.count)
            MUTATE_DROP(&set->pieces, i);
    }
    if (apply && v == 1)
        ++set->ranks.items[i];
    if (apply && v == 2) {
        MUTATE_DOUBLE(m->arena, &set->ranks, i);
        if (i < set->pieces.count)
            MUTATE_DOUBLE(m->arena, &set->pieces, i);
    }
    return true;
}
static bool edit_own(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->pieces.count)
        return false;
    Range *own = &set->pieces.items[i];
    if (apply && v < 4)
        *(v < 2 ? &own->begin : &own->end) += v % 2 ? 1 : -1;
    for (int64_t k = 0; apply && v >= 4 && k < set->pieces.count; ++k) /* the same for all */
        *(v == 4 ? &set->pieces.items[k].end : &set->pieces.items[k].begin) += v == 4 ? -1 : 1;
    return true;
}
static bool edit_own_swap(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i + 1 >= set->pieces.count || set->pieces.items[i].begin == set->pieces.items[i + 1].begin)
        return false;
    if (apply)
        MUTATE_SWAP(Range, set->pieces.items[i], set->pieces.items[i + 1]);
    return true;
}

static bool edit_transfer_lost(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    if (apply)
        MUTATE_DROP(&set->transfers, i);
    return true;
}
static bool edit_transfer_twice(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    if (apply)
        MUTATE_DOUBLE(m->arena, &set->transfers, i);
    return true;
}
static bool edit_transfer_reversed(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    PlanTransfer *transfer = &set->transfers.items[i];
    if (apply)
        MUTATE_SWAP(int64_t, transfer->from, transfer->to);
    return true;
}
/* From or to the next member that is neither. */
static bool edit_transfer_redirected(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    PlanTransfer *transfer = &set->transfers.items[i];
    for (int64_t k = 0; k < set->ranks.count; ++k) {
        int64_t rank = set->ranks.items[k];
        if (rank == transfer->from || rank == transfer->to)
            continue;
        if (apply)
            *(v ? &transfer->from : &transfer->to) = rank;
        return true;
    }
    return false;
}
static bool edit_transfer_reduce(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    if (apply)
        set->transfers.items[i].reduce = 1 - set->transfers.items[i].reduce;
    return true;
}
static bool edit_transfer_pieces(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i >= set->transfers.count)
        return false;
    Range *range = &set->transfers.items[i].pieces;
    if (apply && (v < 2 || v >= 4))
        range->begin += v % 2 ? -1 : 1;
    if (apply && v >= 2)
        range->end += v % 2 ? -1 : 1;
    return true;
}
static bool edit_transfer_swap(Mutant *m, PlanSet *set, int64_t i, int64_t v, bool apply) {
    if (i + 1 >= set->transfers.count)
        return false;
    if (apply)
        MUTATE_SWAP(PlanTransfer, set->transfers.items[i], set->transfers.items[i + 1]);
    return true;
}

static void set_member(Mutant *m) {
    each_set(m, 3, edit_member);
}
static void set_own(Mutant *m) {
    each_set(m, 6, edit_own);
}
static void set_own_swap(Mutant *m) {
    each_set(m, 1, edit_own_swap);
}
static void transfer_lost(Mutant *m) {
    each_set(m, 1, edit_transfer_lost);
}
static void transfer_twice(Mutant *m) {
    each_set(m, 1, edit_transfer_twice);
}
static void transfer_reversed(Mutant *m) {
    each_set(m, 1, edit_transfer_reversed);
}
static void transfer_redirected(Mutant *m) {
    each_set(m, 2, edit_transfer_redirected);
}
static void transfer_reduce(Mutant *m) {
    each_set(m, 1, edit_transfer_reduce);
}
static void transfer_pieces(Mutant *m) {
    each_set(m, 6, edit_transfer_pieces);
}
static void transfer_swap(Mutant *m) {
    each_set(m, 1, edit_transfer_swap);
}

static const MutantOperator operators[] = {
    {"move-lost", "a move is lost or doubled", move_lost, NULL},
    {"move-kind", "a move is of another kind", kind, NULL},
    {"move-group", "a move is another group's", group, NULL},
    {"move-stream", "a move is on another stream", stream,
     "waits are made for whatever stream it is"},
    {"move-mode", "a move is padded instead of exact, or the reverse", mode,
     "moves within a group have none, and those of a rank with itself vanish"},
    {"move-chunk", "a move goes in other chunks", chunk,
     "moves within a group have none, and those of a rank with itself vanish"},
    {"move-in-flight", "a move has another number of transfers under way", in_flight,
     "moves within a group have none, and those of a rank with itself vanish"},
    {"move-unit", "a payload is cut by elements instead of rows, or the reverse", unit,
     "the same payload, cut elsewhere or not at all"},
    {"move-pieces", "a payload is cut in other pieces", pieces,
     "nothing is cut: the move has no stages, or is not used"},
    {"stage-of-move", "a stage is lost, doubled, or before the one before", stages,
     "the stages are of other pieces, or a copy is made again"},
    {"stages-reversed", "stages come in reverse", reversed, "the stages are of other pieces"},
    {"stages-merged", "two stages happen at once", merged, "the stages are of other pieces"},
    {"stage-primitive", "a stage is another primitive", primitive,
     "the move is not used in this plan"},
    {"set-member", "a set lacks a member, has one twice or another one", set_member,
     "the set moves no piece of that member"},
    {"set-pieces", "pieces of a member begin or end one off, or those of all", set_own,
     "the piece is empty, or comes from the same owner"},
    {"set-pieces-swap", "two members have each other's pieces", set_own_swap,
     "the pieces of both are there before, or empty"},
    {"transfer-lost", "a transfer is left out", transfer_lost, NULL},
    {"transfer-twice", "a transfer happens twice", transfer_twice, NULL},
    {"transfer-reversed", "a transfer goes the other way", transfer_reversed, NULL},
    {"transfer-redirected", "a transfer comes from or goes to another member", transfer_redirected,
     "the other member has the same piece"},
    {"transfer-reduce", "a copy is a sum, or the reverse", transfer_reduce, NULL},
    {"transfer-pieces", "a transfer moves pieces one off", transfer_pieces,
     "the piece more is there already, or empty"},
    {"transfer-swap", "two transfers change places in the list", transfer_swap,
     "transfers of a stage happen at once"},
};

const MutantTable mutate_moves_table = {OF_COLLECTIVES, operators,
                                        sizeof operators / sizeof *operators};
