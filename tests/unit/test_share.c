/* share: speeds of moves that meet at links and NICs, worked out by hand, and what max-min fairness
 * means checked on random ones. */
#include "test.h"
#include "schedule/simulate_share.h"

#include <math.h>

enum { MOST = 64 };

static double told[MOST]; /* speeds as told by share_settle */

static void tell(void *context, int64_t move, double speed) {
    (void)context;
    told[move] = speed;
}

static void assert_speed(int64_t move, double expected) {
    if (fabs(told[move] - expected) > 1e-12)
        fail_msg("move %d goes at %.15g, not %.15g", (int)move, told[move], expected);
}

static void equal_parts_and_what_is_left(void **state) {
    Arena arena = {0};
    Share share = share_begin(&arena, 4, 4);
    /* Three into resource 1; one of them and a fourth out of resource 0. */
    const ShareUse both[] = {{0, 1}, {1, 1}}, in[] = {{1, 1}}, out[] = {{0, 1}, {2, 1}};
    share_join(&share, 0, both, 2);
    share_settle(&share, tell, NULL);
    assert_speed(0, 1);
    share_join(&share, 1, in, 1);
    share_join(&share, 2, in, 1);
    share_join(&share, 3, out, 2);
    share_settle(&share, tell, NULL);
    assert_speed(0, 1. / 3);
    assert_speed(1, 1. / 3);
    assert_speed(2, 1. / 3);
    assert_speed(3, 2. / 3);
    share_leave(&share, 1);
    share_settle(&share, tell, NULL);
    assert_speed(0, .5);
    assert_speed(2, .5);
    assert_speed(3, .5);
    share_leave(&share, 0);
    share_settle(&share, tell, NULL);
    assert_speed(2, 1);
    assert_speed(3, 1);
    assert_true(share.resources[1].peak == 1);
    arena_free(&arena);
}

/* A move that needs little of a shared resource is slowed down as the other one is, no more. */
static void small_users_slow_down_alike(void **state) {
    Arena arena = {0};
    Share share = share_begin(&arena, 2, 2);
    const ShareUse large[] = {{0, 1}}, small[] = {{0, .25}, {1, 1}};
    share_join(&share, 0, large, 1);
    share_join(&share, 1, small, 2);
    share_settle(&share, tell, NULL);
    assert_speed(0, .8);
    assert_speed(1, .8);
    arena_free(&arena);
}

static uint64_t random_state;

static double random_share(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static double load(const Share *share, int64_t resource) {
    double sum = 0;
    for (int64_t m = 0; m < MOST; ++m)
        for (int64_t u = 0; share->moves[m].active && u < share->moves[m].use_count; ++u)
            if (share->moves[m].uses[u].resource == resource)
                sum += share->moves[m].uses[u].use * told[m];
    return sum;
}

/* No resource takes more than it has; a move slower than alone meets a full resource on which
 * nobody is faster. */
static void assert_fair(const Share *share, int64_t resources) {
    for (int64_t r = 0; r < resources; ++r)
        assert_true(load(share, r) <= 1 + 1e-9);
    for (int64_t m = 0; m < MOST; ++m) {
        bool reason = !share->moves[m].active || told[m] >= 1 - 1e-9;
        for (int64_t u = 0; !reason && u < share->moves[m].use_count; ++u) {
            int64_t r = share->moves[m].uses[u].resource;
            reason = load(share, r) >= 1 - 1e-9;
            const ShareResource *resource = &share->resources[r];
            for (int64_t k = 0; reason && k < resource->moves.count; ++k)
                reason = told[resource->moves.items[k]] <= told[m] * (1 + 1e-9);
        }
        if (!reason)
            fail_msg("move %d goes at %g without a reason", (int)m, told[m]);
    }
}

static void random_moves_are_fair(void **state) {
    for (random_state = 1; random_state < 60; ++random_state) {
        enum { RESOURCES = 24, USES = 4 };
        uint64_t seed = random_state;
        Arena arena = {0};
        Share share = share_begin(&arena, MOST, RESOURCES);
        static ShareUse uses[MOST][USES];
        for (int turn = 0; turn < 200; ++turn) {
            int64_t move = (int64_t)(random_share() * MOST);
            if (share.moves[move].active) {
                share_leave(&share, move);
            } else {
                int64_t count = 1 + (int64_t)(random_share() * USES), most = 0;
                for (int64_t u = 0; u < count; ++u) {
                    int64_t r = (int64_t)(random_share() * RESOURCES / USES) + u * RESOURCES / USES;
                    uses[move][u] = (ShareUse){r, pow(10, -9 * random_share())};
                    if (uses[move][u].use > uses[move][most].use)
                        most = u;
                }
                uses[move][most].use = 1;
                share_join(&share, move, uses[move], count);
            }
            share_settle(&share, tell, NULL);
            assert_fair(&share, RESOURCES);
        }
        arena_free(&arena);
        random_state = seed;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_parts_and_what_is_left),
        cmocka_unit_test(small_users_slow_down_alike),
        cmocka_unit_test(random_moves_are_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
