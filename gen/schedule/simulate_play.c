/* simulate_play: see the header. Kernels share nothing, so a rank runs ahead of the clock until it
 * needs the end of a move that is not known yet; only moves are events. A move opens (its bytes
 * begin to flow) a fixed time after its last member came, and is done when they have; speeds
 * change whenever another one opens or is done. */
#include "schedule/simulate_play.h"

#include "schedule/simulate_share.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Where ranks meet: one place a channel, two an exchange (dispatch and combine). */
typedef struct Place {
    IntList ranks;
    int64_t arrived;
    double begin;        /* when the last one so far was ready */
    int64_t blocker;     /* what that one waited for */
    int64_t meeting;     /* number of the current move */
    const Op *priced_op; /* of a rank that was there: the operation that the demand is of */
    CostDemand demand;
    ShareUse *uses;
    double left, speed, since; /* share of the move to go at `since` */
    int64_t version;           /* of its last event: older ones are void */
} Place;

typedef struct Event {
    double time;
    int64_t place, version, order;
    bool opens;
} Event;

typedef struct Player {
    Play *play;
    PlayOptions options;
    Arena *arena;
    Place *places; /* [channels + 2 x exchanges] */
    int64_t place_count, meetings, order;
    LIST_OF(Event) heap;
    Share share;
    double now;
    IntList awake; /* ranks that may go on */
} Player;

/* --- events
 * ------------------------------------------------------------------------------------------- */

static bool before(const Event *a, const Event *b) {
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void swap(Event *a, Event *b) {
    Event other = *a;
    *a = *b;
    *b = other;
}

static void schedule_event(Player *player, int64_t place, double time, bool opens) {
    int64_t version = ++player->places[place].version;
    Event *event = LIST_PUSH(player->arena, &player->heap);
    *event = (Event){time, place, version, player->order++, opens};
    Event *heap = player->heap.items;
    for (int64_t i = player->heap.count - 1; i > 0 && before(&heap[i], &heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
}

static Event next_event(Player *player) {
    Event *heap = player->heap.items, first = heap[0];
    int64_t count = --player->heap.count;
    heap[0] = heap[count];
    for (int64_t i = 0;;) {
        int64_t least = i;
        for (int64_t child = 2 * i + 1; child <= 2 * i + 2; ++child)
            if (child < count && before(&heap[child], &heap[least]))
                least = child;
        if (least == i)
            return first;
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

/* --- items
 * -------------------------------------------------------------------------------------------- */

static int64_t item_at(const PlayRank *rank, const PlayCursor *cursor, int64_t op) {
    const PlaySegment *segment = &rank->segments[cursor->segment];
    return rank->first + segment->base + cursor->time * segment->count + op - segment->first;
}

/* The most recent execution of a waited operation before the cursor's, in program order; -1 if
 * there is none. */
static int64_t waited_item(const PlayRank *rank, const PlayCursor *cursor, int64_t op,
                           int64_t waited) {
    int64_t in = rank->segment_of[waited], time = cursor->time - (waited >= op);
    if (in < 0 || in > cursor->segment)
        return -1;
    const PlaySegment *segment = &rank->segments[in];
    if (in < cursor->segment)
        time = segment->times - 1;
    return time < 0 ? -1
                    : rank->first + segment->base + time * segment->count + waited - segment->first;
}

static int64_t moved(const Player *player, const Op *op) {
    return player->play->schedule->channels.items[op->channel].move;
}

static int64_t stream_of(const Play *play, const Op *op) {
    return play->serial ? 0 : op->stream;
}

static void finish_item(Player *player, int64_t rank, const Op *op, int64_t item, double begin,
                        double end) {
    Play *play = player->play;
    PlayCursor *cursor = &play->ranks[rank].streams[stream_of(play, op)];
    SimulatedRank *result = &play->result->ranks[rank];
    result->busy[op->kind] += end - begin;
    if (walk_is_move(op)) {
        result->moving[moved(player, op)] += end - begin;
    } else {
        result->compute += end - begin;
        result->flops += op->flops;
        result->bytes += op->bytes;
    }
    result->end = fmax(result->end, end);
    play->result->makespan = fmax(play->result->makespan, end);
    play->begins[item] = begin;
    play->ends[item] = end;
    cursor->last = item;
    cursor->meets = false;
    ++cursor->index;
}

static void record(Play *play, int64_t item, double ready, int64_t blocker, int64_t meeting) {
    if (!play->blockers)
        return;
    play->readies[item] = ready;
    play->blockers[item] = (int32_t)blocker;
    play->meetings[item] = (int32_t)meeting;
}

/* --- moves
 * -------------------------------------------------------------------------------------------- */

static int64_t place_of(const Schedule *schedule, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE)
        return schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine);
    return op->channel;
}

/* The operation that a member of a place is at. */
static const Op *current(const Player *player, const Place *place, int64_t rank, int64_t *item) {
    const Play *play = player->play;
    const PlayRank *of = &play->ranks[rank];
    for (int s = 0; s < PLAY_STREAMS; ++s) {
        const PlayCursor *cursor = &of->streams[s];
        if (!cursor->meets)
            continue;
        int64_t id = of->segments[cursor->segment].ops[s][cursor->index];
        const Op *op = &of->rank->ops.items[id];
        if (&player->places[place_of(play->schedule, op)] == place) {
            *item = item_at(of, cursor, id);
            return op;
        }
    }
    assert(!"a member of a move is elsewhere");
    return NULL;
}

static bool same_demand(const Op *a, const Op *b) {
    if (a->kind != b->kind)
        return false;
    for (int i = 0; i < OP_ARGS && op_info[a->kind].args[i].type != ARG_NONE; ++i)
        if (op_info[a->kind].args[i].type == ARG_INT && a->args[i].value != b->args[i].value)
            return false;
    return true;
}

/* Equal operations on one place need the same. */
static void price(Player *player, Place *place, int64_t rank, int64_t id) {
    const Play *play = player->play;
    const Op *ops = play->ranks[rank].rank->ops.items;
    if (place->priced_op && same_demand(place->priced_op, &ops[id]))
        return;
    place->demand = cost_move(player->arena, play->schedule, rank, &ops[id], play->at);
    place->uses = ARENA_ARRAY(player->arena, place->demand.shares.count, ShareUse);
    for (int64_t i = 0; i < place->demand.shares.count; ++i)
        place->uses[i] =
            (ShareUse){place->demand.shares.items[i].resource, place->demand.shares.items[i].use};
    place->priced_op = &ops[id];
}

static void count_resources(const Player *player, const Place *place) {
    for (int64_t i = 0; i < place->demand.shares.count; ++i) {
        const CostShare *share = &place->demand.shares.items[i];
        SimulatedResource *resource = &player->play->result->resources[share->resource];
        resource->bytes += share->bytes;
        resource->busy += share->use * place->demand.seconds;
    }
}

static void finish_move(Player *player, int64_t index) {
    Place *place = &player->places[index];
    count_resources(player, place);
    place->arrived = 0;
    for (int64_t i = 0; i < place->ranks.count; ++i) {
        int64_t rank = place->ranks.items[i], item;
        const Op *op = current(player, place, rank, &item);
        finish_item(player, rank, op, item, place->begin, player->now);
        if (player->play->blockers)
            record(player->play, item, player->play->readies[item], place->blocker, place->meeting);
        *(int64_t *)LIST_PUSH(player->arena, &player->awake) = rank;
    }
}

static void open_move(Player *player, int64_t index) {
    Place *place = &player->places[index];
    if (place->demand.seconds <= 0) {
        finish_move(player, index);
        return;
    }
    place->left = 1;
    place->speed = 0;
    place->since = player->now;
    if (player->options.unshared)
        schedule_event(player, index, player->now + place->demand.seconds, false);
    else
        share_join(&player->share, index, place->uses, place->demand.shares.count);
}

static void change_speed(void *context, int64_t index, double speed) {
    Player *player = context;
    Place *place = &player->places[index];
    double seconds = place->demand.seconds;
    place->left = fmax(0, place->left - (player->now - place->since) * place->speed / seconds);
    place->speed = speed;
    place->since = player->now;
    schedule_event(player, index, player->now + place->left * seconds / speed, false);
}

/* A rank comes to a move; the last one lets it begin. */
static void arrive(Player *player, int64_t rank, int64_t id, int64_t item, double ready,
                   int64_t blocker) {
    Play *play = player->play;
    int64_t index = place_of(play->schedule, &play->ranks[rank].rank->ops.items[id]);
    Place *place = &player->places[index];
    record(play, item, ready, -1, -1);
    if (place->arrived == 0 || ready > place->begin) {
        place->begin = ready;
        place->blocker = blocker;
    }
    if (++place->arrived < place->ranks.count)
        return;
    price(player, place, rank, id);
    place->meeting = player->meetings++;
    schedule_event(player, index, place->begin + place->demand.fixed, true);
}

/* --- ranks
 * -------------------------------------------------------------------------------------------- */

/* Bring the cursor to an operation; false at the end of the stream. */
static bool at_operation(const PlayRank *rank, int stream, PlayCursor *cursor) {
    while (cursor->segment < rank->segment_count) {
        const PlaySegment *segment = &rank->segments[cursor->segment];
        if (cursor->time < segment->times && cursor->index < segment->counts[stream])
            return true;
        cursor->index = 0;
        if (++cursor->time >= segment->times || segment->counts[stream] == 0) {
            cursor->time = 0;
            ++cursor->segment;
        }
    }
    return false;
}

/* Does the next operation of a stream, or comes with it to a move; false if it must wait. */
static bool advance(Player *player, int64_t number, int stream) {
    Play *play = player->play;
    PlayRank *rank = &play->ranks[number];
    PlayCursor *cursor = &rank->streams[stream];
    if (cursor->meets || !at_operation(rank, stream, cursor))
        return false;
    int64_t id = rank->segments[cursor->segment].ops[stream][cursor->index];
    int64_t blocker = cursor->last, item = item_at(rank, cursor, id);
    const Op *op = &rank->rank->ops.items[id];
    double ready = blocker < 0 ? 0 : play->ends[blocker];
    for (int w = 0; w < OP_WAITS && op->waits[w] >= 0; ++w) {
        int64_t waited = waited_item(rank, cursor, id, op->waits[w]);
        if (waited < 0)
            continue;
        if (play->ends[waited] < 0)
            return false;
        if (play->ends[waited] > ready) {
            ready = play->ends[waited];
            blocker = waited;
        }
    }
    if (walk_is_move(op)) {
        cursor->meets = true;
        arrive(player, number, id, item, ready, blocker);
        return false;
    }
    if (rank->seconds[id] < 0)
        rank->seconds[id] = cost_kernel(play->schedule, number, op, play->at);
    record(play, item, ready, blocker, -1);
    finish_item(player, number, op, item, ready, ready + rank->seconds[id]);
    return true;
}

static void go_on(Player *player, int64_t rank) {
    for (bool moved_on = true; moved_on;) {
        moved_on = false;
        for (int stream = 0; stream < PLAY_STREAMS; ++stream)
            while (advance(player, rank, stream))
                moved_on = true;
    }
}

/* --- the play
 * ----------------------------------------------------------------------------------------- */

static int64_t segment_items(Arena *arena, const RankSchedule *rank, const Segment *from,
                             int64_t base, bool serial, PlaySegment *segment) {
    int64_t times = from->layers.end - from->layers.begin;
    *segment = (PlaySegment){base, times, from->first, from->count, {NULL}, {0}};
    for (int s = 0; s < PLAY_STREAMS; ++s)
        segment->ops[s] = ARENA_ARRAY(arena, from->count, int32_t);
    for (int64_t i = from->first; i < from->first + from->count; ++i) {
        int64_t stream = serial ? 0 : rank->ops.items[i].stream;
        assert(stream >= 0 && stream < PLAY_STREAMS);
        segment->ops[stream][segment->counts[stream]++] = (int32_t)i;
    }
    return base + times * from->count;
}

static int64_t rank_items(Arena *arena, const Schedule *schedule, int64_t number, int64_t step,
                          int64_t first, bool serial, PlayRank *rank) {
    rank->rank = &schedule->ranks[number];
    rank->first = first;
    const RankStep *of = &rank->rank->steps[step];
    int64_t ops = rank->rank->ops.count, items = 0;
    rank->segment_count = of->segments.count;
    rank->segments = ARENA_ARRAY(arena, of->segments.count, PlaySegment);
    rank->segment_of = ARENA_ARRAY(arena, ops, int16_t);
    rank->seconds = ARENA_ARRAY(arena, ops, double);
    for (int64_t i = 0; i < ops; ++i) {
        rank->segment_of[i] = -1;
        rank->seconds[i] = -1;
    }
    for (int64_t i = 0; i < of->segments.count; ++i) {
        const Segment *segment = &of->segments.items[i];
        items = segment_items(arena, rank->rank, segment, items, serial, &rank->segments[i]);
        for (int64_t k = segment->first; k < segment->first + segment->count; ++k)
            rank->segment_of[k] = (int16_t)i;
    }
    for (int s = 0; s < PLAY_STREAMS; ++s)
        rank->streams[s].last = -1;
    return first + items;
}

static void begin_places(Player *player, const Schedule *schedule) {
    int64_t channels = schedule->channels.count, exchanges = schedule->exchanges.count;
    player->place_count = channels + 2 * exchanges;
    player->places = ARENA_ARRAY(player->arena, player->place_count, Place);
    for (int64_t i = 0; i < channels; ++i)
        player->places[i].ranks = schedule->channels.items[i].ranks;
    for (int64_t i = 0; i < exchanges; ++i) {
        IntList ranks = walk_exchange_ranks(player->arena, &schedule->exchanges.items[i]);
        player->places[channels + 2 * i].ranks = ranks;
        player->places[channels + 2 * i + 1].ranks = ranks;
    }
}

static void begin_records(Arena *arena, Play *play) {
    play->readies = ARENA_ARRAY(arena, play->items, double);
    play->blockers = ARENA_ARRAY(arena, play->items, int32_t);
    play->meetings = ARENA_ARRAY(arena, play->items, int32_t);
}

static void run_events(Player *player) {
    while (player->heap.count > 0) {
        player->now = player->heap.items[0].time;
        while (player->heap.count > 0 && player->heap.items[0].time <= player->now) {
            Event event = next_event(player);
            if (event.version != player->places[event.place].version)
                continue;
            if (event.opens) {
                open_move(player, event.place);
                continue;
            }
            if (!player->options.unshared)
                share_leave(&player->share, event.place);
            finish_move(player, event.place);
        }
        for (int64_t i = 0; i < player->awake.count; ++i)
            go_on(player, player->awake.items[i]);
        player->awake.count = 0;
        share_settle(&player->share, change_speed, player);
    }
}

void play_step(Arena *arena, const Schedule *schedule, int64_t step, CostCase at,
               PlayOptions options, SimulatedStep *result, Play *play) {
    int64_t resources = cost_resource_count(schedule);
    *play = (Play){.schedule = schedule,
                   .step = step,
                   .at = at,
                   .serial = cost_serial(schedule),
                   .result = result};
    play->ranks = ARENA_ARRAY(arena, schedule->world, PlayRank);
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        play->items =
            rank_items(arena, schedule, rank, step, play->items, play->serial, &play->ranks[rank]);
    assert(play->items < INT32_MAX);
    play->begins = ARENA_ARRAY(arena, play->items, double);
    play->ends = ARENA_ARRAY(arena, play->items, double);
    for (int64_t i = 0; i < play->items; ++i)
        play->ends[i] = -1;
    if (options.record)
        begin_records(arena, play);
    Player player = {.play = play, .options = options, .arena = arena};
    begin_places(&player, schedule);
    player.share = share_begin(arena, player.place_count, resources);
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        go_on(&player, rank);
    run_events(&player);
    for (int64_t r = 0; r < resources; ++r)
        result->resources[r].peak = player.share.resources[r].peak;
    for (int64_t i = 0; i < play->items; ++i)
        assert(play->ends[i] >= 0);
}

PlayItem play_item(const Play *play, int64_t item) {
    int64_t low = 0, high = play->schedule->world - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (play->ranks[middle].first <= item)
            low = middle;
        else
            high = middle - 1;
    }
    const PlayRank *rank = &play->ranks[low];
    int64_t in = item - rank->first, s = 0;
    while (s + 1 < rank->segment_count && rank->segments[s + 1].base <= in)
        ++s;
    const PlaySegment *segment = &rank->segments[s];
    int64_t at = in - segment->base, op = segment->first + at % segment->count;
    int64_t first = rank->rank->steps[play->step].segments.items[s].layers.begin;
    return (PlayItem){low, op, op_layer(&rank->rank->ops.items[op], first + at / segment->count)};
}
