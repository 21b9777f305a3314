/* json_mutate: changes a JSON text as a tree, so that what comes out is JSON again and gets past the parser: numbers
 * at their edges, values dropped, doubled, copied over others, put under other keys. Everything follows from the
 * seed. It knows no schema. */
#include "fuzz.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

enum {
    EDITS = 2,
    BYTES_IN = 32, /* one mutation in so many is of bytes */
    WILD_IN = 16,  /* one edit in so many likely breaks the schema */
    TRIES = 32,    /* to find a value like another */
};

typedef struct Random {
    uint64_t state;
} Random;

static uint64_t below(Random *random, uint64_t limit) {
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % limit;
}

/* Where a value stands. */
typedef struct Spot {
    json_t *parent;
    const char *key; /* of an object; NULL: item `index` of an array */
    size_t index;
    json_t *value;
} Spot;

/* One of all values below `root`, each as likely. */
static void pick(json_t *root, Random *random, uint64_t *seen, Spot *spot) {
    size_t index;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        if (below(random, ++*seen) == 0)
            *spot = (Spot){.parent = root, .key = key, .value = value};
        pick(value, random, seen, spot);
    }
    json_array_foreach(root, index, value) {
        if (below(random, ++*seen) == 0)
            *spot = (Spot){.parent = root, .index = index, .value = value};
        pick(value, random, seen, spot);
    }
}

static void put(const Spot *spot, json_t *value) {
    if (spot->key)
        json_object_set_new(spot->parent, spot->key, value);
    else
        json_array_set_new(spot->parent, spot->index, value);
}

static json_t *number(const json_t *old, Random *random) {
    static const json_int_t edges[] = {0,
                                       1,
                                       -1,
                                       2,
                                       3,
                                       7,
                                       127,
                                       255,
                                       65535,
                                       65536,
                                       1 << 24,
                                       (1 << 30) - 1,
                                       1 << 30,
                                       INT32_MAX,
                                       (json_int_t)1 << 31,
                                       (json_int_t)1 << 32,
                                       (json_int_t)1 << 53,
                                       INT64_MAX,
                                       INT64_MIN};
    static const double reals[] = {0.5, -0.0, 1e-300, 1e300, 1e18, 4.9e-324, 1.7e308};
    json_int_t value = json_is_integer(old) ? json_integer_value(old) : 1;
    switch (below(random, WILD_IN)) {
    case 0:
        return json_integer(edges[below(random, sizeof edges / sizeof *edges)]);
    case 1:
        return json_real(reals[below(random, sizeof reals / sizeof *reals)]);
    case 2:
        return json_integer((json_int_t)((uint64_t)value * 2));
    case 3:
    case 4:
    case 5:
        return json_integer((json_int_t)below(random, 16));
    default:
        return json_integer(below(random, 2) ? value + (value < INT64_MAX)
                                             : value - (value > INT64_MIN));
    }
}

static json_t *text(const json_t *old, Random *random) {
    static const char *const texts[] = {
        "",      "0",        "-1",     "1e9",          "*/",       "${x}",
        "%s%n",  "../..",    "\"\\\n", "\xe2\x80\xae", "\xc2\x9b", "a b",
        "80 GB", "200 Gb/s", "5 us",   "9e30 TFLOP/s", "0 B/s",    "prefill",
        "decode"};
    const char *value = json_string_value(old);
    if (value && *value && below(random, 2))
        return json_stringn_nocheck(value, strlen(value) - 1);
    return json_string(texts[below(random, sizeof texts / sizeof *texts)]);
}

static json_t *another(const json_t *old, Random *random) {
    switch (below(random, 6)) {
    case 0:
        return number(old, random);
    case 1:
        return text(old, random);
    case 2:
        return json_array();
    case 3:
        return json_object();
    case 4:
        return json_null();
    default:
        return json_boolean(!json_is_true(old));
    }
}

/* Values of one kind, that stand under one key or in arrays. */
static bool alike(const Spot *a, const Spot *b) {
    return json_typeof(a->value) == json_typeof(b->value) && !a->key == !b->key &&
           (!a->key || strcmp(a->key, b->key) == 0);
}

/* The value is replaced by a copy of one like it, so that no tree contains itself. */
static void copy_like(json_t *root, const Spot *to, Random *random) {
    for (int i = 0; i < TRIES; ++i) {
        Spot from = {0};
        uint64_t seen = 0;
        pick(root, random, &seen, &from);
        if (from.value != to->value && alike(to, &from)) {
            put(to, json_deep_copy(from.value));
            return;
        }
    }
}

static void edit_item(const Spot *at, Random *random) {
    size_t count = json_array_size(at->parent), other = below(random, count);
    json_t *value = json_incref(at->value);
    switch (below(random, 3)) {
    case 0:
        json_array_remove(at->parent, at->index);
        break;
    case 1:
        json_array_insert_new(at->parent, at->index, json_deep_copy(value));
        break;
    default: /* to another place */
        json_array_remove(at->parent, at->index);
        json_array_insert(at->parent, other, value);
        break;
    }
    json_decref(value);
}

static void edit_wildly(const Spot *at, Random *random) {
    if (at->key && below(random, 2))
        json_object_del(at->parent, at->key);
    else if (at->key && below(random, 2))
        json_object_set_new(at->parent, "name", json_deep_copy(at->value));
    else
        put(at, another(at->value, random));
}

static void edit(json_t *root, Random *random) {
    Spot at = {0};
    uint64_t seen = 0;
    pick(root, random, &seen, &at);
    if (!at.parent)
        return;
    if (below(random, WILD_IN) == 0)
        edit_wildly(&at, random);
    else if (!at.key && below(random, 2))
        edit_item(&at, random);
    else if (below(random, 3) == 0)
        copy_like(root, &at, random);
    else if (json_is_number(at.value))
        put(&at, number(at.value, random));
    else if (json_is_string(at.value))
        put(&at, text(at.value, random));
    else if (json_is_boolean(at.value))
        put(&at, json_boolean(!json_is_true(at.value)));
}

static uint64_t made; /* hash of what was made last */

uint64_t fuzz_hash(const void *data, size_t size) {
    const unsigned char *bytes = data;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; ++i)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

int fuzz_is_json(const uint8_t *data, size_t size) {
    if (made && fuzz_hash(data, size) == made)
        return 1;
    json_t *root = json_loadb((const char *)data, size, 0, NULL);
    int good = root != NULL;
    json_decref(root);
    return good;
}

size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t most, unsigned seed) {
    Random random = {seed};
    json_t *root = below(&random, BYTES_IN)
                       ? json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL)
                       : NULL;
    if (!root)
        return LLVMFuzzerMutate(data, size, most);
    for (uint64_t edits = 1 + below(&random, EDITS); edits; --edits)
        edit(root, &random);
    size_t length = json_dumpb(root, (char *)data, most, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(root);
    if (!length || length > most)
        return LLVMFuzzerMutate(data, size, most);
    made = fuzz_hash(data, length);
    return length;
}
