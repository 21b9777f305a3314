/* check_replay: see check_replay.h. Positions on a stream and serials that are of before the body was entered stay what
 * they are; later ones move on by what a round adds, and with them the layer that their operation worked on. The
 * replay only compares positions of one stream, or serials, with each other, and layers for being equal; so it
 * does the same in a state that is moved on. */
#include "schedule/check_replay.h"

#include <string.h>

Replay replay_begin(Check *check, const RankSchedule *rank, int64_t step) {
    int64_t buffers = rank->buffers.count, ops = rank->ops.count;
    Replay replay = {.check = check,
                     .rank = rank,
                     .step = step,
                     .bytes = cells_of(check, rank, step),
                     .lives = ARENA_ARRAY(check->scratch, buffers, Life),
                     .executed = ARENA_ARRAY(check->scratch, ops, Clock),
                     .ran = ARENA_ARRAY(check->scratch, ops, bool)};
    int64_t cells = cells_count(&replay.bytes);
    replay.cells = ARENA_ARRAY(check->scratch, cells, Cell);
    for (int64_t i = 0; i < cells; ++i)
        replay.cells[i].holder = replay.cells[i].writer = -1;
    if (check->flat)
        return replay;
    replay.before = (ReplayState){.cells = ARENA_ARRAY(check->scratch, cells, Cell),
                                  .lives = ARENA_ARRAY(check->scratch, buffers, Life),
                                  .executed = ARENA_ARRAY(check->scratch, ops, Clock)};
    return replay;
}

/* Operations that each stream has executed. */
static Clock issued(const Replay *replay) {
    Clock clock;
    for (int s = 0; s < STREAMS; ++s)
        clock.at[s] = replay->streams[s].at[s];
    return clock;
}

void replay_enter(Replay *replay, const Segment *segment) {
    replay->segment = segment;
    replay->entered = issued(replay);
    replay->entered_serial = replay->serial;
    replay->remembers = false;
}

/* What a round adds to positions and serials. */
typedef struct Pace {
    Clock positions;
    int64_t serial, layers;
} Pace;

static int64_t moved_on(int64_t value, int64_t entered, int64_t by) {
    return value > entered ? value + by : value;
}

/* --- comparison --------------------------------------------------------------------------------------- */

static bool same_position(const Replay *replay, const Pace *pace, int s, int64_t before,
                          int64_t now) {
    return now == moved_on(before, replay->entered.at[s], pace->positions.at[s]);
}

static bool same_clock(const Replay *replay, const Pace *pace, const Clock *before,
                       const Clock *now) {
    bool same = true;
    for (int s = 0; s < STREAMS; ++s)
        same = same && same_position(replay, pace, s, before->at[s], now->at[s]);
    return same;
}

static bool same_accesses(const Replay *replay, const Pace *pace, const Access *before,
                          const Access *now) {
    bool same = true;
    for (int s = 0; s < STREAMS; ++s)
        same = same && before[s].op == now[s].op && before[s].buffer == now[s].buffer &&
               same_position(replay, pace, s, before[s].position, now[s].position);
    return same;
}

static bool same_serial(const Replay *replay, const Pace *pace, int64_t before, int64_t now) {
    return now == moved_on(before, replay->entered_serial, pace->serial);
}

/* An item that was executed at a serial. */
static WalkItem item_moved_on(const Replay *replay, const Pace *pace, WalkItem item,
                              int64_t serial) {
    if (item.layer >= 0 && serial > replay->entered_serial)
        item.layer += pace->layers;
    return item;
}

static bool same_item(WalkItem a, WalkItem b) {
    return a.op == b.op && a.layer == b.layer;
}

static bool same_life(const Replay *replay, const Pace *pace, const Life *before, const Life *now) {
    return same_serial(replay, pace, before->written, now->written) &&
           same_serial(replay, pace, before->read, now->read) &&
           same_serial(replay, pace, before->made, now->made) &&
           same_item(item_moved_on(replay, pace, before->writer, before->written), now->writer) &&
           same_item(item_moved_on(replay, pace, before->maker, before->made), now->maker);
}

static bool same_state(const Replay *replay, const Pace *pace) {
    const ReplayState *before = &replay->before;
    const Segment *body = replay->segment;
    bool same = true;
    for (int s = 0; s < STREAMS; ++s)
        same = same && same_clock(replay, pace, &before->streams[s], &replay->streams[s]);
    for (int64_t i = 0; same && i < replay->rank->buffers.count; ++i)
        same = same_life(replay, pace, &before->lives[i], &replay->lives[i]);
    for (int64_t i = body->first; same && i < body->first + body->count; ++i)
        same = same_clock(replay, pace, &before->executed[i], &replay->executed[i]);
    for (int64_t i = 0; same && i < cells_count(&replay->bytes); ++i) {
        const Cell *a = &before->cells[i], *b = &replay->cells[i];
        same = a->holder == b->holder && a->writer == b->writer &&
               same_accesses(replay, pace, a->writes, b->writes) &&
               same_accesses(replay, pace, a->reads, b->reads);
    }
    return same;
}

/* --- rounds ------------------------------------------------------------------------------------------- */

static Pace pace_of(const Replay *replay, int64_t rounds) {
    Pace pace = {.serial = (replay->serial - replay->before.serial) * rounds, .layers = rounds};
    for (int s = 0; s < STREAMS; ++s)
        pace.positions.at[s] =
            (replay->streams[s].at[s] - replay->before.streams[s].at[s]) * rounds;
    return pace;
}

static void remember(Replay *replay) {
    ReplayState *before = &replay->before;
    const Segment *body = replay->segment;
    memcpy(before->cells, replay->cells,
           (size_t)cells_count(&replay->bytes) * sizeof *replay->cells);
    memcpy(before->lives, replay->lives,
           (size_t)replay->rank->buffers.count * sizeof *replay->lives);
    memcpy(&before->executed[body->first], &replay->executed[body->first],
           (size_t)body->count * sizeof *replay->executed);
    memcpy(before->streams, replay->streams, sizeof replay->streams);
    before->serial = replay->serial;
}

bool replay_recurs(Replay *replay) {
    Pace pace = pace_of(replay, 1);
    if (replay->remembers && same_state(replay, &pace))
        return true;
    remember(replay);
    replay->remembers = true;
    return false;
}

static void skip_clock(const Replay *replay, const Pace *pace, Clock *clock) {
    for (int s = 0; s < STREAMS; ++s)
        clock->at[s] = moved_on(clock->at[s], replay->entered.at[s], pace->positions.at[s]);
}

void replay_skip(Replay *replay, int64_t rounds) {
    Pace pace = pace_of(replay, rounds);
    const Segment *body = replay->segment;
    for (int s = 0; s < STREAMS; ++s)
        skip_clock(replay, &pace, &replay->streams[s]);
    for (int64_t i = body->first; i < body->first + body->count; ++i)
        skip_clock(replay, &pace, &replay->executed[i]);
    for (int64_t i = 0; i < cells_count(&replay->bytes); ++i)
        for (int s = 0; s < STREAMS; ++s) {
            Cell *cell = &replay->cells[i];
            int64_t by = pace.positions.at[s], entered = replay->entered.at[s];
            cell->writes[s].position = moved_on(cell->writes[s].position, entered, by);
            cell->reads[s].position = moved_on(cell->reads[s].position, entered, by);
        }
    for (int64_t i = 0; i < replay->rank->buffers.count; ++i) {
        Life *life = &replay->lives[i];
        life->writer = item_moved_on(replay, &pace, life->writer, life->written);
        life->maker = item_moved_on(replay, &pace, life->maker, life->made);
        life->written = moved_on(life->written, replay->entered_serial, pace.serial);
        life->read = moved_on(life->read, replay->entered_serial, pace.serial);
        life->made = moved_on(life->made, replay->entered_serial, pace.serial);
    }
    replay->serial += pace.serial;
}
