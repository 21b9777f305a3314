/* plan_validate_moves: the structural checks of a step's moves. What an algorithm computes is the
 * proof's question; here its sets, members and pieces exist. */
#include "plan/plan_validate.h"

static bool is_group_move(int64_t kind) {
    return kind != MOVE_DISPATCH && kind != MOVE_COMBINE && kind != MOVE_HANDOVER;
}

static const PlanMove *find_move(const PlanStep *step, int64_t kind, int64_t group) {
    for (int64_t i = 0; i < step->moves.count; i++) {
        const PlanMove *move = &step->moves.items[i];
        if (move->kind == kind && (move->group == group || !is_group_move(kind))) {
            return move;
        }
    }
    return NULL;
}

static bool has_rank(const PlanSet *set, int64_t rank) {
    for (int64_t i = 0; i < set->ranks.count; i++) {
        if (set->ranks.items[i] == rank) {
            return true;
        }
    }
    return false;
}

/* Transfers join two different members of their set; what they compute is the proof's question. */
static Status check_transfers(Check *check, const PlanMove *move, const PlanSet *set,
                              const char *where) {
    for (int64_t i = 0; i < set->transfers.count; i++) {
        const PlanTransfer *transfer = &set->transfers.items[i];
        const char *bad = NULL;
        if (!has_rank(set, transfer->from) || !has_rank(set, transfer->to)) {
            bad = "both ranks are members of the set";
        } else if (transfer->from == transfer->to) {
            bad = "a rank sends to another one";
        } else if (transfer->pieces.begin >= transfer->pieces.end ||
                   transfer->pieces.end > move->pieces) {
            bad = "write [begin, end) within the pieces of the move";
        }
        if (bad) {
            return plan_refuse(check, "E0513", bad,
                               "%s.transfers[%lld]: pieces [%lld, %lld) of %lld from rank %lld to "
                               "rank %lld",
                               where, (long long)i, (long long)transfer->pieces.begin,
                               (long long)transfer->pieces.end, (long long)move->pieces,
                               (long long)transfer->from, (long long)transfer->to);
        }
    }
    return STATUS_OK;
}

/* A set of transfers lists those, any other the pieces of its members. */
static Status check_form(Check *check, const PlanMoveStage *stage, const PlanSet *set,
                         const char *where) {
    bool lists = stage->primitive == PRIMITIVE_TRANSFERS;
    if (lists != (set->transfers.count > 0)) {
        return plan_refuse(check, "E0513",
                           "a stage of primitive transfers lists them in its sets, no other does",
                           "%s: %lld transfers in a stage of %s", where,
                           (long long)set->transfers.count, plan_primitive_names[stage->primitive]);
    }
    if (set->pieces.count != (lists ? 0 : set->ranks.count)) {
        return plan_refuse(check, "E0513",
                           lists ? "transfers name the pieces" : "pieces[i] belongs to ranks[i]",
                           "%s: %lld ranks, but pieces of %lld", where, (long long)set->ranks.count,
                           (long long)set->pieces.count);
    }
    return STATUS_OK;
}

static Status check_set(Check *check, const PlanMove *move, const PlanMoveStage *stage,
                        const PlanSet *set, bool *seen, const char *where) {
    TRY(check_form(check, stage, set, where));
    for (int64_t i = 0; i < set->ranks.count; i++) {
        int64_t rank = set->ranks.items[i];
        bool member = rank >= 0 && rank < check->plan->ranks_per_copy &&
                      (!is_group_move(move->kind) || check->group_of[rank] == move->group);
        if (!member || seen[rank]) {
            return plan_refuse(check, "E0513",
                               "the sets of a stage are disjoint and of the move's request group",
                               "%s: rank %lld", where, (long long)rank);
        }
        seen[rank] = true;
        if (i > 0 && rank < set->ranks.items[i - 1]) {
            return plan_refuse(check, "E0513", "write the ranks of a set in ascending order",
                               "%s: rank %lld after rank %lld", where, (long long)rank,
                               (long long)set->ranks.items[i - 1]);
        }
        if (stage->primitive == PRIMITIVE_TRANSFERS) {
            continue;
        }
        Range pieces = set->pieces.items[i], first = set->pieces.items[0];
        bool reduces = stage->primitive == PRIMITIVE_ALL_REDUCE;
        if (pieces.begin > pieces.end || pieces.end > move->pieces ||
            (reduces && (pieces.begin != first.begin || pieces.end != first.end ||
                         pieces.begin == pieces.end))) {
            return plan_refuse(check, "E0513",
                               reduces ? "all members of an all_reduce name the same pieces"
                                       : "write [begin, end) within the pieces of the move",
                               "%s: pieces [%lld, %lld) of %lld for rank %lld", where,
                               (long long)pieces.begin, (long long)pieces.end,
                               (long long)move->pieces, (long long)rank);
        }
    }
    return check_transfers(check, move, set, where);
}

static Status check_stages(Check *check, const PlanMove *move, const char *where) {
    for (int64_t i = 0; i < move->stages.count; i++) {
        const PlanMoveStage *stage = &move->stages.items[i];
        bool *seen = ARENA_ARRAY(&check->scratch, check->plan->ranks_per_copy, bool);
        for (int64_t k = 0; k < stage->sets.count; k++) {
            const char *set = arena_printf(&check->scratch, "%s.stages[%lld].sets[%lld]", where,
                                           (long long)i, (long long)k);
            TRY(check_set(check, move, stage, &stage->sets.items[k], seen, set));
        }
    }
    return STATUS_OK;
}

/* The stages of an exchange copy pieces by source and target rank. */
static Status check_ways(Check *check, const PlanMove *move, const char *where) {
    int64_t pairs = check->plan->ranks_per_copy * check->plan->ranks_per_copy;
    bool sound = move->stages.count == 0 || move->pieces == pairs;
    for (int64_t i = 0; i < move->stages.count; i++) {
        const PlanMoveStage *stage = &move->stages.items[i];
        sound = sound && stage->primitive == PRIMITIVE_TRANSFERS;
        for (int64_t k = 0; k < stage->sets.count; k++) {
            for (int64_t t = 0; t < stage->sets.items[k].transfers.count; t++) {
                sound = sound && stage->sets.items[k].transfers.items[t].reduce == REDUCE_COPY;
            }
        }
    }
    if (sound) {
        return STATUS_OK;
    }
    return plan_refuse(check, "E0513",
                       "stages of dispatch and combine are transfers that copy pieces, as many as "
                       "pairs of ranks",
                       "%s.stages: %lld pieces for %lld pairs of ranks", where,
                       (long long)move->pieces, (long long)pairs);
}

static Status check_move(Check *check, const PlanStep *step, const PlanMove *move,
                         const char *where) {
    bool grouped = is_group_move(move->kind);
    int64_t groups = check->groups;
    if (grouped ? move->group < 0 || move->group >= groups : move->group != -1) {
        return plan_refuse(check, "E0512",
                           "dispatch, combine and handover have group -1, others one of theirs",
                           "%s: %s with request group %lld of %lld", where,
                           plan_move_names[move->kind], (long long)move->group, (long long)groups);
    }
    if (find_move(step, move->kind, move->group) != move) {
        return plan_refuse(check, "E0512", "a group has one move of a kind: remove one",
                           "%s: a second %s of request group %lld", where,
                           plan_move_names[move->kind], (long long)move->group);
    }
    if ((grouped && move->stages.count == 0) ||
        (move->kind == MOVE_HANDOVER && move->stages.count > 0)) {
        return plan_refuse(
            check, "E0512", "moves within a request group have stages, a handover has none",
            "%s: %s %s stages", where, plan_move_names[move->kind], grouped ? "needs" : "has no");
    }
    TRY(check_stages(check, move, where));
    return grouped ? STATUS_OK : check_ways(check, move, where);
}

/* A group whose members hold parts of the embedding sums them by a move. */
static bool embedding_is_split(const Plan *plan, const int64_t *group_of, int64_t group) {
    for (int64_t i = 0; i < plan->embedding.count; i++) {
        const PlanVocabulary *part = &plan->embedding.items[i];
        if (group_of[part->rank] == group &&
            part->entries.end - part->entries.begin < plan->inputs.model.vocabulary) {
            return true;
        }
    }
    return false;
}

static Status require_move(Check *check, const PlanStep *step, int64_t kind, int64_t group,
                           const char *where) {
    if (find_move(step, kind, group)) {
        return STATUS_OK;
    }
    return plan_refuse(check, "E0514", "add it, or plan again",
                       "%s.moves: %s of request group %lld is missing", where,
                       plan_move_names[kind], (long long)group);
}

Status plan_validate_moves(Check *check, const PlanStep *step, const char *where) {
    for (int64_t i = 0; i < step->moves.count; i++) {
        const char *move = arena_printf(&check->scratch, "%s.moves[%lld]", where, (long long)i);
        TRY(check_move(check, step, &step->moves.items[i], move));
    }
    int64_t group = 0;
    for (int64_t i = 0; i < check->plan->stages.count; i++) {
        const PlanStage *stage = &check->plan->stages.items[i];
        for (int64_t g = 0; g < stage->attention.count; g++, group++) {
            if (stage->attention.items[g].members.count > 1) {
                TRY(require_move(check, step, MOVE_ATTENTION_OUTPUT, group, where));
                TRY(require_move(check, step, MOVE_GATHER, group, where));
                if (check->plan->inputs.model.qk_norm == QK_NORM_FULL)
                    TRY(require_move(check, step, MOVE_NORM, group, where));
            }
            if (stage->attention.items[g].members.count > 1 && stage->ffn.count > 0) {
                TRY(require_move(check, step, MOVE_FFN_OUTPUT, group, where));
            }
            if (embedding_is_split(check->plan, check->group_of, group)) {
                TRY(require_move(check, step, MOVE_EMBEDDING, group, where));
            }
        }
    }
    return STATUS_OK; /* dispatch, combine, ffn_output of experts: lowering knows whether they are needed */
}
