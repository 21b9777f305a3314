/* Pieces of weights as the runtime reads them, against what rt_format.h says of each element, by chance: rows and columns
 * the other way round, in groups, of all types, with scales; and pieces that leave their files, which are refused. Numbers
 * of 8 bits against their definition, all of them. */
#include "core/weight_readers.h"
#include "core/backend.h"
#include "one_rank.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SLAB = 1 << 16, FILE_BYTES = 6000, SCALE_BYTES = 1000, PIECES = 20000 };

typedef struct Fixture {
    OneRank one;
    rt_rank *rank;
    char elements[FILE_BYTES], scales[SCALE_BYTES];
    int file, scale_file;
    uint64_t drawn;
} Fixture;

static uint64_t draw(Fixture *f, uint64_t below) {
    return rt_random_bits(77, f->drawn++) % below;
}

static int write_out(const void *data, size_t size) {
    char path[] = "/tmp/test_weight_read.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, data, size) == (ssize_t)size);
    unlink(path);
    return file;
}

static int setup(void **state) {
    Fixture *f = *state = calloc(1, sizeof *f);
    assert_true(one_rank_open(&f->one, SLAB, NULL, 0));
    f->rank = rt_rank_create(&f->one.segment, 0);
    assert_int_equal(rt_backend_open(f->rank), RT_OK);
    for (size_t i = 0; i < sizeof f->elements; ++i)
        f->elements[i] = (char)draw(f, 256);
    for (size_t i = 0; i < sizeof f->scales; ++i)
        f->scales[i] = (char)draw(f, 256);
    f->file = write_out(f->elements, sizeof f->elements);
    f->scale_file = write_out(f->scales, sizeof f->scales);
    return 0;
}

static int teardown(void **state) {
    Fixture *f = *state;
    close(f->file);
    close(f->scale_file);
    rt_rank_free(f->rank);
    one_rank_close(&f->one);
    free(f);
    return 0;
}

/* --- numbers of 8 bits ------------------------------------------------------------------------ */

/* By the definition: sign, exponent and fraction of so many bits. NaN where the pattern is one. */
static double defined(int bits, int exponent_bits, int fraction_bits, bool infinities) {
    int sign = bits >> 7, exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    int fraction = bits & ((1 << fraction_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    int last = (1 << exponent_bits) - 1;
    double size = ldexp(fraction, -fraction_bits);
    if (infinities && exponent == last)
        size = fraction ? NAN : INFINITY;
    else if (exponent == last && fraction == (1 << fraction_bits) - 1)
        size = NAN;
    else
        size = exponent ? ldexp(1 + size, exponent - bias) : ldexp(size, 1 - bias);
    return sign ? -size : size;
}

static void check_number(double got, double wanted, int bits) {
    if (isnan(wanted) ? !isnan(got) : got != wanted || signbit(got) != signbit(wanted))
        fail_msg("0x%02x is %g, not %g", (unsigned)bits, got, wanted);
}

static void test_numbers(void **state) {
    (void)state;
    for (int bits = 0; bits < 256; ++bits) {
        check_number((double)rt_from_e4m3((uint8_t)bits), defined(bits, 4, 3, false), bits);
        check_number((double)rt_from_e5m2((uint8_t)bits), defined(bits, 5, 2, true), bits);
    }
    assert_true(rt_from_e4m3(0x7e) == 448.0f && rt_from_e4m3(0x01) == 0x1p-9f);
    assert_true(rt_from_e5m2(0x7b) == 57344.0f && rt_from_e5m2(0x01) == 0x1p-16f);
}

/* --- pieces ----------------------------------------------------------------------------------- */

static float number_at(const char *bytes, uint64_t at, uint32_t type) {
    float single;
    uint16_t half;
    const char *from = bytes + at * (uint64_t)rt_type_bytes((int)type);
    memcpy(&half, from, type >= RT_E4M3 ? 1 : 2);
    switch (type) {
    case RT_F32:
        memcpy(&single, from, sizeof single);
        return single;
    case RT_BF16:
        return rt_from_bf16(half);
    case RT_F16:
        return rt_from_f16(half);
    case RT_E4M3:
        return rt_from_e4m3((uint8_t)half);
    default:
        return rt_from_e5m2((uint8_t)half);
    }
}

static uint64_t stands_at(const rt_map_record *r, uint64_t row, uint64_t column) {
    uint64_t at = column * r->column_step;
    if (!r->group)
        return at + row * r->row_step;
    for (uint64_t i = r->group_skip; i < r->group_skip + row; ++i)
        at += (i + 1) % r->group ? r->row_step : r->group_step - (r->group - 1) * r->row_step;
    return at;
}

static float element_at(const Fixture *f, const rt_map_record *r, uint64_t row, uint64_t column) {
    uint64_t at = stands_at(r, row, column);
    float value = number_at(f->elements + r->offset, at, r->type);
    if (!r->scale_width)
        return value;
    at += r->scale_origin;
    return value * number_at(f->scales + r->scale_offset,
                             at / r->scale_width / r->block_rows * r->scale_stride +
                                 at % r->scale_width / r->block_columns,
                             r->scale_type);
}

static rt_map_record draw_piece(Fixture *f) {
    static const uint32_t types[] = {RT_F32, RT_BF16, RT_F16, RT_E4M3, RT_E5M2};
    rt_map_record r = {.rows = 1 + draw(f, 12),
                       .columns = 1 + draw(f, 12),
                       .type = types[draw(f, 5)],
                       .slab_type = (uint32_t)draw(f, 3)};
    bool across = draw(f, 2);
    r.offset = draw(f, 600);
    r.row_step = across ? 1 : r.columns + draw(f, 2) * draw(f, 9);
    if (draw(f, 2)) {
        r.group = 1 + draw(f, 6);
        r.group_skip = draw(f, r.group);
        r.group_step = r.group * r.row_step + draw(f, 2) * draw(f, 20);
    }
    r.column_step = across ? stands_at(&r, r.rows - 1, 0) + 1 + draw(f, 2) * draw(f, 9) : 1;
    r.pitch = r.columns + draw(f, 3);
    r.slab = 4 * draw(f, 50);
    if (r.type >= RT_E4M3) {
        r.scale_width = 1 + draw(f, 40);
        r.scale_origin = draw(f, 100);
        r.block_rows = 1 + draw(f, 9);
        r.block_columns = 1 + draw(f, 9);
        r.scale_stride = (r.scale_width + r.block_columns - 1) / r.block_columns + draw(f, 2);
        r.scale_type = (uint32_t)draw(f, 3);
        r.scale_offset = draw(f, 30);
    }
    return r;
}

static uint64_t end_of(const rt_map_record *r) {
    return r->offset +
           (stands_at(r, r->rows - 1, r->columns - 1) + 1) * (uint64_t)rt_type_bytes((int)r->type);
}

static uint64_t scales_end(const rt_map_record *r) {
    if (!r->scale_width)
        return 0;
    uint64_t last = r->scale_origin + stands_at(r, r->rows - 1, r->columns - 1);
    return r->scale_offset + (last / r->scale_width / r->block_rows + 1) * r->scale_stride *
                                 (uint64_t)rt_type_bytes((int)r->scale_type);
}

static void check_piece(const Fixture *f, const rt_map_record *r) {
    const char *slab = f->rank->slab + r->slab;
    for (uint64_t row = 0; row < r->rows; ++row)
        for (uint64_t column = 0; column < r->columns; ++column) {
            float wanted = element_at(f, r, row, column);
            uint64_t at = row * r->pitch + column;
            uint16_t half = r->slab_type == RT_BF16 ? rt_to_bf16(wanted) : rt_to_f16(wanted);
            const void *bits = r->slab_type == RT_F32 ? (const void *)&wanted : &half;
            size_t size = (size_t)rt_type_bytes((int)r->slab_type);
            if (memcmp(slab + at * size, bits, size) != 0 && !isnan(wanted))
                fail_msg("[%d][%d] of a piece of %d x %d, type %d in %d, differs", (int)row,
                         (int)column, (int)r->rows, (int)r->columns, (int)r->type,
                         (int)r->slab_type);
        }
}

/* A file that ends with the piece is long enough, and one that is a byte shorter is not. */
static void test_pieces(void **state) {
    Fixture *f = *state;
    WeightReader reader = {.rank = f->rank};
    int read = 0;
    for (int i = 0; i < PIECES; ++i) {
        rt_map_record r = draw_piece(f);
        uint64_t end = end_of(&r), scales = scales_end(&r);
        assert_true(rt_weight_fits(&r, end, scales));
        assert_false(rt_weight_fits(&r, end - 1, scales));
        assert_true(!scales || !rt_weight_fits(&r, end, scales - 1));
        if (end > FILE_BYTES || scales > SCALE_BYTES)
            continue;
        WeightPiece piece = {&r, f->file, f->scale_file, "elements", "scales"};
        assert_int_equal(rt_weight_read(&reader, &piece), RT_OK);
        check_piece(f, &r);
        read++;
    }
    assert_true(read > PIECES / 2);
    rt_weight_reader_free(&reader);
}

/* Longer than what is read at once: lines that are read in parts, alone and together. */
static void test_long(void **state) {
    enum { SIDE = 1500 };
    Fixture *f = *state;
    static float numbers[SIDE * SIDE], out[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; ++i)
        numbers[i] = (float)i;
    int file = write_out(numbers, sizeof numbers);
    WeightReader reader = {.rank = f->rank};
    char *slab = f->rank->slab;
    f->rank->slab = (char *)out;
    const rt_map_record cases[] = {
        {.rows = SIDE, .columns = SIDE, .row_step = SIDE, .column_step = 1},
        {.rows = SIDE, .columns = SIDE, .row_step = 1, .column_step = SIDE},
        {.rows = 2, .columns = SIDE * 700, .row_step = SIDE * 750, .column_step = 1},
        {.rows = SIDE * 700, .columns = 2, .row_step = 1, .column_step = SIDE * 750},
        {.rows = SIDE * 300,
         .columns = 2,
         .row_step = 1,
         .column_step = SIDE * 740,
         .group = 3,
         .group_skip = 1,
         .group_step = 7},
        {.rows = SIDE / 5,
         .columns = SIDE,
         .row_step = SIDE,
         .column_step = 1,
         .group = 2,
         .group_skip = 1,
         .group_step = 5 * SIDE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        rt_map_record r = cases[i];
        WeightPiece piece = {&r, file, -1, "numbers", NULL};
        r.pitch = r.columns;
        assert_true(rt_weight_fits(&r, sizeof numbers, 0));
        assert_int_equal(rt_weight_read(&reader, &piece), RT_OK);
        uint64_t row = r.rows - 1, column = r.columns - 1;
        for (uint64_t k = 0; k < 1000; ++k) {
            uint64_t at = row * r.columns + column;
            uint64_t counted = row + r.group_skip;
            uint64_t line = r.group ? counted / r.group * r.group_step +
                                          counted % r.group * r.row_step - r.group_skip * r.row_step
                                    : row * r.row_step;
            assert_true(out[at] == numbers[line + column * r.column_step]);
            row = draw(f, r.rows);
            column = draw(f, r.columns);
        }
    }
    f->rank->slab = slab;
    rt_weight_reader_free(&reader);
    close(file);
}

/* A checkpoint that has become shorter than the map says. */
static void test_shorter(void **state) {
    Fixture *f = *state;
    WeightReader reader = {.rank = f->rank};
    rt_map_record r = {.rows = 1,
                       .columns = 8,
                       .row_step = 8,
                       .column_step = 1,
                       .pitch = 8,
                       .type = RT_E4M3,
                       .scale_width = 8,
                       .block_rows = 1,
                       .block_columns = 1,
                       .scale_stride = 8};
    WeightPiece piece = {&r, f->file, f->scale_file, "elements", "scales"};
    r.offset = FILE_BYTES - 7;
    assert_int_equal(rt_weight_read(&reader, &piece), RT_DATA);
    assert_non_null(strstr(f->rank->area->message, "checkpoint file elements: ends at byte 6000"));
    r.offset = 0;
    r.scale_offset = SCALE_BYTES - 4;
    *f->rank->area->message = 0;
    assert_int_not_equal(rt_weight_read(&reader, &piece), RT_OK);
    rt_weight_reader_free(&reader);
}

enum { READERS = 3, GIVEN = 64, GIVEN_BYTES = SLAB / GIVEN };

/* Give pieces of GIVEN_BYTES to readers, a part of the slab each, of which piece `short_of` lies behind its file's end
 * (-1: none does). */
static rt_status read_beside(Fixture *f, int count, int short_of) {
    static rt_map_record records[GIVEN];
    WeightReaders *readers = rt_weight_readers_create(f->rank, count);
    rt_status status = RT_OK;
    assert_non_null(readers);
    for (int i = 0; i < GIVEN && status == RT_OK; ++i) {
        records[i] = (rt_map_record){.offset = i == short_of ? FILE_BYTES - 4 : (uint64_t)i * 64,
                                     .rows = 1,
                                     .columns = GIVEN_BYTES / 4,
                                     .row_step = GIVEN_BYTES / 4,
                                     .column_step = 1,
                                     .slab = (uint64_t)i * GIVEN_BYTES,
                                     .pitch = GIVEN_BYTES / 4};
        WeightPiece piece = {&records[i], f->file, -1, "elements", NULL};
        status = rt_weight_readers_give(readers, &piece);
    }
    if (status == RT_OK)
        status = rt_weight_readers_end(readers);
    rt_weight_readers_free(readers);
    return status;
}

static void test_beside(void **state) {
    Fixture *f = *state;
    for (int count = 1; count <= READERS; count += READERS - 1) {
        memset(f->rank->slab, 0, SLAB);
        assert_int_equal(read_beside(f, count, -1), RT_OK);
        for (int i = 0; i < GIVEN; ++i)
            assert_memory_equal(f->rank->slab + i * GIVEN_BYTES, f->elements + i * 64, GIVEN_BYTES);
    }
    assert_int_equal(read_beside(f, READERS, GIVEN / 2), RT_DATA);
    assert_non_null(strstr(f->rank->area->message, "checkpoint file elements: ends at byte 6000"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shorter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_beside, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
