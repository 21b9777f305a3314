/* emulate_meet: moves. Each member comes to the place of its channel or exchange with what it brings, which must be
 * the same move; the last to come lets its bytes flow, and all go on when these have arrived. */
#include "core/emulate_state.h"

#include <math.h>

/* Milliseconds after which who waits for the lock looks whether the run has failed. */
enum { LOCK_SLICE_MS = 50 };

static const char *const kind_names[] = {
    [RT_EMU_ALL_REDUCE] = "all_reduce", [RT_EMU_REDUCE_SCATTER] = "reduce_scatter",
    [RT_EMU_ALL_GATHER] = "all_gather", [RT_EMU_SEND] = "send",
    [RT_EMU_TRANSFER] = "transfer",     [RT_EMU_RECV] = "recv",
    [RT_EMU_DISPATCH] = "dispatch",     [RT_EMU_COMBINE] = "combine",
};

rt_status rt_emulation_lock(rt_rank *rank, rt_emu *emu) {
    for (int64_t waited = 0; !rt_lock_take(&emu->header->lock, LOCK_SLICE_MS);
         waited += LOCK_SLICE_MS) {
        if (rt_segment_failed(emu->segment))
            return RT_ABORTED;
        if (rank->limit_ms && waited > rank->limit_ms)
            return rt_fail(rank, RT_TIMEOUT,
                           "a rank did not give back the lock of moves for %lld ms",
                           (long long)rank->limit_ms);
    }
    return RT_OK;
}

void rt_emulation_unlock(rt_emu *emu) {
    rt_lock_drop(&emu->header->lock);
}

rt_status rt_emulation_sleep(rt_emu *emu, int32_t lane, double due) {
    rt_word *word = rt_emulation_lane_word(emu, lane);
    for (;;) {
        uint32_t value = atomic_load_explicit(word, memory_order_acquire);
        if (value & RT_ABORT_BIT)
            return RT_ABORTED;
        if (rt_now() >= due)
            return RT_OK;
        rt_word_sleep_until(word, value, due);
    }
}

/* Whether two members mean the same move. The two ends of a pair are one of each. */
static bool same_move(const rt_emu_bring *a, const rt_emu_bring *b) {
    bool pair = a->kind == RT_EMU_SEND || a->kind == RT_EMU_RECV;
    bool kinds = pair ? a->kind + b->kind == RT_EMU_SEND + RT_EMU_RECV : a->kind == b->kind;
    return kinds && a->layer == b->layer && a->type == b->type && a->units == b->units &&
           a->unit_bytes == b->unit_bytes;
}

static rt_status come(rt_rank *rank, rt_emu *emu, int32_t index, const rt_emu_bring *bring) {
    rt_emu_place *place = &emu->place[index];
    const rt_emu_bring *first = &place->brought;
    const char *part, *name = rt_emulation_place_name(rank->program, index, &part);
    for (int32_t lane = place->first_lane; lane; lane = emu->lane[lane - 1].next)
        if ((lane - 1) / emu->streams == rank->id)
            return rt_fail(rank, RT_SOFTWARE,
                           "%s %s: this rank comes to two moves of it at once, the other is "
                           "operation %d",
                           part, name, atomic_load(&emu->lane[lane - 1].op));
    if (place->arrived > 0 && !same_move(first, bring))
        return rt_fail(
            rank, RT_SOFTWARE,
            "%s %s: rank %d brings operation %d %s of layer %d and %lld bytes, this rank "
            "%s of layer %d and %lld bytes",
            part, name, first->rank, first->op, kind_names[first->kind], first->layer,
            (long long)(first->units * first->unit_bytes), kind_names[bring->kind], bring->layer,
            (long long)(bring->units * bring->unit_bytes));
    if (place->arrived > 0 && first->move != bring->move)
        return rt_fail(rank, RT_SOFTWARE, "%s %s: rank %d brings operation %d, of other figures",
                       part, name, first->rank, first->op);
    if (place->arrived++ == 0)
        place->brought = *bring;
    return RT_OK;
}

/* All have come. */
static void begin(rt_emu *emu, int32_t index, double scale) {
    const rt_figures *figures = &emu->segment->job->figures;
    rt_emu_place *place = &emu->place[index];
    int32_t move = place->brought.move;
    double enters = place->ready + (move < 0 ? 0 : figures->fixed_s[move] * scale);
    place->under_way = true;
    place->begun = fmax(rt_now(), place->ready);
    place->end = enters;
    if (move >= 0 && figures->move_s[move] > 0)
        rt_emulation_flow(emu, index, move, enters, scale);
    for (int32_t lane = place->first_lane; lane; lane = emu->lane[lane - 1].next)
        rt_emulation_wake(emu, lane - 1);
}

/* The move is over: its members have what they need to go on, and the place is free for the next. */
static void release(rt_emu *emu, int32_t index) {
    rt_emu_place *place = &emu->place[index];
    rt_emulation_settle(emu, index);
    for (int32_t lane = place->first_lane; lane;) {
        rt_emu_lane *of = &emu->lane[lane - 1];
        of->released = true;
        of->begun = place->begun;
        of->end = place->end;
        rt_emulation_wake(emu, lane - 1);
        lane = of->next;
        of->next = 0;
    }
    *place = (rt_emu_place){.members = place->members};
}

/* Sleep until the place lets this lane go. */
static rt_status stay(rt_rank *rank, rt_emu *emu, int32_t index, int32_t lane) {
    rt_emu_lane *mine = &emu->lane[lane];
    const rt_emu_place *place = &emu->place[index];
    rt_word *word = rt_emulation_lane_word(emu, lane);
    for (;;) {
        uint32_t value = atomic_load_explicit(word, memory_order_acquire);
        if (value & RT_ABORT_BIT)
            return RT_ABORTED;
        RT_TRY(rt_emulation_lock(rank, emu));
        if (!mine->released && place->under_way && rt_now() >= place->end)
            release(emu, index);
        bool released = mine->released, under_way = place->under_way;
        double end = place->end;
        rt_emulation_unlock(emu);
        if (released)
            return RT_OK;
        atomic_store_explicit(&mine->doing, under_way ? RT_EMU_UNDER_WAY : RT_EMU_MEMBERS,
                              memory_order_relaxed);
        if (under_way)
            rt_word_sleep_until(word, value, end);
        else
            rt_word_sleep(word, value, -1);
    }
}

rt_status rt_emulation_meet(rt_rank *rank, rt_emu *emu, int32_t index, const rt_emu_bring *bring,
                            double scale, double *due, double *begun) {
    rt_emu_place *place = &emu->place[index];
    rt_emu_lane *mine = &emu->lane[bring->lane];
    atomic_store_explicit(&mine->place, index, memory_order_relaxed);
    atomic_store_explicit(&mine->doing, RT_EMU_MEMBERS, memory_order_relaxed);
    RT_TRY(rt_emulation_lock(rank, emu));
    rt_status status = come(rank, emu, index, bring);
    if (status == RT_OK) {
        mine->released = false;
        mine->next = place->first_lane;
        place->first_lane = bring->lane + 1;
        place->ready = place->arrived == 1 || *due > place->ready ? *due : place->ready;
        if (place->arrived == place->members)
            begin(emu, index, scale);
    }
    rt_emulation_unlock(emu);
    RT_TRY(status);
    RT_TRY(stay(rank, emu, index, bring->lane));
    *due = mine->end;
    *begun = mine->begun;
    return RT_OK;
}
