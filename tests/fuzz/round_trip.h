/* round_trip: what was read is written, read again and equal. */
#pragma once

#include "fuzz.h"

#include "base/schema.h"

static inline void round_trip(Arena *arena, const Schema *schema, const void *value) {
    Buf text = {0}, differences = {0};
    Diag diag = {.arena = arena};
    Jsonw json;
    YamlNode *root;
    void *again = arena_alloc(arena, schema->size);
    jsonw_begin(&json, &text);
    schema_write(schema, value, &json);
    jsonw_finish(&json);
    fuzz_expect(yaml_parse(arena, "again", text.data, text.length, yaml_plan_limits, &root,
                           &diag) == STATUS_OK &&
                    schema_read(schema, root, again, arena, &diag) == STATUS_OK,
                "what is written can be read");
    fuzz_expect(schema_diff(schema, value, again, &differences) == 0, "it reads back equal");
    buf_free(&text);
    buf_free(&differences);
}
