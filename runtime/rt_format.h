/* rt_format: what gen and an emitted program must agree upon to the bit: the counter-based random
 * generator of weights, and the layout of the files that cross between them. The one header that both
 * sides include; plain C11, no dependency, little-endian only. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Toposmith files are little-endian, and so must be the machine"
#endif

#define RT_ABI_VERSION 4

typedef enum rt_type {
    RT_F32 = 0,
    RT_BF16 = 1,
    RT_F16 = 2,
    RT_I32 = 3,
    RT_I64 = 4,
    RT_F64 = 5,
    RT_E4M3 = 6, /* 8 bits: in checkpoints only */
    RT_E5M2 = 7
} rt_type;

static inline int64_t rt_type_bytes(int type) {
    static const int64_t bytes[] = {4, 2, 2, 4, 8, 8, 1, 1};
    return bytes[type];
}

/* --- element conversions ------------------------------------------------------------------------- */

static inline float rt_from_bf16(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/* Round to nearest even; NaN stays NaN. */
static inline uint16_t rt_to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float rt_from_f16(uint16_t value) {
    uint32_t sign = (uint32_t)(value & 0x8000u) << 16, exponent = (value >> 10) & 31u;
    uint32_t fraction = value & 0x3ffu, bits;
    float result;
    if (exponent == 31u) {
        bits = sign | 0x7f800000u | (fraction << 13);
    } else if (exponent == 0u) { /* subnormal: fraction x 2^-24, exact in float */
        result = (float)fraction * 0x1p-24f;
        return sign ? -result : result;
    } else {
        bits = sign | ((exponent + 112u) << 23) | (fraction << 13);
    }
    memcpy(&result, &bits, sizeof result);
    return result;
}

/* Round to nearest even; overflow goes to infinity. */
static inline uint16_t rt_to_f16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x47800000u) /* 65536 and above */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude <
        0x38800000u) { /* below 2^-14: adding 0.5 leaves the rounded fraction in place */
        float shifted;
        memcpy(&shifted, &magnitude, sizeof shifted);
        shifted += 0.5f;
        memcpy(&bits, &shifted, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    magnitude += 0xc8000fffu + ((magnitude >> 13) & 1u); /* rebias by -112, round */
    return (uint16_t)(sign | (magnitude >> 13));
}

/* 4 bits of exponent and 3 of fraction, without infinities (the form of "FP8 Formats for Deep Learning", Micikevicius
 * et al., 2022): all ones below the sign are NaN, the largest number is 448. */
static inline float rt_from_e4m3(uint8_t value) {
    uint32_t sign = (uint32_t)(value & 0x80u) << 24, exponent = (value >> 3) & 15u;
    uint32_t fraction = value & 7u, bits;
    float result;
    if ((value & 0x7fu) == 0x7fu) {
        bits = sign | 0x7fc00000u;
    } else if (exponent == 0u) { /* subnormal: fraction x 2^-9 */
        result = (float)fraction * 0x1p-9f;
        return sign ? -result : result;
    } else {
        bits = sign | ((exponent + 120u) << 23) | (fraction << 20);
    }
    memcpy(&result, &bits, sizeof result);
    return result;
}

/* The upper half of an f16. */
static inline float rt_from_e5m2(uint8_t value) {
    return rt_from_f16((uint16_t)(value << 8));
}

/* --- random weights ------------------------------------------------------------------------------ */

/* Key of a tensor: 64-bit FNV-1a of its name, mixed with a seed. Every placement sees the same model
 * because an element depends on its tensor's name and its flat index there, and on nothing else. */
static inline uint64_t rt_random_key(const char *name, uint64_t seed) {
    uint64_t hash = UINT64_C(14695981039346656037) ^ seed;
    for (; *name; ++name)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

/* The index-th 64 random bits under a key: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as a counter. */
static inline uint64_t rt_random_bits(uint64_t key, uint64_t index) {
    uint64_t z = key + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [0, 1), 24 bits, exact in float. */
static inline float rt_random_uniform(uint64_t key, uint64_t index) {
    return (float)(rt_random_bits(key, index) >> 40) * 0x1p-24f;
}

/* Weight: uniform in +-sqrt(3) x range, whose standard deviation is `range`. */
static inline float rt_random_weight(uint64_t key, uint64_t index, float range) {
    return (2.0f * rt_random_uniform(key, index) - 1.0f) * 1.7320508f * range;
}

/* Operations that a rank records in a run, for its time line; later ones are counted and dropped. */
enum { RT_TRACE_EVENTS = 1 << 18 };

/* --- array files: named arrays, for tokens in and results out ---------------------------------------
 * rt_array_header, then for each array an rt_array_entry and its data, padded to 64 bytes. */

#define RT_ARRAY_MAGIC "RTARRAY"

typedef struct rt_array_header {
    char magic[8];    /* RT_ARRAY_MAGIC */
    uint32_t version; /* 1 */
    uint32_t arrays;  /* entries that follow */
    char digest[16];  /* plan digest that the file belongs to, zeros: any */
    char reserved[32];
} rt_array_header; /* 64 bytes */

typedef struct rt_array_entry {
    char name[24];     /* NUL-terminated */
    uint32_t type;     /* rt_type */
    uint32_t dims;     /* 1..3 */
    uint64_t shape[3]; /* unused ones are 1 */
    uint64_t bytes;    /* of the data that follows, without padding */
} rt_array_entry;      /* 64 bytes */

/* Arrays by name.
 * tokens in:  lengths i32 [sequences], ids i32 [sequences][longest], max_new i32 [1]; perhaps stop i32 [ids]: tokens
 *             that end a sequence; perhaps choice f64 [3] (temperature, top_k, top_p) and seed i64 [1]
 * results:    tokens i32 [sequences][max_new], -1 past a sequence's end; steps i64 [2] (prefill, decode steps run);
 *             operations i64 [ranks][kinds]; bytes i64 [ranks from][ranks to] of moves;
 *             weights i64 [ranks] resident weight bytes;
 *             prefill_s f64 [waves], decode_s f64 [decode steps];
 *             busy_s f64 [ranks][kinds], wait_s f64 [ranks][kinds]
 * expected:   tokens in and: tokens, operations, bytes, weights as above, logits f32
 *             [sequences][longest][vocabulary] (NaN past a sequence's end), tolerance f64 [1].
 *             Where rounding may decide (16-bit types) it is not compared: tokens -1, bytes -1, logits NaN
 * figures in (emulate): what operations and moves are predicted to take, see docs/runtime.md.
 *             scale f64 [steps] seconds of this host for a predicted one;
 *             op_first i64 [ranks + 1] operation o of rank r is entry op_first[r] + o of
 *             op_s f64 [entries] seconds, and op_move i32 [entries] its move, -1: none;
 *             fixed_s f64 [moves] before its bytes flow, and move_s f64 [moves] while they do where nothing
 *             else is under way, each use_share f64 of resource use_resource i32 (a link's or NIC's
 *             direction), entries move_first i32 [moves + 1] of these; resources i64 [1]
 * emulation (out): times are seconds of the cluster: measured ones / scale.
 *             run_step i32, run_scale f64, run_s f64, run_late_s f64 [runs] which step, how long it took, and
 *             how long after its due time the latest operation ended;
 *             event_run i32, event_rank i32, event_op i32, event_layer i32, event_begin_s f64,
 *             event_end_s f64 [events] one operation each, from the begin of its run */

/* --- streams of new tokens: rt_stream_header, then rt_stream_record as tokens are made ------------------ */

#define RT_STREAM_MAGIC "RTSTREAM"

typedef struct rt_stream_header {
    char magic[8];    /* RT_STREAM_MAGIC, without its NUL */
    uint32_t version; /* 1 */
    uint32_t record_bytes;
    int64_t sequences, max_new;
    char digest[16]; /* of the plan */
    char reserved[16];
} rt_stream_header; /* 64 bytes */

typedef struct rt_stream_record {
    int32_t sequence, index; /* index: among the new tokens of the sequence */
    int32_t token;
    int32_t last; /* 1: the sequence has no more */
} rt_stream_record;

/* --- weights.map: where each slice of each rank stands in a checkpoint ------------------------------
 * rt_map_header, rt_map_file x files, rt_map_record x records sorted by rank, names (NUL-terminated). */

#define RT_MAP_MAGIC "RTWMAP"
enum { RT_MAP_VERSION = 2 };

typedef struct rt_map_header {
    char magic[8];
    uint32_t version; /* RT_MAP_VERSION */
    uint32_t files;
    uint64_t records;
    uint64_t name_bytes;
    char digest[16]; /* of the plan */
    char reserved[16];
} rt_map_header; /* 64 bytes */

typedef struct rt_map_file {
    uint64_t name;    /* offset into the names: path of the file, absolute or relative to the map */
    uint64_t size;    /* bytes; another size now means the checkpoint changed */
    int64_t mtime_ns; /* modification time when the map was made */
} rt_map_file;

/* One piece: rows x columns elements, converted from `type` to `slab_type`. In the file they stand row_step and
 * column_step elements apart, one of which is 1; in the slab rows stand `pitch` apart. Where `group` is not 0, rows stand
 * so only within groups of so many, which begin group_step elements apart, and the first row is preceded by group_skip
 * rows in its group.
 * Elements of 8 bits are multiplied by scales. Their matrix has scale_width elements in a row, scale_origin of them before
 * the piece's first; one scale belongs to block_rows x block_columns of it, and scale_stride scales to a row of blocks.
 * Other pieces have zeros there. */
typedef struct rt_map_record {
    uint32_t rank, file;
    uint64_t offset; /* bytes in the file of the first element */
    uint64_t rows, columns, row_step, column_step;
    uint64_t group, group_skip, group_step;
    uint64_t slab; /* bytes in the slab of the first element */
    uint64_t pitch;
    uint32_t type, slab_type;
    uint32_t scale_file, scale_type; /* RT_F32, RT_BF16 or RT_F16 */
    uint64_t scale_offset;           /* bytes in the file of the matrix's first scale */
    uint64_t scale_origin, scale_width;
    uint64_t block_rows, block_columns, scale_stride;
} rt_map_record; /* 152 bytes */

/* --- records: the calls that a rank made, and the tables that it had ---------------------------------
 * One file a rank: rt_record_header, then entries up to `bytes`: an rt_record_entry and its 64-bit words.
 * What a rank writes stays there however it ends: `bytes` is raised after each whole entry. */

#define RT_RECORD_MAGIC "RTCALLS"
enum { RT_RECORD_VERSION = 1, RT_RECORD_WORDS = 1 << 20 /* the most of an entry */ };

typedef struct rt_record_header {
    char magic[8];
    uint32_t version;
    int32_t status;  /* rt_status of the rank's end; RT_RECORD_RUNNING: it did not come to one */
    char digest[16]; /* plan digest */
    uint64_t bytes;  /* of the file that count */
    uint64_t run;    /* drawn by chance: equal for the ranks of one run */
    int32_t rank, world, role, index, node, gpu;
    int32_t emulated; /* 1: every step `waves` times, one after the other */
    int32_t decode;   /* decode steps of a wave */
    int64_t waves;    /* each a prefill step, then decode steps */
    int64_t slab_bytes;
    int64_t zero_offset, zero_bytes; /* state that each wave clears */
    char schedule[16];               /* digest of schedule.json */
} rt_record_header;                  /* 128 bytes */

enum { RT_RECORD_RUNNING = -1 };

typedef struct rt_record_entry {
    uint32_t tag; /* rt_record_tag */
    uint32_t words;
} rt_record_entry;

/* Words by tag. Texts are numbered in their order from 0; elsewhere `text` is such a number. An entry names
 * only what stands before it. The tables come first, and only those parts of them that concern this rank. */
typedef enum rt_record_tag {
    RT_RECORD_TEXT = 1, /* bytes, then the bytes, zeros after them up to a whole word */
    RT_RECORD_PROGRAM, /* text name, text role, batch, prompt, context, vocabulary, copies, element type */
    RT_RECORD_KIND,   /* text: operation kinds from 0 */
    RT_RECORD_KERNEL, /* kind, int64 arguments, int32 arguments after them: kernels from 0 */
    RT_RECORD_STEP,   /* text, decode, tokens: steps from 0 */
    RT_RECORD_OP, /* kind, text kind, text part, micro-batch, stream, records, waits...: from 0 */
    RT_RECORD_CHANNEL, /* channel, text, pieces, members, transfers, ranks..., {begin, end} owned by
                           each unless there are transfers or it owns nothing, {from, to, begin, end, sum}... */
    RT_RECORD_EXCHANGE, /* exchange, text, exact, chunk, in flight, top_k, row bytes, meta bytes, sources,
                           targets, hops there, hops back, {rank, rows}..., {rank, slots}... */
    RT_RECORD_HOP, /* exchange, back, index, stage, from, to, source, target: that begin or end here */
    RT_RECORD_WEIGHT, /* text, first layer, end, expert, rows and columns of the tensor, row begin, end,
                         column begin, end, offset, bytes between layers, pitch, type, fill */
    RT_RECORD_TABLE, /* text, first index, numbers...: tables of kernels, in pieces if they are long */
    RT_RECORD_RUN, /* step, wave, decode step of it from 1; the calls that follow are of this run */
    RT_RECORD_CALL, /* rt_call, operation, layer, channel, exchange, kernel (-1: none), arguments... */
    RT_RECORD_TAGS
} rt_record_tag;

typedef enum rt_call {
    RT_CALL_LAUNCH,
    RT_CALL_ALL_REDUCE,
    RT_CALL_REDUCE_SCATTER,
    RT_CALL_ALL_GATHER,
    RT_CALL_TRANSFER,
    RT_CALL_SEND,
    RT_CALL_RECV,
    RT_CALL_DISPATCH,
    RT_CALL_COMBINE,
    RT_CALL_BEGIN,
    RT_CALL_FINISH,
    RT_CALLS
} rt_call;
