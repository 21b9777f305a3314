/* play: the order in time. Small schedules worked out by hand; every operation of real ones against
 * a plain simulator that goes from one change to the next and looks at everything each time; what
 * must hold of any play: bytes are conserved, and a slower cluster takes no less. */
#include "../schedule/schedule_fixture.h"
#include "schedule/simulate.h"
#include "schedule/walk.h"

#include <math.h>
#include <time.h>

static void assert_close(double value, double expected) {
    if (fabs(value - expected) > 1e-9 * fmax(fabs(expected), 1e-6))
        fail_msg("%.12g is not %.12g", value, expected);
}

/* --- by hand: sends of 25 MB over NICs of 25 GB/s, a millisecond each alone, after 5 us ----------- */

static const double ms = 1e-3, hop = 5e-6;

static void no_operations(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t step = 0; step < f->plan.steps.count; ++step)
            of->steps[step].segments.count = 0;
        of->ops.count = 0;
    }
}

static void add_op(Fixture *f, int64_t rank, Op op) {
    Op *added = LIST_PUSH(&f->arena, &f->schedule.ranks[rank].ops);
    *added = op;
    for (int w = 0; w < OP_WAITS; ++w)
        added->waits[w] = -1;
}

/* The sender first works for some seconds. */
static void add_send(Fixture *f, int64_t from, int64_t to, double after, double milliseconds) {
    Channel *channel = LIST_PUSH(&f->arena, &f->schedule.channels);
    channel->move = MOVE_HANDOVER;
    channel->is_pair = true;
    *(int64_t *)LIST_PUSH(&f->arena, &channel->ranks) = from < to ? from : to;
    *(int64_t *)LIST_PUSH(&f->arena, &channel->ranks) = from < to ? to : from;
    Op op = {.channel = f->schedule.channels.count - 1, .exchange = -1};
    op.args[op_arg(OP_send, "bytes")].value = (int64_t)(25e6 * milliseconds);
    if (after > 0)
        add_op(f, from, (Op){.kind = OP_add, .flops = after * 19.5e12});
    op.kind = OP_send;
    add_op(f, from, op);
    op.kind = OP_recv;
    add_op(f, to, op);
}

static void begin_by_hand(Fixture *f) {
    fixture_make(f, MIXTRAL, "ep:ep=16", 16);
    no_operations(f);
}

/* When each rank has done what it has to do. */
static double *ends_by_hand(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        RankSchedule *of = &f->schedule.ranks[rank];
        if (of->ops.count > 0)
            *(Segment *)LIST_PUSH(&f->arena, &of->steps[0].segments) =
                (Segment){{0, 1}, 0, of->ops.count};
    }
    Timeline timeline = simulate_timeline(&f->arena, &f->schedule, 0, COST_LOW);
    double *ends = ARENA_ARRAY(&f->arena, f->schedule.world, double);
    for (int64_t i = 0; i < timeline.items.count; ++i)
        ends[timeline.items.items[i].rank] =
            fmax(ends[timeline.items.items[i].rank], timeline.items.items[i].end);
    return ends;
}

static void two_moves_share_a_nic(void **state) {
    Fixture f;
    begin_by_hand(&f);
    add_send(&f, 0, 4, 0, 1);
    add_send(&f, 1, 8, 0, 1);
    add_send(&f, 12, 13, 0, 1); /* in a node: over the link of 300 GB/s, after 2 us */
    double *ends = ends_by_hand(&f);
    assert_close(ends[4], hop + 2 * ms);
    assert_close(ends[8], hop + 2 * ms);
    assert_close(ends[13], 2e-6 + ms / 12);
    fixture_free(&f);
}

static void a_move_joins_another_half_way(void **state) {
    Fixture f;
    begin_by_hand(&f);
    add_send(&f, 0, 4, 0, 1);
    add_send(&f, 1, 8, ms / 2, 1);
    double *ends = ends_by_hand(&f);
    assert_close(ends[4], hop + ms / 2 + ms);
    assert_close(ends[8], hop + 2 * ms);
    fixture_free(&f);
}

static void what_is_left_goes_to_others(void **state) {
    Fixture f;
    begin_by_hand(&f);
    add_send(&f, 0, 4, 0, 1); /* three into node 1 */
    add_send(&f, 8, 5, 0, 1);
    add_send(&f, 12, 6, 0, 1);
    add_send(&f, 1, 9, 0, 1); /* out of node 0 as well: 2/3 of its NIC */
    double *ends = ends_by_hand(&f);
    assert_close(ends[9], hop + 1.5 * ms);
    /* The three had half of their bytes then, and go on as before: node 1 is what holds them. */
    assert_close(ends[4], hop + 3 * ms);
    assert_close(ends[5], hop + 3 * ms);
    assert_close(ends[6], hop + 3 * ms);
    fixture_free(&f);
}

static void moves_of_different_sizes(void **state) {
    Fixture f;
    begin_by_hand(&f);
    add_send(&f, 0, 4, 0, 1);
    add_send(&f, 1, 8, 0, 3);
    add_send(&f, 2, 12, 0, 2);
    double *ends = ends_by_hand(&f);
    assert_close(ends[4], hop + 3 * ms); /* a third each */
    assert_close(ends[12], hop + 5 * ms);
    assert_close(ends[8], hop + 6 * ms);
    fixture_free(&f);
}

static void time_lines_say_who_let_whom_begin(void **state) {
    Fixture f;
    begin_by_hand(&f);
    add_send(&f, 0, 4, 0.5 * ms, 1);
    RankSchedule *of = &f.schedule.ranks[4];
    add_op(&f, 4, (Op){.kind = OP_add, .flops = 19.5e9});
    ends_by_hand(&f);
    Timeline timeline = simulate_timeline(&f.arena, &f.schedule, 0, COST_LOW);
    const TimelineItem *items = timeline.items.items;
    assert_int_equal(timeline.items.count, 4); /* work, send, receive, work */
    assert_int_equal(items[0].rank, 0);
    assert_int_equal(items[0].blocker, -1);
    assert_int_equal(items[0].meeting, -1);
    assert_int_equal(items[1].meeting, items[2].meeting);
    assert_int_equal(items[1].blocker, 0);
    assert_int_equal(items[2].rank, 4);
    assert_int_equal(items[2].blocker, 0); /* its peer's */
    assert_close(items[2].ready, 0);
    assert_close(items[2].begin, ms / 2);
    assert_int_equal(items[3].op, of->ops.count - 1);
    assert_int_equal(items[3].blocker, 2);
    assert_true(items[0].critical && items[2].critical && items[3].critical);
    assert_false(items[1].critical);
    assert_close(timeline.makespan, ms / 2 + hop + ms + ms);
    fixture_free(&f);
}

/* --- a plain simulator ---------------------------------------------------------------------------- */

enum { WAITING, RUNNING, DONE };

typedef struct Item {
    int64_t rank, op, layer, before; /* item before it on its stream, -1 */
    int64_t waits[OP_WAITS];         /* items, -1 */
    int64_t group;                   /* of its move, -1 */
    int state;
    double end;
} Item;

typedef struct Group { /* the items of one move */
    IntList items;
    CostDemand demand;
    int state;
    bool flows;
    double opens, left, speed;
} Group;

typedef struct Plain {
    Arena *arena;
    const Schedule *schedule;
    int64_t step;
    CostCase at;
    LIST_OF(Item) items;
    LIST_OF(Group) groups;
    double now;
} Plain;

static void plain_rank(Plain *p, int64_t rank) {
    const RankSchedule *of = &p->schedule->ranks[rank];
    WalkCursor cursor = walk_begin(of, p->step);
    WalkItem item;
    int64_t last[8], *recent = ARENA_ARRAY(p->arena, of->ops.count, int64_t);
    memset(last, -1, sizeof last);
    memset(recent, -1, (size_t)of->ops.count * sizeof *recent);
    while (walk_next(&cursor, &item)) {
        const Op *op = &of->ops.items[item.op];
        int64_t number = p->items.count;
        Item *added = LIST_PUSH(p->arena, &p->items);
        *added = (Item){rank, item.op, item.layer, last[op->stream], {0}, -1, WAITING, 0};
        for (int w = 0; w < OP_WAITS; ++w)
            added->waits[w] = op->waits[w] < 0 ? -1 : recent[op->waits[w]];
        for (int w = OP_WAITS - 1; w > 0; --w) /* what follows the end of the list is none */
            if (op->waits[w - 1] < 0)
                added->waits[w] = -1;
        last[op->stream] = recent[item.op] = number;
    }
}

typedef struct Grouping {
    Plain *plain;
    int64_t *next; /* [world] first item of the rank that is not grouped or passed */
} Grouping;

static void plain_meet(void *context, const WalkMeeting *meeting) {
    Grouping *g = context;
    Plain *p = g->plain;
    Group *group = LIST_PUSH(p->arena, &p->groups);
    int64_t number = p->groups.count - 1;
    for (int64_t i = 0; i < meeting->count; ++i) {
        int64_t at = g->next[meeting->ranks[i]];
        while (p->items.items[at].op != meeting->items[i].op ||
               p->items.items[at].layer != meeting->items[i].layer)
            ++at;
        p->items.items[at].group = number;
        g->next[meeting->ranks[i]] = at + 1;
        *(int64_t *)LIST_PUSH(p->arena, &group->items) = at;
    }
    const Item *first = &p->items.items[group->items.items[0]];
    group->demand = cost_move(p->arena, p->schedule, first->rank,
                              &p->schedule->ranks[first->rank].ops.items[first->op], p->at);
}

static const Op *op_of(const Plain *p, const Item *item) {
    return &p->schedule->ranks[item->rank].ops.items[item->op];
}

static bool is_done(const Plain *p, int64_t item) {
    return item < 0 || p->items.items[item].state == DONE;
}

static bool is_ready(const Plain *p, const Item *item) {
    bool ready = is_done(p, item->before);
    for (int w = 0; w < OP_WAITS; ++w)
        ready = ready && is_done(p, item->waits[w]);
    return ready;
}

/* Begin whatever can; true if something did. */
static bool plain_begin(Plain *p) {
    bool any = false;
    for (int64_t i = 0; i < p->items.count; ++i) {
        Item *item = &p->items.items[i];
        if (item->state != WAITING || item->group >= 0 || !is_ready(p, item))
            continue;
        item->state = RUNNING;
        item->end = p->now + cost_kernel(p->schedule, item->rank, op_of(p, item), p->at);
        any = true;
    }
    for (int64_t g = 0; g < p->groups.count; ++g) {
        Group *group = &p->groups.items[g];
        bool ready = group->state == WAITING;
        for (int64_t i = 0; ready && i < group->items.count; ++i)
            ready = is_ready(p, &p->items.items[group->items.items[i]]);
        if (!ready)
            continue;
        group->state = RUNNING;
        group->opens = p->now + group->demand.fixed;
        group->left = 1;
        any = true;
    }
    return any;
}

/* Raise all speeds in step until something is full, fix those, go on. */
static void plain_speeds(Plain *p) {
    int64_t count = cost_resource_count(p->schedule), rising = 0;
    ArenaMark mark = arena_mark(p->arena);
    double *used = ARENA_ARRAY(p->arena, count, double);
    double *slope = ARENA_ARRAY(p->arena, count, double);
    bool *rises = ARENA_ARRAY(p->arena, p->groups.count, bool);
    for (int64_t g = 0; g < p->groups.count; ++g) {
        rises[g] = p->groups.items[g].flows;
        p->groups.items[g].speed = 0;
        rising += rises[g];
    }
    for (double level = 0; rising > 0;) {
        double more = 1 - level;
        memset(slope, 0, (size_t)count * sizeof *slope);
        for (int64_t g = 0; g < p->groups.count; ++g)
            for (int64_t i = 0; rises[g] && i < p->groups.items[g].demand.shares.count; ++i) {
                CostShare share = p->groups.items[g].demand.shares.items[i];
                slope[share.resource] += share.use;
            }
        for (int64_t r = 0; r < count; ++r)
            if (slope[r] > 0)
                more = fmin(more, (1 - used[r]) / slope[r]);
        level += more;
        for (int64_t r = 0; r < count; ++r)
            used[r] += more * slope[r];
        for (int64_t g = 0; g < p->groups.count; ++g) {
            bool full = level >= 1 - 1e-12;
            for (int64_t i = 0; rises[g] && i < p->groups.items[g].demand.shares.count; ++i)
                full = full || used[p->groups.items[g].demand.shares.items[i].resource] > 1 - 1e-11;
            if (rises[g] && full) {
                rises[g] = false;
                p->groups.items[g].speed = level;
                --rising;
            }
        }
    }
    arena_rewind(p->arena, mark);
}

static double plain_next(const Plain *p) {
    double next = INFINITY;
    for (int64_t i = 0; i < p->items.count; ++i)
        if (p->items.items[i].state == RUNNING)
            next = fmin(next, p->items.items[i].end);
    for (int64_t g = 0; g < p->groups.count; ++g) {
        const Group *group = &p->groups.items[g];
        if (group->state == RUNNING && !group->flows)
            next = fmin(next, group->opens);
        if (group->flows)
            next = fmin(next, p->now + group->left * group->demand.seconds / group->speed);
    }
    return next;
}

static void plain_advance(Plain *p, double next) {
    double late = next * (1 + 1e-13);
    for (int64_t i = 0; i < p->items.count; ++i)
        if (p->items.items[i].state == RUNNING && p->items.items[i].end <= late)
            p->items.items[i].state = DONE;
    for (int64_t g = 0; g < p->groups.count; ++g) {
        Group *group = &p->groups.items[g];
        if (group->flows)
            group->left -= (next - p->now) * group->speed / group->demand.seconds;
        bool opens = group->state == RUNNING && !group->flows && group->opens <= late;
        bool done =
            (group->flows && next + group->left * group->demand.seconds / group->speed <= late) ||
            (opens && group->demand.seconds == 0);
        group->flows = (group->flows || opens) && !done;
        if (!done)
            continue;
        group->state = DONE;
        for (int64_t i = 0; i < group->items.count; ++i) {
            p->items.items[group->items.items[i]].state = DONE;
            p->items.items[group->items.items[i]].end = next;
        }
    }
    p->now = next;
}

static void plain_run(Plain *p) {
    Grouping grouping = {p, ARENA_ARRAY(p->arena, p->schedule->world, int64_t)};
    WalkVisitor visitor = {.context = &grouping, .meet = plain_meet};
    WalkStuck stuck;
    for (int64_t rank = 0; rank < p->schedule->world; ++rank) {
        grouping.next[rank] = p->items.count;
        plain_rank(p, rank);
    }
    assert_true(walk_run(p->schedule, p->step, &visitor, p->arena, &stuck));
    for (;;) {
        while (plain_begin(p))
            ;
        plain_speeds(p);
        double next = plain_next(p);
        if (next == INFINITY)
            return;
        plain_advance(p, next);
    }
}

/* Every operation ends when the plain simulator says. Items of a rank and operation come in the
 * order of execution in both. */
static void assert_same(Fixture *f, int64_t step, CostCase at) {
    Plain plain = {.arena = &f->arena, .schedule = &f->schedule, .step = step, .at = at};
    plain_run(&plain);
    Timeline timeline = simulate_timeline(&f->arena, &f->schedule, step, at);
    assert_int_equal(timeline.items.count, plain.items.count);
    int64_t most = 0;
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        most = f->schedule.ranks[rank].ops.count > most ? f->schedule.ranks[rank].ops.count : most;
    int64_t *from = ARENA_ARRAY(&f->arena, f->schedule.world * most, int64_t);
    int64_t *first = ARENA_ARRAY(&f->arena, f->schedule.world + 1, int64_t);
    for (int64_t i = 0; i < plain.items.count; ++i)
        ++first[plain.items.items[i].rank + 1];
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        first[rank + 1] += first[rank];
    for (int64_t i = 0; i < timeline.items.count; ++i) {
        const TimelineItem *item = &timeline.items.items[i];
        int64_t *next = &from[item->rank * most + item->op];
        int64_t k = first[item->rank] + *next;
        while (plain.items.items[k].op != item->op)
            ++k;
        *next = k + 1 - first[item->rank];
        if (fabs(item->end - plain.items.items[k].end) > 1e-9 * timeline.makespan)
            fail_msg("rank %d %s of layer %d ends at %.12g, not %.12g", item->rank,
                     op_info[op_of(&plain, &plain.items.items[k])->kind].name, item->layer,
                     item->end, plain.items.items[k].end);
    }
}

static uint64_t random_state;

static double random_share(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static const char *const strategies[] = {
    "ep:ep=16,moves=padded",
    "tp-pp:tp=4,pp=2,microbatches=4,dp=2",
    "pp:pp=2,microbatches=5",
    "ma-separation:attention=12,experts=4,groups=12,microbatches=3,moves=exact",
    "ma-separation:attention=6,experts=3,groups=3,microbatches=2,output=sharded",
    "ma-separation:attention=12,experts=4,groups=2,output=hierarchical,placement=spread",
    "tp:tp=8,dp=2",
};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

/* Work and bandwidths of every rank and node as chance has it, so that moves meet in every way. */
static void shake(Fixture *f) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank)
        for (int64_t i = 0; i < f->schedule.ranks[rank].ops.count; ++i)
            f->schedule.ranks[rank].ops.items[i].flops = 1e9 * pow(10, 2 * random_share());
    TopologyNode *node = &f->plan.inputs.topology.nodes.items[0];
    node->nic_bandwidth *= pow(10, -3 * random_share());
    node->link.bandwidth *= pow(10, -3 * random_share());
}

static void the_plain_simulator_agrees(void **state) {
    for (int64_t i = 0; i < 3 * STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i % STRATEGIES], 40 + i);
        random_state = (uint64_t)i;
        if (i >= STRATEGIES)
            shake(&f);
        assert_same(&f, i % 2, (CostCase)(i % COST_CASES));
        fixture_free(&f);
    }
}

/* Other ones at every run; TOPOSMITH_SEED repeats those of a failure. */
static void fresh_ones_agree_as_well(void **state) {
    const char *given = getenv("TOPOSMITH_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("TOPOSMITH_SEED=%llu\n", (unsigned long long)random_state);
    for (int i = 0; i < 3; ++i) {
        Fixture f;
        const char *strategy = strategies[(int)(random_share() * STRATEGIES)];
        fixture_make(&f, MIXTRAL, strategy, 40 + (int64_t)(50 * random_share()));
        shake(&f);
        assert_same(&f, random_share() < .5, (CostCase)(random_share() * COST_CASES));
        fixture_free(&f);
    }
}

/* --- what must hold -------------------------------------------------------------------------------- */

/* Bytes that counters count, by resource: those within nodes over links, others over NICs. */
static double *counted(Fixture *f, int64_t step) {
    const Schedule *schedule = &f->schedule;
    double *bytes = ARENA_ARRAY(&f->arena, cost_resource_count(schedule), double);
    Counters counters = counters_begin(&f->arena, schedule);
    counters_add_step(schedule, step, 0, 1, NULL, NULL, &counters);
    for (int64_t from = 0; from < schedule->world; ++from)
        for (int64_t to = 0; to < schedule->world; ++to) {
            double moved = (double)counters.bytes[from * schedule->world + to];
            int64_t a = f->plan.ranks.items[from].node, b = f->plan.ranks.items[to].node;
            bytes[a == b ? cost_link(schedule, from, false) : cost_nics(schedule, a, false)] +=
                moved;
            bytes[a == b ? cost_link(schedule, to, true) : cost_nics(schedule, b, true)] += moved;
        }
    return bytes;
}

/* Exchanges and sends move what is counted, resource by resource. Rings and trees take other ways
 * than the runtime's pairs, but in all as many bytes. */
static void bytes_are_those_of_the_counters(void **state) {
    for (int64_t i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 48);
        for (int64_t k = 0; k < f.schedule.exchanges.count; ++k)
            f.schedule.exchanges.items[k].mode = MODE_PADDED;
        bool rings = false;
        for (int64_t k = 0; k < f.schedule.channels.count; ++k)
            rings = rings || (!f.schedule.channels.items[k].is_exchange &&
                              !f.schedule.channels.items[k].is_pair);
        Simulation simulation = simulate(&f.arena, &f.schedule);
        for (int64_t step = 0; step < 2; ++step) {
            double *expected = counted(&f, step), sum = 0, moved = 0;
            const SimulatedStep *of = &simulation.steps[COST_EXPECTED][step];
            for (int64_t r = 0; r < cost_resource_count(&f.schedule); ++r) {
                if (!rings)
                    assert_close(of->resources[r].bytes, expected[r]);
                sum += expected[r];
                moved += of->resources[r].bytes;
            }
            assert_true(sum > 0);
            assert_close(moved, sum);
        }
        fixture_free(&f);
    }
}

static double makespan(Fixture *f, int64_t step) {
    Simulation simulation = simulate_times(&f->arena, &f->schedule);
    return simulation.steps[COST_EXPECTED][step].makespan;
}

static void a_slower_cluster_takes_no_less(void **state) {
    for (int64_t i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MA_SMALL, strategies[i], 48);
        TopologyNode *node = &f.plan.inputs.topology.nodes.items[0];
        TopologyNetwork *network = &f.plan.inputs.topology.network;
        double *knobs[] = {&node->nic_bandwidth, &node->link.bandwidth, &node->gpu.bandwidth,
                           &node->gpu.flops_f32, &network->latency,     &node->link.latency};
        for (size_t k = 0; k < sizeof knobs / sizeof *knobs; ++k) {
            double value = *knobs[k], last = makespan(&f, 0), first = last;
            for (double slower = 1.3; slower < 30; slower *= 1.7) {
                *knobs[k] = k < 4 ? value / slower : value * slower;
                double now = makespan(&f, 0);
                if (now < last * (1 - 1e-12))
                    fail_msg("%s knob %d: %g after %g", strategies[i], (int)k, now, last);
                last = now;
            }
            assert_true(k != 2 || last > first);
            *knobs[k] = value;
        }
        fixture_free(&f);
    }
}

static void paths_have_no_gaps_and_bounds_hold(void **state) {
    for (int64_t i = 0; i < STRATEGIES; ++i) {
        Fixture f;
        fixture_make(&f, MA_SMALL, strategies[i], 48);
        Simulation simulation = simulate(&f.arena, &f.schedule);
        for (int64_t s = 0; s < 2; ++s) {
            const SimulatedStep *step = &simulation.steps[COST_EXPECTED][s];
            const SimulatedBound *bound = &step->bound;
            double at = 0;
            for (int64_t k = 0; k < step->path.count; ++k) {
                assert_close(step->path.items[k].begin, at);
                assert_true(step->path.items[k].end >= at);
                at = step->path.items[k].end;
            }
            assert_close(at, step->makespan);
            assert_true(bound->seconds >= bound->chain && bound->seconds >= bound->memory);
            assert_true(bound->seconds >= bound->network && bound->seconds >= bound->compute);
            assert_true(bound->memory > 0 && bound->compute > 0 && bound->network > 0);
            assert_true(bound->seconds <= simulation.steps[COST_LOW][s].makespan * (1 + 1e-9));
            SimulatedShares shares = simulate_shares(&f.schedule, step);
            assert_true(shares.computing > 0 && shares.computing <= 1);
            assert_true(shares.utilisation > 0 && shares.utilisation <= shares.computing);
            assert_true(shares.memory > 0 && shares.memory <= shares.computing);
            for (int64_t r = 0; r < cost_resource_count(&f.schedule); ++r) {
                assert_true(step->resources[r].busy <= step->makespan * (1 + 1e-9));
                assert_true(step->resources[r].peak <= 1);
                assert_true((step->resources[r].peak > 0) == (step->resources[r].bytes > 0));
            }
        }
        fixture_free(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_moves_share_a_nic),
        cmocka_unit_test(a_move_joins_another_half_way),
        cmocka_unit_test(what_is_left_goes_to_others),
        cmocka_unit_test(moves_of_different_sizes),
        cmocka_unit_test(time_lines_say_who_let_whom_begin),
        cmocka_unit_test(the_plain_simulator_agrees),
        cmocka_unit_test(fresh_ones_agree_as_well),
        cmocka_unit_test(bytes_are_those_of_the_counters),
        cmocka_unit_test(a_slower_cluster_takes_no_less),
        cmocka_unit_test(paths_have_no_gaps_and_bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
