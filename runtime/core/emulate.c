/* emulate: see emulate.h. The rank's thread runs the program's function, which enqueues operations; a thread a
 * stream (a lane) runs them in their order. An emulator belongs to one rank; lanes live as long as a run. */
#include "core/emulate.h"
#include "core/record.h"
#include "core/peers.h"
#include "core/pulse.h"
#include "core/wait.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { WAITS = sizeof((rt_op *)0)->waits / sizeof(int16_t), CHUNK = 1024, CHUNKS = 4096 };

/* From the moment at which all ranks are known to be there to the begin of a run: their threads wake. */
#define RUN_LEAD_S 0.005

/* An operation enqueued. What is not atomic is written by who enqueues it, the due end by its lane before `done`. */
typedef struct Item {
    int32_t op, layer, stream;
    int32_t place; /* -1: no move */
    rt_emu_bring bring;
    struct Item *waits[WAITS]; /* NULL: none, or nothing was recorded */
    double due;                /* end */
    _Atomic bool done;
} Item;

typedef struct Lane {
    rt_emulator *emulator;
    int32_t stream, index; /* index: among all lanes */
    double free;           /* due end of the operation before */
    double end, late;      /* seconds of the cluster: of the last operation, behind its due time */
    pthread_t thread;
    bool started;
} Lane;

struct rt_emulator {
    rt_rank *rank;
    rt_emu emu;
    int64_t run;
    double begin, scale, before; /* of the run, see rt_emu_run */
    Item *chunk[CHUNKS];
    Item **last;              /* [ops] the most recent of each in this run */
    _Atomic int64_t enqueued; /* items that lanes may read */
    _Atomic bool closed;      /* no more will come */
    _Atomic int32_t running;  /* lanes */
    _Atomic int64_t events;
    Lane *lanes; /* [streams] */
};

static Item *item_at(const rt_emulator *emulator, int64_t index) {
    return &emulator->chunk[index / CHUNK][index % CHUNK];
}

static double cluster_time(const rt_emulator *emulator, double now) {
    return (now - emulator->begin) / emulator->scale;
}

/* --- enqueueing: what the program's function does ------------------------------------------------------ */

/* Something that a lane of this rank may wait for has happened. */
static void tell_lanes(rt_emulator *emulator) {
    rt_word *word = rt_emulation_rank_word(&emulator->emu, emulator->rank->id);
    rt_word_add(word);
    rt_word_wake(word);
}

static rt_status enqueue(rt_rank *rank, int op, int layer, int32_t place, rt_emu_bring bring) {
    rt_emulator *emulator = rank->emulator;
    int64_t index = atomic_load_explicit(&emulator->enqueued, memory_order_relaxed);
    if (rt_segment_failed(rank->segment))
        return RT_ABORTED;
    if (op < 0 || op >= rank->role->op_count || index >= (int64_t)CHUNK * CHUNKS)
        return rt_fail(rank, RT_SOFTWARE, "the role has no operation %d, or too many in a step",
                       op);
    Item **chunk = &emulator->chunk[index / CHUNK];
    if (!*chunk)
        *chunk = calloc(CHUNK, sizeof **chunk);
    if (!*chunk)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for %d operations", CHUNK);
    const rt_op *ops = rank->role->ops;
    Item *item = item_at(emulator, index);
    *item =
        (Item){.op = op, .layer = layer, .stream = ops[op].stream, .place = place, .bring = bring};
    item->bring.rank = rank->id;
    item->bring.op = op;
    item->bring.layer = layer;
    item->bring.lane = rank->id * emulator->emu.streams + ops[op].stream;
    for (int i = 0; i < (int)WAITS && ops[op].waits[i] >= 0; ++i) {
        int waited = ops[op].waits[i];
        if (waited >= rank->role->op_count)
            return rt_fail(rank, RT_SOFTWARE, "operation %d waits for %d, which is not there", op,
                           waited);
        item->waits[i] = ops[waited].records ? emulator->last[waited] : NULL;
    }
    emulator->last[op] = item;
    atomic_store_explicit(&emulator->enqueued, index + 1, memory_order_release);
    tell_lanes(emulator);
    return RT_OK;
}

rt_status rt_emulate_local(rt_rank *rank, int op, int layer) {
    return enqueue(rank, op, layer, -1, (rt_emu_bring){0});
}

static int32_t move_of(const rt_rank *rank, int op) {
    const rt_figures *figures = &rank->job->figures;
    return op < 0 || op >= rank->role->op_count
               ? -1
               : figures->op_move[figures->op_first[rank->id] + op];
}

rt_status rt_emulate_channel(rt_rank *rank, int op, int layer, int channel, rt_emu_kind kind,
                             const rt_collective *args) {
    if (channel < 0 || channel >= rank->program->channels ||
        !rt_emulation_member(rank->program, channel, rank->id))
        return rt_fail(rank, RT_SOFTWARE, "operation %d: channel %d is not for this rank", op,
                       channel);
    return enqueue(rank, op, layer, channel,
                   (rt_emu_bring){.kind = kind,
                                  .move = move_of(rank, op),
                                  .type = (int32_t)args->type,
                                  .units = args->units,
                                  .unit_bytes = args->unit_bytes});
}

rt_status rt_emulate_pair(rt_rank *rank, int op, int layer, int channel, rt_emu_kind kind,
                          const rt_pair_args *args) {
    rt_collective bytes = {.units = args->bytes, .unit_bytes = 1};
    return rt_emulate_channel(rank, op, layer, channel, kind, &bytes);
}

rt_status rt_emulate_exchange(rt_rank *rank, int op, int layer, int exchange, rt_emu_kind kind) {
    int32_t place = rank->program->channels + 2 * exchange + (kind == RT_EMU_COMBINE);
    if (exchange < 0 || exchange >= rank->program->exchanges ||
        !rt_emulation_member(rank->program, place, rank->id))
        return rt_fail(rank, RT_SOFTWARE, "operation %d: exchange %d is not for this rank", op,
                       exchange);
    return enqueue(rank, op, layer, place, (rt_emu_bring){.kind = kind, .move = move_of(rank, op)});
}

/* --- lanes ---------------------------------------------------------------------------------------------- */

static rt_emu_lane *shared_of(const Lane *lane) {
    return &lane->emulator->emu.lane[lane->index];
}

static void say(const Lane *lane, rt_emu_doing doing) {
    atomic_store_explicit(&shared_of(lane)->doing, doing, memory_order_relaxed);
}

static uint32_t rank_count(const Lane *lane) {
    return atomic_load_explicit(
        rt_emulation_rank_word(&lane->emulator->emu, lane->emulator->rank->id),
        memory_order_acquire);
}

/* The next item of this stream; NULL at the end of the step, or when the run has failed. */
static Item *lane_next(const Lane *lane, int64_t *at) {
    rt_emulator *emulator = lane->emulator;
    rt_word *word = rt_emulation_rank_word(&emulator->emu, emulator->rank->id);
    for (;;) {
        uint32_t value = rank_count(lane);
        bool closed = atomic_load_explicit(&emulator->closed, memory_order_acquire);
        int64_t enqueued = atomic_load_explicit(&emulator->enqueued, memory_order_acquire);
        while (*at < enqueued) {
            Item *item = item_at(emulator, (*at)++);
            if (item->stream == lane->stream)
                return item;
        }
        if (closed || (value & RT_ABORT_BIT))
            return NULL;
        say(lane, RT_EMU_IDLE);
        rt_word_sleep(word, value, -1);
    }
}

/* Wait for the events of an operation; *due: when it may begin. */
static rt_status lane_wait(const Lane *lane, const Item *item, double *due) {
    rt_word *word = rt_emulation_rank_word(&lane->emulator->emu, lane->emulator->rank->id);
    for (int i = 0; i < (int)WAITS; ++i) {
        const Item *waited = item->waits[i];
        while (waited) {
            uint32_t value = rank_count(lane);
            if (atomic_load_explicit(&waited->done, memory_order_acquire))
                break;
            if (value & RT_ABORT_BIT)
                return RT_ABORTED;
            say(lane, RT_EMU_EVENT);
            rt_word_sleep(word, value, -1);
        }
        if (waited && waited->due > *due)
            *due = waited->due;
    }
    return RT_OK;
}

static void lane_record(Lane *lane, const Item *item, double begin, double end) {
    rt_emulator *emulator = lane->emulator;
    int64_t index = atomic_fetch_add_explicit(&emulator->events, 1, memory_order_relaxed);
    lane->end = cluster_time(emulator, end);
    lane->late = fmax(lane->late, (end - item->due) / emulator->scale);
    if (index >= RT_TRACE_EVENTS)
        return;
    emulator->rank->events[index] =
        (rt_event){.begin = emulator->before + cluster_time(emulator, begin),
                   .end = emulator->before + lane->end,
                   .op = item->op,
                   .layer = item->layer,
                   .step = (int32_t)(emulator->rank->step - emulator->rank->program->step),
                   .run = (int32_t)emulator->run};
}

static rt_status lane_execute(Lane *lane, Item *item) {
    rt_emulator *emulator = lane->emulator;
    rt_rank *rank = emulator->rank;
    rt_emu_lane *shared = shared_of(lane);
    const rt_figures *figures = &rank->job->figures;
    double due = lane->free;
    atomic_store_explicit(&shared->op, item->op, memory_order_relaxed);
    atomic_store_explicit(&shared->layer, item->layer, memory_order_relaxed);
    RT_TRY(lane_wait(lane, item, &due));
    atomic_store_explicit(&rank->area->op, item->op + 1, memory_order_relaxed);
    atomic_store_explicit(&rank->area->layer, item->layer + 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    double begin = fmax(rt_now(), due); /* before it only where the run has not begun */
    if (item->place >= 0) {
        RT_TRY(rt_emulation_meet(rank, &emulator->emu, item->place, &item->bring, emulator->scale,
                                 &due, &begin));
    } else {
        due += figures->op_s[figures->op_first[rank->id] + item->op] * emulator->scale;
        say(lane, RT_EMU_UNDER_WAY);
        RT_TRY(rt_emulation_sleep(&emulator->emu, lane->index, due));
    }
    item->due = lane->free = due;
    lane_record(lane, item, begin, rt_now());
    atomic_store_explicit(&item->done, true, memory_order_release);
    atomic_fetch_add_explicit(&rank->area->progress, 1, memory_order_relaxed);
    tell_lanes(emulator);
    return RT_OK;
}

static void *lane_run(void *argument) {
    Lane *lane = argument;
    int64_t at = 0;
    Item *item;
    prctl(PR_SET_TIMERSLACK, 1UL); /* nanosecond: sleeps end when they are due */
    while ((item = lane_next(lane, &at)) && lane_execute(lane, item) == RT_OK)
        continue;
    say(lane, RT_EMU_IDLE);
    atomic_fetch_sub_explicit(&lane->emulator->running, 1, memory_order_acq_rel);
    tell_lanes(lane->emulator);
    return NULL;
}

/* --- who watches that it goes on ------------------------------------------------------------------------ */

/* A member of a place that has not come, and what it does instead. */
static int32_t missing(const rt_emu *emu, int32_t place, char *doing, size_t size) {
    const rt_program *program = emu->segment->program;
    for (int32_t rank = 0; rank < program->world; ++rank) {
        bool here = !rt_emulation_member(program, place, rank);
        const rt_role *role = &program->role[program->places[rank].role];
        int used = snprintf(doing, size, "rank %d (%s) does not come", rank, role->name);
        for (int32_t s = 0; s < emu->streams; ++s) {
            const rt_emu_lane *lane = &emu->lane[rank * emu->streams + s];
            if (atomic_load(&lane->doing) != RT_EMU_MEMBERS)
                continue;
            int32_t op = atomic_load(&lane->op), at = atomic_load(&lane->place);
            const char *part, *name = rt_emulation_place_name(program, at, &part);
            here |= at == place;
            char layer[32] = "";
            if (atomic_load(&lane->layer) >= 0)
                snprintf(layer, sizeof layer, "layer %d, ", atomic_load(&lane->layer));
            if (used > 0 && used < (int)size)
                snprintf(doing + used, size - (size_t)used,
                         ": it waits in %soperation %d %s over %s %s", layer, op,
                         role->ops[op].kind, part, name);
        }
        if (!here)
            return rank;
    }
    return -1;
}

/* Some lane of this rank waits for members, or all would have ended: events are of operations enqueued before. */
static rt_status give_up(rt_emulator *emulator) {
    rt_rank *rank = emulator->rank;
    const rt_emu *emu = &emulator->emu;
    char doing[320] = "";
    for (int32_t s = 0; s < emu->streams; ++s) {
        const rt_emu_lane *lane = &emu->lane[rank->id * emu->streams + s];
        int32_t place = atomic_load(&lane->place);
        if (atomic_load(&lane->doing) != RT_EMU_MEMBERS ||
            missing(emu, place, doing, sizeof doing) < 0)
            continue;
        const char *part, *name = rt_emulation_place_name(rank->program, place, &part);
        atomic_store(&rank->area->op, atomic_load(&lane->op) + 1);
        atomic_store(&rank->area->layer, atomic_load(&lane->layer) + 1);
        return rt_fail(rank, RT_TIMEOUT,
                       "no rank went on for %lld ms; over %s %s %s; --timeout-ms sets the limit",
                       (long long)rank->limit_ms, part, name, doing);
    }
    return rt_fail(rank, RT_TIMEOUT, "no rank went on for %lld ms; --timeout-ms sets the limit",
                   (long long)rank->limit_ms);
}

/* Sleeping as long as an operation takes is work here. */
static void count_sleepers(const rt_emulator *emulator) {
    const rt_emu *emu = &emulator->emu;
    for (int32_t s = 0; s < emu->streams; ++s)
        if (atomic_load(&emu->lane[emulator->rank->id * emu->streams + s].doing) ==
            RT_EMU_UNDER_WAY)
            atomic_fetch_add_explicit(&emulator->rank->area->progress, 1, memory_order_relaxed);
}

static rt_status look_at_peers(rt_rank *rank) {
    int32_t count = 0;
    for (int32_t r = 0; r < rank->program->world; ++r)
        if (r != rank->id)
            rank->closure[count++] = r;
    return rt_peers_look(rank, count);
}

/* Wait until all lanes have ended. */
static rt_status watch_lanes(rt_emulator *emulator) {
    rt_rank *rank = emulator->rank;
    rt_word *word = rt_emulation_rank_word(&emulator->emu, rank->id);
    const int64_t slice = rt_pulse_slice(rank->limit_ms);
    double checked = rt_now(), idle = 0;
    uint64_t seen = 0;
    atomic_store(&rank->area->waits_for, rank->program->channels + 1);
    while (atomic_load_explicit(&emulator->running, memory_order_acquire) > 0) {
        uint32_t value = atomic_load_explicit(word, memory_order_acquire);
        if (value & RT_ABORT_BIT)
            return RT_ABORTED;
        rt_word_sleep(word, value, slice);
        double now = rt_now();
        if ((now - checked) * 1e3 < (double)slice)
            continue;
        count_sleepers(emulator);
        uint64_t progress = 0;
        for (int32_t r = 0; r < rank->program->world; ++r)
            progress += atomic_load(&rt_segment_area(rank->segment, r)->progress);
        idle = progress != seen ? 0 : idle + rt_pulse_idle(now - checked, rank->limit_ms);
        seen = progress;
        checked = now;
        if (rank->watch_pids)
            RT_TRY(look_at_peers(rank));
        if (rank->limit_ms && idle * 1e3 >= (double)rank->limit_ms)
            return give_up(emulator);
    }
    return RT_OK;
}

/* --- runs ------------------------------------------------------------------------------------------------ */

/* All ranks begin a run at one moment, which the first of them names when all are there. */
static rt_status meet_run(rt_emulator *emulator) {
    rt_rank *rank = emulator->rank;
    rt_emu *emu = &emulator->emu;
    rt_emu_run *run = &emu->run[emulator->run];
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    if (rank->id == 0) {
        double took = 0;
        for (int32_t r = 0; emulator->run > 0 && r < rank->program->world; ++r)
            took = fmax(took, emu->end[r * emu->runs + emulator->run - 1]);
        run->before = emulator->run > 0 ? run[-1].before + took : 0;
        run->scale = rank->job->figures.scale[emulator->run / rank->job->emulated];
        run->begin = rt_now() + RUN_LEAD_S;
        emu->header->base = run->begin;
    }
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    emulator->begin = run->begin;
    emulator->scale = run->scale;
    emulator->before = run->before;
    return RT_OK;
}

static rt_status lanes_start(rt_emulator *emulator) {
    atomic_store(&emulator->enqueued, 0);
    atomic_store(&emulator->closed, false);
    memset(emulator->last, 0, (size_t)emulator->rank->role->op_count * sizeof(Item *));
    for (int32_t s = 0; s < emulator->emu.streams; ++s) {
        Lane *lane = &emulator->lanes[s];
        *lane = (Lane){.emulator = emulator,
                       .stream = s,
                       .index = emulator->rank->id * emulator->emu.streams + s,
                       .free = emulator->begin};
        atomic_fetch_add(&emulator->running, 1);
        lane->started = pthread_create(&lane->thread, NULL, lane_run, lane) == 0;
        if (!lane->started) {
            atomic_fetch_sub(&emulator->running, 1);
            return rt_fail(emulator->rank, RT_UNAVAILABLE, "no thread for stream %d", s);
        }
    }
    return RT_OK;
}

/* Take over what the lanes measured. Once the run has failed, they end by themselves. */
static void lanes_join(rt_emulator *emulator) {
    const rt_emu *emu = &emulator->emu;
    int64_t at = emulator->rank->id * emu->runs + emulator->run;
    for (int32_t s = 0; s < emu->streams; ++s) {
        Lane *lane = &emulator->lanes[s];
        if (lane->started)
            pthread_join(lane->thread, NULL);
        emu->end[at] = fmax(emu->end[at], lane->end);
        emu->late[at] = fmax(emu->late[at], lane->late);
        lane->started = false;
    }
    int64_t events = atomic_load(&emulator->events);
    rt_area *area = emulator->rank->area;
    area->events = events < RT_TRACE_EVENTS ? events : RT_TRACE_EVENTS;
    area->events_dropped = events - area->events;
}

static rt_status run_step(rt_emulator *emulator) {
    rt_rank *rank = emulator->rank;
    const rt_step *step = rt_emulation_step(rank->job, emulator->run);
    rank->limit_ms = 2 * rank->job->options->timeout_ms; /* who runs knows better what is amiss */
    RT_TRY(meet_run(emulator));
    rank->limit_ms = rank->job->options->timeout_ms;
    rank->step = step;
    atomic_store(&rank->area->op, 0);
    atomic_store(&rank->area->step, (int32_t)(step - rank->program->step) + 1);
    rt_status status = lanes_start(emulator);
    if (status == RT_OK && rank->record)
        status = rt_record_run(rank, (int32_t)(step - rank->program->step), emulator->run, 0);
    if (status == RT_OK)
        status = step->run[rank->place->role](rank);
    if (status != RT_OK && status != RT_ABORTED)
        status = rt_fail(rank, status, "the step failed");
    atomic_store_explicit(&emulator->closed, true, memory_order_release);
    tell_lanes(emulator);
    if (status == RT_OK)
        status = watch_lanes(emulator);
    lanes_join(emulator);
    atomic_store(&rank->area->waits_for, 0);
    return status != RT_OK ? status : rt_segment_failed(rank->segment) ? RT_ABORTED : RT_OK;
}

static void emulator_free(rt_emulator *emulator) {
    for (int i = 0; i < CHUNKS && emulator->chunk[i]; ++i)
        free(emulator->chunk[i]);
    free(emulator->last);
    free(emulator->lanes);
    free(emulator->emu.scratch);
    emulator->rank->emulator = NULL;
    free(emulator);
}

static rt_emulator *emulator_create(rt_rank *rank) {
    rt_emulator *emulator = calloc(1, sizeof *emulator);
    if (!emulator)
        return NULL;
    rank->emulator = emulator;
    emulator->rank = rank;
    emulator->emu = rt_emulation_at(rank->segment);
    emulator->last = calloc((size_t)rank->role->op_count + 1, sizeof *emulator->last);
    emulator->lanes = calloc((size_t)emulator->emu.streams, sizeof *emulator->lanes);
    emulator->emu.scratch =
        calloc((size_t)(2 * rank->job->figures.resources + 2 * emulator->emu.flow_limit),
               sizeof *emulator->emu.scratch);
    if (emulator->last && emulator->lanes && emulator->emu.scratch)
        return emulator;
    emulator_free(emulator);
    return NULL;
}

/* Members of each place, by the first rank; the others meet it at the barrier of the first run. */
static void count_members(rt_emulator *emulator) {
    const rt_program *program = emulator->rank->program;
    for (int32_t p = 0; emulator->rank->id == 0 && p < emulator->emu.places; ++p)
        for (int32_t r = 0; r < program->world; ++r)
            emulator->emu.place[p].members += rt_emulation_member(program, p, r);
}

rt_status rt_emulate_run(rt_rank *rank) {
    rt_emulator *emulator = emulator_create(rank);
    if (!emulator)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for the emulation");
    rt_status status = RT_OK;
    count_members(emulator);
    for (; status == RT_OK && emulator->run < emulator->emu.runs; ++emulator->run)
        status = run_step(emulator);
    emulator_free(emulator);
    RT_TRY(status);
    atomic_store_explicit(&rank->area->step, rank->program->steps + 1, memory_order_relaxed);
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    atomic_store_explicit(&rank->area->done, 1, memory_order_relaxed);
    return RT_OK;
}
