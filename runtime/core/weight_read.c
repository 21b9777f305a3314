/* weight_read: one piece of a weight, from a checkpoint's file into the slab. It is read in lines: rows, or columns of a
 * matrix that is stored the other way round; lines that follow each other without a gap together, long ones in parts.
 * The map is the user's: no sum here is made that rt_weight_fits did not find within bounds. */
#include "core/weight_read.h"
#include "core/backend.h"

#include "core/progress.h"
#include "core/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 /* bytes read at a time */ };

/* --- where elements stand --------------------------------------------------------------------- */

static bool is_scaled(const rt_map_record *r) {
    return r->type >= RT_E4M3;
}

/* Its columns are what stands together in the file, but for vectors: there rows do. */
static bool is_across(const rt_map_record *r) {
    return r->row_step == 1 && (r->column_step != 1 || r->columns == 1);
}

/* Elements between the first of a row and that of the piece's first row. */
static uint64_t row_at(const rt_map_record *r, uint64_t row) {
    if (!r->group)
        return row * r->row_step;
    uint64_t counted = row + r->group_skip;
    return counted / r->group * r->group_step + counted % r->group * r->row_step -
           r->group_skip * r->row_step;
}

static uint64_t line_at(const rt_map_record *r, bool across, uint64_t line) {
    return across ? line * r->column_step : row_at(r, line);
}

static uint64_t inner_at(const rt_map_record *r, bool across, uint64_t element) {
    return across ? row_at(r, element) : element;
}

/* Elements up to the end of the last; false: more than 63 bits can count. */
static bool rows_extent(const rt_map_record *r, uint64_t *extent) {
    uint64_t last = r->rows - 1, whole, part = 0;
    if (r->group) {
        if (__builtin_add_overflow(last, r->group_skip, &last) ||
            __builtin_mul_overflow(last % r->group, r->row_step, &part) ||
            __builtin_mul_overflow(last / r->group, r->group_step, &whole))
            return false;
    } else if (__builtin_mul_overflow(last, r->row_step, &whole)) {
        return false;
    }
    if (__builtin_add_overflow(whole, part, extent) || *extent >= INT64_MAX)
        return false;
    *extent += 1; /* too large by the rows of the first group that come before: never too small */
    return true;
}

static bool groups_good(const rt_map_record *r) {
    uint64_t rows;
    if (!r->group)
        return r->group_skip == 0 && r->group_step == 0;
    return r->group_skip < r->group && !__builtin_mul_overflow(r->group, r->row_step, &rows) &&
           r->group_step >= rows;
}

/* Bytes from `first` to the end of `elements`; false: they do not fit 63 bits. */
static bool end_of(uint64_t first, uint64_t elements, uint64_t size, uint64_t *end) {
    uint64_t bytes;
    return !__builtin_mul_overflow(elements, size, &bytes) &&
           !__builtin_add_overflow(first, bytes, end) && *end <= INT64_MAX;
}

/* Rows of blocks that the piece's elements lie in: the first, and how many scales those have. */
static uint64_t scale_rows(const rt_map_record *r, uint64_t extent, uint64_t *first) {
    *first = r->scale_origin / r->scale_width / r->block_rows;
    return (r->scale_origin + extent - 1) / r->scale_width / r->block_rows - *first + 1;
}

static bool scales_fit(const rt_map_record *r, uint64_t extent, uint64_t file_bytes) {
    uint64_t last, first, rows, scales, end = 0;
    if (!is_scaled(r))
        return r->scale_width == 0;
    if (r->scale_width == 0 || r->block_rows == 0 || r->block_columns == 0 ||
        r->scale_type > RT_F16 || (r->scale_width - 1) / r->block_columns >= r->scale_stride ||
        __builtin_add_overflow(r->scale_origin, extent, &last) || last > INT64_MAX)
        return false;
    rows = scale_rows(r, extent, &first);
    return !__builtin_mul_overflow(first + rows, r->scale_stride, &scales) &&
           end_of(r->scale_offset, scales, (uint64_t)rt_type_bytes((int)r->scale_type), &end) &&
           end <= file_bytes;
}

/* The last element of a piece, exact: rows_extent is not, and a file may end with the piece. */
static uint64_t extent_of(const rt_map_record *r) {
    return row_at(r, r->rows - 1) + (r->columns - 1) * r->column_step + 1;
}

bool rt_weight_fits(const rt_map_record *r, uint64_t file_bytes, uint64_t scale_file_bytes) {
    uint64_t rows, columns, extent, end = 0;
    if (r->rows == 0 || r->columns == 0 || (r->row_step != 1 && r->column_step != 1) ||
        r->row_step == 0 || r->column_step == 0 || !groups_good(r) || !rows_extent(r, &rows) ||
        __builtin_mul_overflow(r->columns - 1, r->column_step, &columns) ||
        __builtin_add_overflow(rows, columns, &extent) || extent > INT64_MAX)
        return false;
    if (is_across(r) ? r->columns > 1 && r->column_step < row_at(r, r->rows - 1) + 1
                     : r->rows > 1 && r->row_step < r->columns)
        return false; /* lines that overlap */
    extent = extent_of(r);
    return end_of(r->offset, extent, (uint64_t)rt_type_bytes((int)r->type), &end) &&
           end <= file_bytes && scales_fit(r, extent, scale_file_bytes);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static float number(const WeightReader *reader, const char *from, uint32_t type) {
    uint16_t half;
    float value;
    if (type >= RT_E4M3)
        return reader->numbers[*(const uint8_t *)from];
    if (type == RT_F32) {
        memcpy(&value, from, sizeof value);
        return value;
    }
    memcpy(&half, from, sizeof half);
    return type == RT_BF16 ? rt_from_bf16(half) : rt_from_f16(half);
}

/* `count` elements that stand `step` bytes apart, times `scale`, to neighbours in the slab. */
static void convert(const WeightReader *reader, const rt_map_record *r, char *to, const char *from,
                    uint64_t step, uint64_t count, float scale) {
    if (r->type == r->slab_type && step == (uint64_t)rt_type_bytes((int)r->type)) {
        memcpy(to, from, count * step);
        return;
    }
    for (uint64_t i = 0; i < count; ++i) {
        float value = number(reader, from + i * step, r->type) * scale;
        if (r->slab_type == RT_F32)
            ((float *)to)[i] = value;
        else
            ((uint16_t *)to)[i] = r->slab_type == RT_BF16 ? rt_to_bf16(value) : rt_to_f16(value);
    }
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The same for elements that follow each other in the file, whose scales may differ: `at` elements after the piece's
 * first. */
static void convert_run(const WeightReader *reader, const rt_map_record *r, char *to,
                        const char *from, uint64_t at, uint64_t count) {
    uint64_t size = (uint64_t)rt_type_bytes((int)r->type);
    uint64_t slab_size = (uint64_t)rt_type_bytes((int)r->slab_type);
    if (!is_scaled(r)) {
        convert(reader, r, to, from, size, count, 1.0f);
        return;
    }
    uint64_t first = r->scale_origin / r->scale_width / r->block_rows;
    for (uint64_t done = 0; done < count;) {
        uint64_t element = r->scale_origin + at + done;
        uint64_t row = element / r->scale_width, column = element % r->scale_width;
        uint64_t alike =
            least(r->block_columns - column % r->block_columns, r->scale_width - column);
        uint64_t some = least(count - done, alike);
        float scale = reader->scales[(row / r->block_rows - first) * r->scale_stride +
                                     column / r->block_columns];
        convert(reader, r, to + done * slab_size, from + done * size, size, some, scale);
        done += some;
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static rt_status read_exact(const WeightReader *reader, int file, const char *name, char *to,
                            uint64_t offset, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(file, to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return rt_fail(reader->rank, RT_DATA, "checkpoint file %s: %s at byte %llu", name,
                           got < 0 ? strerror(errno) : "ends", (unsigned long long)(offset + done));
        done += (size_t)got;
    }
    return RT_OK;
}

static rt_status read_scales(WeightReader *reader, const WeightPiece *piece) {
    const rt_map_record *r = piece->record;
    uint64_t first, size = (uint64_t)rt_type_bytes((int)r->scale_type);
    uint64_t count = scale_rows(r, extent_of(r), &first) * r->scale_stride;
    if (count > reader->scale_room) {
        free(reader->scales);
        reader->scales = malloc(count * sizeof *reader->scales);
        reader->scale_room = reader->scales ? count : 0;
        if (!reader->scales)
            return rt_fail(reader->rank, RT_UNAVAILABLE, "no memory for %llu scales",
                           (unsigned long long)count);
    }
    for (uint64_t done = 0; done < count;) {
        uint64_t some = least(count - done, BLOCK / size);
        RT_TRY(read_exact(reader, piece->scale_file, piece->scale_name, reader->block,
                          r->scale_offset + (first * r->scale_stride + done) * size,
                          (size_t)(some * size)));
        for (uint64_t i = 0; i < some; ++i)
            reader->scales[done + i] = number(reader, reader->block + i * size, r->scale_type);
        done += some;
    }
    return RT_OK;
}

static void know_numbers(WeightReader *reader, uint32_t type) {
    if (reader->type == type)
        return;
    for (int bits = 0; bits < 256; ++bits)
        reader->numbers[bits] =
            type == RT_E4M3 ? rt_from_e4m3((uint8_t)bits) : rt_from_e5m2((uint8_t)bits);
    reader->type = type;
}

/* What lies in the block: of `lines` lines from `line` on, `count` elements from `from` on each; `pitch` elements between
 * lines. */
typedef struct Held {
    uint64_t line, lines, from, count, pitch;
} Held;

static rt_status store(const WeightReader *reader, const rt_map_record *r, const Held *held) {
    uint64_t size = (uint64_t)rt_type_bytes((int)r->type);
    uint64_t slab_size = (uint64_t)rt_type_bytes((int)r->slab_type), pitch = r->pitch * slab_size;
    bool across = is_across(r);
    uint64_t row = across ? held->from : held->line, column = across ? held->line : held->from;
    rt_stage stage = {.offset = (int64_t)(r->slab + row * pitch + column * slab_size),
                      .rows = (int64_t)(across ? held->count : held->lines),
                      .width = (int64_t)((across ? held->lines : held->count) * slab_size),
                      .pitch = (int64_t)pitch};
    RT_TRY(rt_backend_stage(reader->rank, &stage));
    for (uint64_t j = 0; !across && j < held->lines; ++j)
        convert_run(reader, r, stage.host + j * pitch, reader->block + j * held->pitch * size,
                    row_at(r, held->line + j) + held->from, held->count);
    uint64_t begin = across ? row_at(r, held->from) : 0;
    for (uint64_t i = 0; across && i < held->count; ++i) {
        uint64_t inner = row_at(r, held->from + i);
        char *to = stage.host + i * pitch;
        const char *from = reader->block + (inner - begin) * size;
        if (!is_scaled(r)) {
            convert(reader, r, to, from, held->pitch * size, held->lines, 1.0f);
            continue;
        }
        for (uint64_t j = 0; j < held->lines; ++j)
            convert_run(reader, r, to + j * slab_size, from + j * held->pitch * size,
                        (held->line + j) * r->column_step + inner, 1);
    }
    return rt_backend_store(reader->rank, &stage);
}

/* Lines from `line` on that are read at once: those that follow each other without a gap, as far as there is room. */
static uint64_t lines_together(const rt_map_record *r, bool across, uint64_t line, uint64_t extent,
                               uint64_t room) {
    uint64_t left = (across ? r->columns : r->rows) - line;
    if ((across ? r->column_step : r->row_step) != extent || extent > room)
        return 1;
    if (!across && r->group)
        left = least(left, r->group - (line + r->group_skip) % r->group);
    return least(left, room / extent);
}

/* Elements of a line from `from` on that one block has room for. */
static uint64_t elements_together(const rt_map_record *r, bool across, uint64_t from,
                                  uint64_t length, uint64_t room) {
    if (!across || !r->group)
        return least(length - from, room);
    uint64_t count = 1;
    while (from + count < length && row_at(r, from + count) - row_at(r, from) < room)
        count++;
    return count;
}

static rt_status still_wanted(const WeightReader *reader) {
    if (!reader->beside)
        return rt_wait_check(reader->rank);
    atomic_fetch_add_explicit(&reader->rank->area->progress, 1, memory_order_relaxed);
    return rt_segment_failed(reader->rank->segment) ? RT_ABORTED : RT_OK;
}

static rt_status read_lines(WeightReader *reader, const WeightPiece *piece) {
    const rt_map_record *r = piece->record;
    bool across = is_across(r);
    uint64_t size = (uint64_t)rt_type_bytes((int)r->type), room = BLOCK / size;
    uint64_t lines = across ? r->columns : r->rows, length = across ? r->rows : r->columns;
    uint64_t extent = inner_at(r, across, length - 1) + 1;
    for (uint64_t line = 0; line < lines;) {
        Held held = {
            .line = line, .lines = lines_together(r, across, line, extent, room), .pitch = extent};
        for (; held.from < length; held.from += held.count) {
            held.count = elements_together(r, across, held.from, length, room);
            uint64_t begin = inner_at(r, across, held.from);
            uint64_t span = inner_at(r, across, held.from + held.count - 1) - begin + 1;
            RT_TRY(read_exact(reader, piece->file, piece->name, reader->block,
                              r->offset + (line_at(r, across, line) + begin) * size,
                              (size_t)(((held.lines - 1) * extent + span) * size)));
            RT_TRY(store(reader, r, &held));
        }
        line += held.lines;
        RT_TRY(still_wanted(reader));
    }
    return RT_OK;
}

rt_status rt_weight_read(WeightReader *reader, const WeightPiece *piece) {
    const rt_map_record *r = piece->record;
    if (!reader->block && !(reader->block = malloc(BLOCK)))
        return rt_fail(reader->rank, RT_UNAVAILABLE, "no memory to read weights");
    if (is_scaled(r)) {
        know_numbers(reader, r->type);
        RT_TRY(read_scales(reader, piece));
    }
    return read_lines(reader, piece);
}

void rt_weight_reader_free(WeightReader *reader) {
    free(reader->block);
    free(reader->scales);
    *reader = (WeightReader){0};
}
