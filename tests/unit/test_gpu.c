/* The table of GPUs: found by type, by name as nvidia-smi prints it, by PCI number; and its figures are such as a
 * topology can hold. */
#include "test.h"

#include "base/units.h"
#include "input/gpu.h"

static void each_is_found_by_all_its_names(void **state) {
    (void)state;
    int kinds = 0;
    for (const GpuKind *kind = gpu_kinds; kind->type; kind++, kinds++) {
        assert_ptr_equal(gpu_by_type(kind->type), kind);
        assert_non_null(kind->names[0]);
        for (int i = 0; kind->names[i]; i++)
            assert_ptr_equal(gpu_by_name(kind->names[i], strlen(kind->names[i])), kind);
        for (int i = 0; kind->devices[i]; i++)
            assert_ptr_equal(gpu_by_device(kind->devices[i]), kind);
    }
    assert_true(kinds >= 8);
    assert_string_equal(gpu_by_name("NVIDIA H200", 11)->type, "h200-141gb");
    assert_int_equal(gpu_by_type("a100-80gb")->nvlinks, 12);
    assert_string_equal(gpu_by_device(0x20b2)->type, "a100-80gb");
}

/* A name that begins or ends like one of the table is another GPU's. */
static void others_are_not(void **state) {
    (void)state;
    assert_null(gpu_by_type("a100"));
    assert_null(gpu_by_type(""));
    assert_null(gpu_by_type("A100-80GB"));
    assert_null(gpu_by_name("NVIDIA H200 NVL", 15));
    assert_null(gpu_by_name("NVIDIA H200", 10));
    assert_null(gpu_by_name("NVIDIA H300", 11));
    assert_null(gpu_by_name("", 0));
    assert_null(gpu_by_device(0));
    assert_null(gpu_by_device(0x10de));
    assert_null(gpu_by_device(-1));
}

static double quantity(Quantity quantity, const char *text) {
    double value;
    if (units_parse(quantity, text, &value) != UNITS_OK)
        fail_msg("%s", text);
    return value;
}

static void figures_are_sound(void **state) {
    (void)state;
    for (const GpuKind *kind = gpu_kinds; kind->type; kind++) {
        double memory = quantity(QUANTITY_BYTES, kind->memory);
        double flops = quantity(QUANTITY_FLOPS, kind->flops);
        assert_true(memory > 8e9 && memory < 1e12);
        assert_true(quantity(QUANTITY_FLOPS, kind->flops_f32) < flops);
        double bandwidth = quantity(QUANTITY_BANDWIDTH, kind->bandwidth);
        assert_true(bandwidth > 1e11 && bandwidth < 2e13);
        assert_int_equal(kind->nvlinks > 0, kind->nvlink != NULL);
        assert_int_equal(kind->nvlinks > 0, kind->nvlink_bandwidth > 0);
        assert_true(kind->sm >= 70 && kind->pcie >= 3 && *kind->source);
        for (const GpuKind *other = gpu_kinds; other < kind; other++)
            assert_string_not_equal(other->type, kind->type);
    }
    assert_true(gpu_pcie_bandwidth(3) == 12e9);
    assert_true(gpu_pcie_bandwidth(4) == 25e9);
    assert_true(gpu_pcie_bandwidth(5) == 50e9);
    assert_true(gpu_pcie_bandwidth(6) == 50e9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_is_found_by_all_its_names),
        TEST(others_are_not),
        TEST(figures_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
