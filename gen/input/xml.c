/* xml: see xml.h. Expat owns its parser, which is freed before returning; all else lies in the arena. */
#include "input/xml.h"

#include "base/fs.h"

#include <expat.h>
#include <string.h>

typedef struct Reader {
    Arena *arena;
    Diag *diag;
    const DiagSource *source;
    XML_Parser parser;
    XmlNode *root;
    XmlNode *open[XML_DEPTH]; /* from the root to where the parser is */
    int64_t depth, nodes;
    Status status; /* of what a handler refused */
} Reader;

/* --- places ------------------------------------------------------------------------------------------- */

static DiagPlace place_at(const Reader *reader, int64_t width) {
    return (DiagPlace){.source = reader->source,
                       .line = (int64_t)XML_GetCurrentLineNumber(reader->parser),
                       .column = (int64_t)XML_GetCurrentColumnNumber(reader->parser) + 1,
                       .width = width};
}

/* Of `at` in the text, which is `from` or comes after it, where `place` is that of `from`. */
static DiagPlace place_after(DiagPlace place, const char *from, const char *at, int64_t width) {
    for (; from < at; from++) {
        place.column = *from == '\n' ? 1 : place.column + 1;
        place.line += *from == '\n';
    }
    place.width = width;
    return place;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text of the next attribute's value in a tag that expat has accepted: behind '=' and a quote. */
static const char *next_value(const char *at, int64_t *width) {
    at = strchr(at, '=') + 1;
    while (is_blank(*at))
        at++;
    *width = strchr(at + 1, *at) - at - 1;
    return at + 1;
}

/* --- handlers ----------------------------------------------------------------------------------------- */

static void refuse(Reader *reader, DiagPlace place, const char *help, const char *cause) {
    if (reader->status == STATUS_OK)
        reader->status = diag_error(reader->diag, place, "E0334", help, "%s", cause);
    XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL begin_element(void *data, const XML_Char *name, const XML_Char **attributes) {
    Reader *reader = data;
    const char *text = reader->source->text + XML_GetCurrentByteIndex(reader->parser);
    DiagPlace tag = place_at(reader, 1);
    if (reader->depth == XML_DEPTH)
        refuse(reader, tag, "is this the right file?",
               arena_printf(reader->arena, "elements are nested more than %d deep", XML_DEPTH));
    else if (reader->nodes == XML_NODES)
        refuse(reader, tag, "is this the right file?",
               arena_printf(reader->arena, "the file has more than %d elements", XML_NODES));
    if (reader->status != STATUS_OK)
        return;
    XmlNode *node = ARENA_NEW(reader->arena, XmlNode);
    node->name = arena_strdup(reader->arena, name);
    node->place = place_after(tag, text, text + 1, (int64_t)strlen(name));
    const char *at = text + 1 + strlen(name);
    for (int64_t i = 0; attributes[2 * i]; i++) {
        int64_t width;
        if (i == XML_ATTRIBUTES) {
            refuse(reader, node->place, "is this the right file?",
                   arena_printf(reader->arena, "an element has more than %d attributes",
                                XML_ATTRIBUTES));
            return;
        }
        at = next_value(at, &width);
        XmlAttribute *attribute = LIST_PUSH(reader->arena, &node->attributes);
        *attribute = (XmlAttribute){.name = arena_strdup(reader->arena, attributes[2 * i]),
                                    .value = arena_strdup(reader->arena, attributes[2 * i + 1]),
                                    .place = place_after(tag, text, at, width > 0 ? width : 1)};
        at += width + 1;
    }
    if (reader->depth) {
        XmlNode *parent = reader->open[reader->depth - 1];
        *(XmlNode **)LIST_PUSH(reader->arena, &parent->items) = node;
    } else {
        reader->root = node;
    }
    reader->open[reader->depth++] = node;
    reader->nodes++;
}

static void XMLCALL end_element(void *data, const XML_Char *name) {
    Reader *reader = data;
    (void)name;                      /* expat has compared it */
    if (reader->status == STATUS_OK) /* a stopped parser still closes <tag/> */
        reader->depth--;
}

/* Entities are declared here and nowhere else, so none of ours can ever expand. */
static void XMLCALL begin_doctype(void *data, const XML_Char *name, const XML_Char *system,
                                  const XML_Char *public_id, int subset) {
    Reader *reader = data;
    (void)name;
    (void)system;
    (void)public_id;
    (void)subset;
    const char *text = reader->source->text, *at = text;
    for (const char *next = text; (next = strstr(next, "<!DOCTYPE")); next++)
        if (next - text < XML_GetCurrentByteIndex(reader->parser) || next == text)
            at = next; /* the last one up to here: others stand in comments */
    DiagPlace first = {.source = reader->source, .line = 1, .column = 1};
    refuse(reader, place_after(first, text, at, 9), "remove the line: no topology needs one",
           "a document type is refused: it could define entities or name other files");
}

/* --- what expat says ---------------------------------------------------------------------------------- */

static Status report(Reader *reader) {
    enum XML_Error error = XML_GetErrorCode(reader->parser);
    if (reader->status != STATUS_OK)
        return reader->status;
    if (error == XML_ERROR_NO_MEMORY)
        arena_exhausted(strlen(reader->source->text));
    DiagPlace place = place_at(reader, 1);
    bool cut = error == XML_ERROR_NO_ELEMENTS || error == XML_ERROR_UNCLOSED_TOKEN ||
               error == XML_ERROR_PARTIAL_CHAR || error == XML_ERROR_UNCLOSED_CDATA_SECTION;
    if (!cut)
        return diag_error(reader->diag, place, "E0330", "write the file again as NCCL dumped it",
                          "this is not XML: %s", XML_ErrorString(error));
    if (!reader->depth)
        return diag_error(reader->diag, place, "E0331", "write the whole file",
                          reader->root || error != XML_ERROR_NO_ELEMENTS
                              ? "the text ends within a tag: it is cut off"
                              : "the file has no element: it is empty or cut off");
    const XmlNode *last = reader->open[reader->depth - 1];
    return diag_error(reader->diag, last->place, "E0331", "write the whole file",
                      "<%s> is opened here and never closed: the text is cut off in line %lld",
                      last->name, (long long)place.line);
}

static Status parse(Reader *reader, size_t length) {
    reader->parser = XML_ParserCreate("UTF-8");
    if (!reader->parser)
        arena_exhausted(length);
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, begin_element, end_element);
    XML_SetStartDoctypeDeclHandler(reader->parser, begin_doctype);
    enum XML_Status good = XML_Parse(reader->parser, reader->source->text, (int)length, XML_TRUE);
    Status status = good == XML_STATUS_OK ? STATUS_OK : report(reader);
    XML_ParserFree(reader->parser);
    return status;
}

Status xml_read(Arena *arena, const char *path, XmlNode **root, Diag *diag) {
    bool standard = strcmp(path, "-") == 0;
    char *text;
    size_t length;
    TRY(fs_read(arena, standard ? "/dev/stdin" : path, XML_BYTES, &text, &length, diag));
    DiagSource *source = ARENA_NEW(arena, DiagSource);
    *source = (DiagSource){standard ? "stdin" : arena_strdup(arena, path), text};
    Reader reader = {.arena = arena, .diag = diag, .source = source};
    TRY(parse(&reader, length));
    *root = reader.root;
    return STATUS_OK;
}

const XmlAttribute *xml_attribute(const XmlNode *node, const char *name) {
    for (int64_t i = 0; i < node->attributes.count; i++)
        if (strcmp(node->attributes.items[i].name, name) == 0)
            return &node->attributes.items[i];
    return NULL;
}
