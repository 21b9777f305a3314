/* yaml: see yaml.h. The tree lies in the caller's arena; libyaml's parser and events are freed
 * here. This module types nothing: a scalar is its text. */
#include "base/yaml.h"

#include "base/fs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 32, SCALAR_MAX = 64 << 10 };

const YamlLimits yaml_config_limits = {1 << 20, 100000};
const YamlLimits yaml_plan_limits = {64 << 20, 4000000};

typedef struct Reader {
    yaml_parser_t parser;
    Arena *arena;
    Diag *diag;
    const DiagSource *source;
    YamlLimits limits;
    int64_t nodes;
} Reader;

static DiagPlace place_of(const Reader *reader, yaml_mark_t start, yaml_mark_t end) {
    DiagPlace place = {.source = reader->source, .width = 1};
    place.line = (int64_t)start.line + 1;
    place.column = (int64_t)start.column + 1;
    if (end.line == start.line && end.column > start.column)
        place.width = (int64_t)(end.column - start.column);
    return place;
}

/* Whether nothing but blanks follows the character with this index. */
static bool at_end(const char *text, size_t index) {
    for (; *text; text++) {
        if (((unsigned char)*text & 0xC0) != 0x80 && index-- == 0)
            return text[strspn(text, " \t\r\n")] == '\0';
    }
    return true;
}

/* libyaml's own words are kept, with a cure for the mistakes that people make most. */
static const char *cure_for(const char *problem, bool end) {
    if (strstr(problem, "cannot start any token") || strstr(problem, "tab character"))
        return "indent with spaces, not tabs, and quote texts that begin with a special character";
    if (strstr(problem, "mapping values are not allowed"))
        return "write one key a line, aligned with its neighbours; quote a text that holds \": \"";
    if (end && strstr(problem, "did not find expected"))
        return "the file seems to be cut off, or a bracket is not closed";
    if (strstr(problem, "unexpected end of stream"))
        return "the file seems to be cut off, or a quote is not closed";
    if (strstr(problem, "did not find expected"))
        return "check brackets, quotes and indentation here and on the line above";
    if (strstr(problem, "could not find expected ':'"))
        return "write key: value";
    return "check the text here and on the line above";
}

static Status syntax_error(Reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "unreadable";
    const char *dot = strrchr(reader->source->name, '.');
    const char *language = dot && strcmp(dot, ".json") == 0 ? "JSON" : "YAML";
    DiagPlace place = place_of(reader, parser->problem_mark, parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) {
        place = (DiagPlace){.source = reader->source, .line = 1, .width = 1};
        for (size_t i = 0; i < parser->problem_offset && reader->source->text[i]; i++)
            place.line += reader->source->text[i] == '\n';
        return diag_error(reader->diag, place, "E0101", "save the file as UTF-8 text",
                          "this is not %s: %s", language, problem);
    }
    bool end = at_end(reader->source->text, parser->problem_mark.index);
    return diag_error(reader->diag, place, "E0101", cure_for(problem, end), "this is not %s: %s",
                      language, problem);
}

static Status next(Reader *reader, yaml_event_t *event) {
    if (yaml_parser_parse(&reader->parser, event))
        return STATUS_OK;
    if (reader->parser.error == YAML_MEMORY_ERROR)
        arena_exhausted(reader->source->text ? strlen(reader->source->text) : 0);
    return syntax_error(reader);
}

/* Aliases, anchors and tags: none of our inputs needs them, and each can hide what a value is. */
static Status refuse_features(Reader *reader, const yaml_event_t *event, DiagPlace place) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        anchor = event->data.alias.anchor;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor || tag)
        return diag_error(reader->diag, place, "E0103", "write the value out where it is needed",
                          "%s are not supported", tag ? "tags" : "anchors and aliases");
    return STATUS_OK;
}

static Status read_node(Reader *reader, yaml_event_t *event, int depth, YamlNode **out);

static Status read_scalar(Reader *reader, const yaml_event_t *event, YamlNode *node) {
    size_t length = event->data.scalar.length;
    const char *value = (const char *)event->data.scalar.value;
    if (length > SCALAR_MAX)
        return diag_error(reader->diag, node->place, "E0104", NULL,
                          "a value is longer than %d bytes", SCALAR_MAX);
    if (memchr(value, 0, length))
        return diag_error(reader->diag, node->place, "E0101", "remove it",
                          "a value holds a NUL character");
    node->kind = YAML_SCALAR;
    node->text = arena_strndup(reader->arena, value, length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return STATUS_OK;
}

static Status read_sequence(Reader *reader, int depth, YamlNode *node) {
    LIST_OF(YamlNode *) items = {0};
    node->kind = YAML_SEQUENCE;
    for (;;) {
        yaml_event_t event;
        TRY(next(reader, &event));
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        YamlNode *item;
        TRY(read_node(reader, &event, depth, &item));
        *(YamlNode **)LIST_PUSH(reader->arena, &items) = item;
    }
    node->items = items.items;
    node->count = items.count;
    return STATUS_OK;
}

static int compare_keys(const void *left, const void *right) {
    const YamlNode *a = *(YamlNode *const *)left, *b = *(YamlNode *const *)right;
    int order = strcmp(a->text, b->text);
    if (order)
        return order;
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line ? -1 : 1;
    return a->place.column < b->place.column ? -1 : 1;
}

/* Sorted copies, so that large mappings cost n log n. */
static Status refuse_duplicates(Reader *reader, const YamlNode *node) {
    if (node->count < 2)
        return STATUS_OK;
    Arena scratch = {0}; /* of its own: messages may lie in the reader's */
    YamlNode **sorted = ARENA_ARRAY(&scratch, node->count, YamlNode *);
    memcpy(sorted, node->keys, (size_t)node->count * sizeof(*sorted));
    qsort(sorted, (size_t)node->count, sizeof(*sorted), compare_keys);
    Status status = STATUS_OK;
    for (int64_t i = 1; i < node->count; i++)
        if (strcmp(sorted[i]->text, sorted[i - 1]->text) == 0)
            status = diag_error(reader->diag, sorted[i]->place, "E0102", "keep one of the two",
                                "the key `%s` was given before, in line %lld", sorted[i]->text,
                                (long long)sorted[i - 1]->place.line);
    arena_free(&scratch);
    return status;
}

static Status read_mapping(Reader *reader, int depth, YamlNode *node) {
    LIST_OF(YamlNode *) keys = {0};
    LIST_OF(YamlNode *) items = {0};
    node->kind = YAML_MAPPING;
    for (;;) {
        yaml_event_t event;
        YamlNode *key, *item;
        TRY(next(reader, &event));
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        TRY(read_node(reader, &event, depth, &key));
        if (key->kind != YAML_SCALAR)
            return diag_error(reader->diag, key->place, "E0101", "write key: value",
                              "a key must be a plain text");
        if (!key->quoted && strcmp(key->text, "<<") == 0)
            return diag_error(reader->diag, key->place, "E0103",
                              "write the keys out where they are needed",
                              "merge keys are not supported");
        TRY(next(reader, &event));
        TRY(read_node(reader, &event, depth, &item));
        *(YamlNode **)LIST_PUSH(reader->arena, &keys) = key;
        *(YamlNode **)LIST_PUSH(reader->arena, &items) = item;
    }
    node->keys = keys.items;
    node->items = items.items;
    node->count = items.count;
    return refuse_duplicates(reader, node);
}

/* Takes the event over: it is deleted here, before any nested event is asked for. */
static Status read_node(Reader *reader, yaml_event_t *event, int depth, YamlNode **out) {
    DiagPlace place = place_of(reader, event->start_mark, event->end_mark);
    yaml_event_type_t type = event->type;
    YamlNode *node = ARENA_NEW(reader->arena, YamlNode);
    node->place = place;
    Status status = refuse_features(reader, event, place);
    if (status == STATUS_OK && type == YAML_SCALAR_EVENT)
        status = read_scalar(reader, event, node);
    yaml_event_delete(event);
    TRY(status);
    if (++reader->nodes > reader->limits.nodes)
        return diag_error(reader->diag, place, "E0104", NULL, "the file has more than %lld values",
                          (long long)reader->limits.nodes);
    if (type != YAML_SCALAR_EVENT && depth == DEPTH_MAX)
        return diag_error(reader->diag, place, "E0104", NULL,
                          "values are nested more than %d levels deep", DEPTH_MAX);
    *out = node;
    if (type == YAML_SEQUENCE_START_EVENT)
        return read_sequence(reader, depth + 1, node);
    if (type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, depth + 1, node);
    assert(type == YAML_SCALAR_EVENT);
    return STATUS_OK;
}

/* Stream and document events around exactly one root. */
static Status read_document(Reader *reader, YamlNode **root) {
    yaml_event_t event;
    for (;;) {
        TRY(next(reader, &event));
        if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT)
            break;
        yaml_event_delete(&event);
    }
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        return diag_error(reader->diag, (DiagPlace){.source = reader->source}, "E0105",
                          "models/ and topologies/ hold files to begin with", "the file is empty");
    }
    TRY(read_node(reader, &event, 0, root));
    TRY(next(reader, &event)); /* the end of the document */
    yaml_event_delete(&event);
    TRY(next(reader, &event));
    bool more = event.type != YAML_STREAM_END_EVENT;
    DiagPlace place = place_of(reader, event.start_mark, event.end_mark);
    yaml_event_delete(&event);
    if (more)
        return diag_error(reader->diag, place, "E0101", "put each document in a file of its own",
                          "a second document begins here");
    return STATUS_OK;
}

Status yaml_parse(Arena *arena, const char *name, const char *text, size_t length,
                  YamlLimits limits, YamlNode **root, Diag *diag) {
    DiagSource *source = ARENA_NEW(arena, DiagSource);
    source->name = arena_strdup(arena, name);
    source->text = arena_strndup(arena, text, length);
    Reader reader = {.arena = arena, .diag = diag, .source = source, .limits = limits};
    if (length > limits.bytes)
        return diag_error(diag, (DiagPlace){.source = source}, "E0104", NULL,
                          "the text is larger than the limit of %zu bytes", limits.bytes);
    if (!yaml_parser_initialize(&reader.parser))
        arena_exhausted(sizeof reader.parser); /* its only way to fail */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)source->text, length);
    Status status = read_document(&reader, root);
    yaml_parser_delete(&reader.parser);
    return status;
}

Status yaml_read(Arena *arena, const char *path, YamlLimits limits, YamlNode **root, Diag *diag) {
    char *text;
    size_t length;
    TRY(fs_read(arena, path, limits.bytes, &text, &length, diag));
    return yaml_parse(arena, path, text, length, limits, root, diag);
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key) {
    if (mapping->kind != YAML_MAPPING)
        return NULL;
    for (int64_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->keys[i]->text, key) == 0)
            return mapping->items[i];
    return NULL;
}

bool yaml_is_null(const YamlNode *node) {
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    return !*node->text || strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0;
}
