/* The walk of all ranks on schedules made by hand: the shortest wait cycle, and folded runs against flat ones on random
 * bodies whose ranks run ahead of each other. */
#include "schedule/walk.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* --- schedules of collectives only ----------------------------------------------------------------------- */

static Schedule empty_schedule(Arena *arena, int64_t world) {
    Schedule schedule = {.world = world, .ranks = ARENA_ARRAY(arena, world, RankSchedule)};
    for (int64_t rank = 0; rank < world; ++rank) {
        schedule.ranks[rank].rank = rank;
        schedule.ranks[rank].steps = ARENA_ARRAY(arena, 1, RankStep);
    }
    return schedule;
}

static int64_t add_channel(Arena *arena, Schedule *schedule, int64_t a, int64_t b) {
    Channel *channel = LIST_PUSH(arena, &schedule->channels);
    channel->name = "c";
    *(int64_t *)LIST_PUSH(arena, &channel->ranks) = a < b ? a : b;
    *(int64_t *)LIST_PUSH(arena, &channel->ranks) = a < b ? b : a;
    return schedule->channels.count - 1;
}

/* A collective on a channel at the end of a rank's operations. */
static void add_move(Arena *arena, Schedule *schedule, int64_t rank, int64_t channel, int64_t lag) {
    *(Op *)LIST_PUSH(arena, &schedule->ranks[rank].ops) = (Op){
        .kind = OP_all_reduce, .channel = channel, .exchange = -1, .lag = lag, .per_layer = true};
}

/* A body of all operations since the last one. */
static void end_segment(Arena *arena, Schedule *schedule, int64_t rank, Range layers) {
    RankSchedule *of = &schedule->ranks[rank];
    int64_t first = 0;
    for (int64_t g = 0; g < of->steps[0].segments.count; ++g)
        first = of->steps[0].segments.items[g].first + of->steps[0].segments.items[g].count;
    *(Segment *)LIST_PUSH(arena, &of->steps[0].segments) =
        (Segment){layers, first, of->ops.count - first};
}

/* --- cycles -------------------------------------------------------------------------------------------- */

/* Ranks [first, first + count) in a circle: each waits for the next one before it meets the one before. */
static void add_circle(Arena *arena, Schedule *schedule, int64_t first, int64_t count) {
    int64_t channel[8];
    for (int64_t i = 0; i < count; ++i)
        channel[i] = add_channel(arena, schedule, first + i, first + (i + 1) % count);
    for (int64_t i = 0; i < count; ++i) {
        add_move(arena, schedule, first + i, channel[i], 0);
        add_move(arena, schedule, first + i, channel[(i + count - 1) % count], 0);
        end_segment(arena, schedule, first + i, (Range){0, 1});
    }
}

static void the_shortest_of_two_cycles_is_told(void **state) {
    (void)state;
    static const int64_t sizes[][2] = {{5, 3}, {3, 5}, {7, 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        Arena arena = {0};
        WalkStuck stuck;
        WalkVisitor nothing = {0};
        Schedule schedule = empty_schedule(&arena, sizes[i][0] + sizes[i][1]);
        add_circle(&arena, &schedule, 0, sizes[i][0]);
        add_circle(&arena, &schedule, sizes[i][0], sizes[i][1]);
        assert_false(walk_run(&schedule, 0, &nothing, &arena, &stuck));
        bool second = sizes[i][1] < sizes[i][0];
        assert_int_equal(stuck.waits.count, sizes[i][second]);
        for (int64_t w = 0; w < stuck.waits.count; ++w) {
            const WalkWait *wait = &stuck.waits.items[w];
            assert_true((wait->rank >= sizes[i][0]) == second);
            assert_int_equal(wait->awaited, stuck.waits.items[(w + 1) % stuck.waits.count].rank);
            assert_false(wait->ended);
        }
        arena_free(&arena);
    }
}

/* A chord shortens the way: the circle of six has a wait that leads back after three. */
static void a_chord_makes_the_cycle_shorter(void **state) {
    (void)state;
    Arena arena = {0};
    WalkStuck stuck;
    WalkVisitor nothing = {0};
    Schedule schedule = empty_schedule(&arena, 6);
    add_circle(&arena, &schedule, 0, 6);
    int64_t wide = schedule.ranks[2].ops.items[0].channel; /* ranks 2 and 3, now also 0 */
    IntList *ranks = &schedule.channels.items[wide].ranks;
    LIST_PUSH(&arena, ranks);
    for (int64_t i = ranks->count - 1; i > 0; --i)
        ranks->items[i] = ranks->items[i - 1];
    ranks->items[0] = 0;
    assert_false(walk_run(&schedule, 0, &nothing, &arena, &stuck));
    assert_int_equal(stuck.waits.count, 3);
    arena_free(&arena);
}

/* --- folded against flat --------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

enum { RANKS = 6, CHANNELS = 7, ITEMS = 9, LAYERS = 48, BODIES = 2 };

/* All ranks do the same moves in the same order, but each some rounds late or early, as its lag has it; `wrong`
 * exchanges two moves of one rank. Bodies of an order follow each other over the same layers, as micro-batches do. */
static Schedule random_schedule(Arena *arena, uint64_t *seed, bool wrong) {
    Schedule schedule = empty_schedule(arena, RANKS);
    int64_t late[RANKS];
    for (int64_t rank = 0; rank < RANKS; ++rank)
        late[rank] = (int64_t)next_random(seed) % 3;
    for (int64_t body = 0; body < BODIES; ++body) {
        int64_t first = schedule.channels.count;
        for (int64_t c = 0; c < CHANNELS; ++c) {
            int64_t a = (int64_t)next_random(seed) % RANKS;
            add_channel(arena, &schedule, a, (a + 1 + (int64_t)next_random(seed) % 5) % RANKS);
        }
        for (int64_t i = 0; i < ITEMS; ++i) {
            int64_t c = first + (int64_t)next_random(seed) % CHANNELS;
            int64_t lag = (int64_t)next_random(seed) % 2;
            for (int64_t m = 0; m < 2; ++m) {
                int64_t rank = schedule.channels.items[c].ranks.items[m];
                add_move(arena, &schedule, rank, c, lag + late[rank]);
            }
        }
        for (int64_t rank = 0; rank < RANKS; ++rank) {
            int64_t cut = 1 + (int64_t)next_random(seed) % (LAYERS - 1);
            bool in_two = next_random(seed) % 4 == 0;
            end_segment(arena, &schedule, rank, (Range){0, in_two ? cut : LAYERS});
            Segment again = schedule.ranks[rank]
                                .steps[0]
                                .segments.items[schedule.ranks[rank].steps[0].segments.count - 1];
            again.layers = (Range){cut, LAYERS};
            if (in_two)
                *(Segment *)LIST_PUSH(arena, &schedule.ranks[rank].steps[0].segments) = again;
        }
    }
    RankSchedule *one = &schedule.ranks[next_random(seed) % RANKS];
    if (wrong && one->ops.count > 2) {
        int64_t at = (int64_t)(next_random(seed) % (uint64_t)(one->ops.count - 1));
        Op kept = one->ops.items[at];
        one->ops.items[at] = one->ops.items[at + 1];
        one->ops.items[at + 1] = kept;
    }
    return schedule;
}

/* How many meetings a run has seen, and whether any was of unequal layers. */
typedef struct Seen {
    int64_t meetings;
    bool differ;
} Seen;

static void see(void *context, const WalkMeeting *meeting) {
    Seen *seen = context;
    ++seen->meetings;
    seen->differ = seen->differ || meeting->items[0].layer != meeting->items[1].layer;
}

static void folded_runs_end_like_flat_ones(void **state) {
    (void)state;
    int64_t ended = 0, stuck_runs = 0, shorter = 0;
    for (uint64_t n = 1; n <= 2000; ++n) {
        Arena arena = {0};
        uint64_t seed = n * 0x9e3779b97f4a7c15u;
        Schedule schedule = random_schedule(&arena, &seed, n % 2 == 0);
        Seen flat = {0}, folded = {0};
        WalkVisitor flat_visitor = {.context = &flat, .meet = see};
        WalkVisitor folded_visitor = {.context = &folded, .meet = see};
        WalkStuck a, b;
        bool ends = walk_run(&schedule, 0, &flat_visitor, &arena, &a);
        assert_int_equal(walk_run_folded(&schedule, 0, &folded_visitor, &arena, &b), ends);
        if (ends)
            assert_int_equal(folded.differ, flat.differ);
        else
            assert_int_equal(a.waits.count, b.waits.count);
        for (int64_t w = 0; !ends && w < a.waits.count; ++w) {
            assert_int_equal(a.waits.items[w].rank, b.waits.items[w].rank);
            assert_int_equal(a.waits.items[w].item.op, b.waits.items[w].item.op);
            assert_int_equal(a.waits.items[w].item.layer, b.waits.items[w].item.layer);
        }
        ended += ends;
        stuck_runs += !ends;
        shorter += folded.meetings < flat.meetings / 2;
        arena_free(&arena);
    }
    assert_true(ended > 100 && stuck_runs > 100); /* both kinds are looked at */
    assert_true(shorter > 500);                   /* and some are folded */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_of_two_cycles_is_told),
        cmocka_unit_test(a_chord_makes_the_cycle_shorter),
        cmocka_unit_test(folded_runs_end_like_flat_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
