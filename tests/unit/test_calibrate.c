/* Fits find what samples were made of, with noise and with a few that are far off; rows read back from a topology's
 * text, whose comments stay; and a measured topology prices as its rows say. */
#include "test.h"

#include "base/fs.h"
#include "input/topology.h"
#include "plan_fixture.h"
#include "run/calibrate.h"
#include "run/calibrate_fit.h"
#include "run/calibrate_network.h"
#include "schedule/simulate.h"

#include <math.h>

static void near(const char *what, double is, double wanted, double share) {
    if (!(fabs(is - wanted) <= share * fabs(wanted)))
        fail_msg("%s is %g, not %g", what, is, wanted);
}

#define NEAR(is, wanted, share) near(#is, is, wanted, share)

/* Within [-1, 1], the same in every run. */
static double noise(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 4503599627370496.0 - 1;
}

static void least_squares_stay_positive(void **state) {
    Test *test = *state;
    const double a[] = {1, 0, 0, 1, 1, 1}, b[] = {2, -1, 1.5}, c[] = {2, 3, 5};
    double x[2];
    fit_nonnegative(&test->arena, a, c, 3, 2, x);
    NEAR(x[0], 2, 1e-9);
    NEAR(x[1], 3, 1e-9);
    fit_nonnegative(&test->arena, a, b, 3, 2, x); /* the free minimum has a negative second part */
    NEAR(x[0], 1.75, 1e-9);
    assert_true(x[1] == 0);
}

static void quantiles(void **state) {
    (void)state;
    double values[] = {5, 1, 4, 2, 3};
    assert_true(fit_quantile(values, 5, 0) == 1 && fit_quantile(values, 5, 0.5) == 3);
    assert_true(fit_quantile(values, 5, 0.25) == 2 && fit_quantile(values, 5, 1) == 5);
    assert_true(fit_quantile(values, 1, 0.3) == 1);
}

enum { SAMPLES = 60 };

/* A kernel: 2 us, bytes at 20 ps up to 2 FLOP a byte, in proportion to the FLOPs after that, 5 ns an element. */
static double made_of(const MeasuredWork *work) {
    double intensity = work->flops / work->bytes;
    return 2e-6 + work->bytes * 20e-12 * fmax(1, intensity / 2) + 5e-9 * work->elements;
}

static void make_samples(FitSample *samples, double spread, int64_t far_off) {
    uint64_t random = 7;
    for (int64_t i = 0; i < SAMPLES; i++) {
        FitSample *sample = &samples[i];
        double intensity = pow(2, (double)(i % 10) - 2);
        sample->work.bytes = 2e5 * (1 + (double)(i % 7) * 3);
        sample->work.flops = sample->work.bytes * intensity;
        sample->work.elements = 100 * (double)(1 + i * 37 % 50);
        sample->program = i % 6;
        sample->seconds = made_of(&sample->work) * (1 + spread * noise(&random));
        if (i % 10 < far_off)
            sample->seconds *= i % 20 < 10 ? 4 : 6;
    }
}

static void fits_recover_a_kernel(void **state) {
    Test *test = *state;
    FitSample samples[SAMPLES];
    MeasuredKernel row = {0};
    make_samples(samples, 0, 0);
    fit_kernel(&test->arena, samples, SAMPLES, -1, &row);
    assert_int_equal(row.points.count, 10);
    NEAR(row.seconds, 2e-6, 0.02);
    NEAR(row.per_element, 5e-9, 0.02);
    NEAR(row.points.items[0].per_byte, 20e-12, 0.02);
    NEAR(row.points.items[9].per_byte, 20e-12 * 64, 0.02);
    MeasuredWork beyond = {
        .flops = 1e9, .bytes = 1e5, .elements = 0}; /* of a higher intensity than any */
    NEAR(measured_seconds(&row, &beyond), made_of(&beyond), 0.05);
    MeasuredWork below = {.flops = 1e3, .bytes = 1e6, .elements = 0};
    NEAR(measured_seconds(&row, &below), made_of(&below), 0.05);
}

static void fits_stand_noise(void **state) {
    Test *test = *state;
    FitSample samples[SAMPLES];
    MeasuredKernel row = {0};
    make_samples(samples, 0.1, 1);
    fit_kernel(&test->arena, samples, SAMPLES, -1, &row);
    for (int64_t i = 0; i < SAMPLES; i++)
        if (i % 10 >= 1)
            NEAR(measured_seconds(&row, &samples[i].work), made_of(&samples[i].work), 0.15);
}

static void a_program_can_be_left_out(void **state) {
    Test *test = *state;
    FitSample samples[SAMPLES];
    MeasuredKernel all = {0}, some = {0};
    make_samples(samples, 0, 0);
    for (int64_t i = 0; i < SAMPLES; i++)
        if (samples[i].program == 3)
            samples[i].seconds *= 100;
    fit_kernel(&test->arena, samples, SAMPLES, 3, &some);
    for (int64_t i = 0; i < SAMPLES; i++)
        NEAR(measured_seconds(&some, &samples[i].work), made_of(&samples[i].work), 0.05);
    fit_kernel(&test->arena, samples, 0, -1, &all);
    assert_int_equal(all.points.count, 0);
    assert_true(all.seconds == 0);
}

static void fits_recover_a_move(void **state) {
    Test *test = *state;
    FitSample samples[40] = {0};
    uint64_t random = 3;
    for (int64_t i = 0; i < 40; i++) {
        samples[i].work.bytes = 1000 * pow(1.3, (double)i);
        samples[i].seconds = (3e-5 + 1e-10 * samples[i].work.bytes) * (1 + 0.05 * noise(&random));
    }
    samples[5].seconds *= 20;
    MeasuredMove row = {0};
    fit_move(&test->arena, samples, 40, -1, &row);
    NEAR(row.seconds, 3e-5, 0.05);
    NEAR(row.per_byte, 1e-10, 0.05);
}

/* --- the network ---------------------------------------------------------------------------------------- */

enum { ROWS = 400 };

static void make_rows(double *inputs, double *wanted, double *weights) {
    uint64_t random = 11;
    for (int64_t r = 0; r < ROWS; r++) {
        double *x = inputs + 3 * r;
        x[0] = 20 + 8 * noise(&random);
        x[1] = 15 + 5 * noise(&random);
        x[2] = r % 2;
        wanted[r] =
            fmax(x[0] - 30, x[1] - 26) + 3 * x[2]; /* a roofline, and a kind that takes longer */
        weights[r] = 1;
    }
}

static CostNetwork learn(Arena *arena, double *error) {
    double inputs[3 * ROWS], wanted[ROWS], weights[ROWS];
    CostNetwork network = {0};
    for (int i = 0; i < 3; i++)
        *(const char **)LIST_PUSH(arena, &network.features) = "flops";
    make_rows(inputs, wanted, weights);
    *error = network_fit(arena, inputs, wanted, weights, ROWS, 300, &network);
    return network;
}

static void a_network_learns_a_roofline(void **state) {
    Test *test = *state;
    double error, again;
    CostNetwork network = learn(&test->arena, &error), other = learn(&test->arena, &again);
    assert_true(sqrt(error) < 0.1); /* of a spread of about 5: 7 % of the seconds */
    assert_int_equal(network.layers.count, 3);
    assert_int_equal(network.layers.items[2].biases.count, 1);
    assert_memory_equal(network.layers.items[0].weights.items, other.layers.items[0].weights.items,
                        sizeof(double) * (size_t)network.layers.items[0].weights.count);
    const double between[] = {23, 14, 1};
    double value = network_value(&network, between);
    if (fabs(value - -4) > 0.3)
        fail_msg("%g is not near -4", value);
}

/* --- the topology --------------------------------------------------------------------------------------- */

static Measured some_rows(Arena *arena) {
    Measured measured = {.processor = "Some CPU @ 2 GHz: fast", .cores = 2, .dtype = "f32"};
    for (int ranks = 1; ranks <= 2; ranks++) {
        MeasuredKernel *kernel = LIST_PUSH(arena, &measured.kernels);
        *kernel = (MeasuredKernel){.kind = "linear", .ranks = ranks, .seconds = 1e-6 * ranks};
        kernel->low = 0.9;
        kernel->high = 1.25;
        for (int i = 0; i < 5; i++)
            *(MeasuredPoint *)LIST_PUSH(arena, &kernel->points) =
                (MeasuredPoint){pow(2, i), 1e-11 * (i + 1)};
    }
    *(MeasuredMove *)LIST_PUSH(arena, &measured.moves) =
        (MeasuredMove){"all_reduce", 2, 3e-5, 1e-10, 0.8, 1.5};
    return measured;
}

static const char topology_text[] =
    "# mine\n"
    "name: here # it is\n"
    "measured: {} # old\n"
    "nodes:\n"
    "  - {name: a, gpus: 4, nics: 0, gpu: {type: cpu, memory: 1 GiB,\n"
    "     flops: 5 GFLOP/s, flops_f32: 5 GFLOP/s, bandwidth: 1 GB/s},\n"
    "     link: {type: shared, bandwidth: 1 GB/s, latency: 1 us}}\n";

static void rows_are_put_into_a_topology(void **state) {
    Test *test = *state;
    Run run = {.diag.arena = &run.arena};
    Measured measured = some_rows(&test->arena);
    const char *from = test_file(test, "from.yaml", topology_text),
               *to = test_path(test, "to.yaml");
    Topology topology;
    char *text;
    size_t length;
    /* Twice: what was there is replaced. */
    assert_int_equal(calibrate_write(&run, from, &measured, to), STATUS_OK);
    assert_int_equal(calibrate_write(&run, to, &measured, to), STATUS_OK);
    if (topology_read(&test->arena, to, &topology, &test->diag) != STATUS_OK)
        fail_msg("%s", test_messages(test));
    assert_string_equal(topology.measured.processor, measured.processor);
    assert_int_equal(topology.measured.kernels.count, 2);
    assert_int_equal(topology.measured.kernels.items[1].points.count, 5);
    NEAR(topology.measured.kernels.items[1].points.items[3].per_byte, 4e-11, 1e-6);
    NEAR(topology.measured.moves.items[0].high, 1.5, 1e-6);
    assert_int_equal(fs_read(&test->arena, to, 1 << 20, &text, &length, &test->diag), STATUS_OK);
    assert_ptr_equal(strstr(text, "# mine\nname: here # it is\n"), text);
    assert_null(strstr(text, "old"));
    assert_null(strstr(strstr(text, "measured:") + 1, "measured:"));
    arena_free(&run.arena);
}

static void points_that_do_not_ascend(void **state) {
    Test *test = *state;
    const char *text =
        arena_printf(&test->arena,
                     "%smeasured: {kernels: [{kind: linear, ranks: 1, seconds: 0, low: 1, high: 1, "
                     "points: [{intensity: 2, per_byte: 0}, {intensity: 2, per_byte: 0}]}]}\n",
                     topology_text);
    char *old = strstr((char *)text, "measured: {} # old\n");
    memset(old, ' ', strlen("measured: {} # old"));
    Topology topology;
    assert_int_equal(
        topology_read(&test->arena, test_file(test, "t.yaml", text), &topology, &test->diag),
        STATUS_DATA);
    assert_non_null(
        strstr(test_messages(test), "error[E0316]: the points of linear do not ascend"));
}

static void rows_are_found_by_ranks(void **state) {
    Test *test = *state;
    Measured measured = some_rows(&test->arena);
    assert_int_equal(measured_kernel(&measured, "linear", 1)->ranks, 1);
    assert_int_equal(measured_kernel(&measured, "linear", 2)->ranks, 2);
    assert_int_equal(measured_kernel(&measured, "linear", 16)->ranks, 2);
    assert_null(measured_kernel(&measured, "head", 1));
    assert_int_equal(measured_move(&measured, "all_reduce", 1)->ranks, 2);
    assert_true(measured_sharing(&measured, 2) == 1 && measured_sharing(&measured, 6) == 3);
}

/* --- prices --------------------------------------------------------------------------------------------- */

static void a_measured_kind_costs_what_its_row_says(void **state) {
    Test *test = *state;
    void *made;
    assert_int_equal(fixture_setup(&made), 0);
    Fixture *fixture = made;
    fixture_plan(fixture, "tp:tp=2");
    fixture->plan.inputs.workload.dtype = ELEMENT_F32;
    fixture->plan.inputs.topology.measured = some_rows(&test->arena);
    Schedule schedule;
    assert_int_equal(schedule_lower(&test->arena, &fixture->plan, &schedule, &test->diag),
                     STATUS_OK);
    assert_true(cost_measured(&schedule));
    int64_t kernels = 0, moves = 0;
    for (int64_t i = 0; i < schedule.ranks[0].ops.count; i++) {
        const Op *op = &schedule.ranks[0].ops.items[i];
        if (op->kind == OP_linear) {
            MeasuredWork work = cost_work(&schedule, op);
            double row =
                measured_seconds(&fixture->plan.inputs.topology.measured.kernels.items[1], &work);
            NEAR(cost_kernel(&schedule, 0, op, COST_EXPECTED), row, 1e-12);
            NEAR(cost_kernel(&schedule, 0, op, COST_LOW), row * 0.9, 1e-12);
            NEAR(cost_kernel(&schedule, 0, op, COST_HIGH), row * 1.25, 1e-12);
            kernels++;
        }
        if (op->kind == OP_all_reduce) {
            CostDemand demand = cost_move(&test->arena, &schedule, 0, op, COST_EXPECTED);
            NEAR(demand.fixed, 3e-5 + 1e-10 * cost_busiest(&demand), 1e-12);
            assert_true(demand.seconds == 0 && cost_busiest(&demand) > 0);
            moves++;
        }
    }
    assert_true(kernels > 0 && moves > 0);
    Buf basis = {0};
    cost_basis(&schedule, &basis);
    assert_non_null(
        strstr(basis.data, "as measured on Some CPU @ 2 GHz: fast, 2 cores; from equations: "));
    assert_null(strstr(basis.data, "linear"));
    buf_clear(&basis);
    fixture->plan.inputs.workload.dtype = ELEMENT_BF16;
    assert_false(cost_measured(&schedule));
    cost_basis(&schedule, &basis);
    assert_string_equal(basis.data, "an estimate from rooflines: operations were measured with f32 "
                                    "elements only");
    buf_free(&basis);
    fixture_teardown(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(least_squares_stay_positive),
        TEST(quantiles),
        TEST(fits_recover_a_kernel),
        TEST(fits_stand_noise),
        TEST(a_program_can_be_left_out),
        TEST(fits_recover_a_move),
        TEST(a_network_learns_a_roofline),
        TEST(rows_are_put_into_a_topology),
        TEST(points_that_do_not_ascend),
        TEST(rows_are_found_by_ranks),
        TEST(a_measured_kind_costs_what_its_row_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
