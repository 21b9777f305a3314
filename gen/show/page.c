/* page: puts pieces into a template. Scratch is freed before return. */
#include "show/page.h"

#include "base/sandbox.h"

#include <stdbool.h>
#include <string.h>

#define PAGE_FOLDER "templates/show/"

void page_escape(const char *text, Buf *out) {
    for (const char *c = text; *c; ++c) {
        switch (*c) {
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default:
            buf_putc(out, *c);
        }
    }
}

/* In JSON '<' stands in strings only. Written as an escape it can neither end the script element that
 * holds the data nor begin a comment there. Blanks between values are for people, who do not read it here. */
static void put_data(const char *json, Buf *out) {
    bool quoted = false;
    for (const char *c = json; *c; ++c) {
        if (*c == '<')
            buf_puts(out, "\\u003c");
        else if (quoted || (*c != ' ' && *c != '\n'))
            buf_putc(out, *c);
        if (*c == '\\' && c[1])
            buf_putc(out, *++c);
        else if (*c == '"')
            quoted = !quoted;
    }
}

typedef struct Maker {
    const Page *page;
    Sandbox files; /* never opened: only its files are read */
    const DiagSource *source;
    Buf *out;
    Diag *diag;
} Maker;

/* What `name` stands for in line `line` of the template. */
static Status put_piece(Maker *maker, const char *name, int64_t line) {
    const Page *page = maker->page;
    size_t length;
    if (strcmp(name, "title") == 0) {
        page_escape(page->title, maker->out);
    } else if (strcmp(name, "body") == 0) {
        buf_puts(maker->out, page->body ? page->body : "");
    } else if (strcmp(name, "data") == 0) {
        put_data(page->data, maker->out);
    } else {
        const char *path = arena_printf(maker->files.files, PAGE_FOLDER "%s", name);
        const char *text = sandbox_file(&maker->files, path, &length);
        if (!text)
            return diag_error(maker->diag, (DiagPlace){.source = maker->source, .line = line},
                              "E0701", "name a file of templates/show/, or title, body or data",
                              "there is no %s", path);
        buf_append(maker->out, text, length);
    }
    return STATUS_OK;
}

static Status put_template(Maker *maker, const char *text) {
    static const char mark[] = "<!--{";
    int64_t line = 1;
    for (const char *at = text;;) {
        const char *open = strstr(at, mark), *close = open ? strstr(open, "}-->") : NULL;
        buf_append(maker->out, at, open ? (size_t)(open - at) : strlen(at));
        if (!open)
            return STATUS_OK;
        for (const char *c = at; c < open; ++c)
            line += *c == '\n';
        if (!close)
            return diag_error(maker->diag, (DiagPlace){.source = maker->source, .line = line},
                              "E0701", "write <!--{NAME}-->", "a mark is not closed");
        const char *name =
            arena_printf(maker->files.files, "%.*s", (int)(close - open - (int)strlen(mark)),
                         open + strlen(mark));
        TRY(put_piece(maker, name, line));
        at = close + strlen("}-->");
    }
}

Status page_write(const Page *page, const char *share, Buf *out, Diag *diag) {
    Arena scratch = {0};
    Maker maker = {
        .page = page, .files = {.share = share, .files = &scratch}, .out = out, .diag = diag};
    const char *path = arena_printf(diag->arena, PAGE_FOLDER "%s", page->template);
    size_t length;
    const char *text = sandbox_file(&maker.files, path, &length);
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    *source = (DiagSource){.name = path, .text = text ? arena_strdup(diag->arena, text) : NULL};
    maker.source = source;
    Status status = text ? put_template(&maker, text)
                         : diag_error(diag, diag_nowhere(), "E0701", NULL, "there is no %s", path);
    arena_free(&scratch);
    return status;
}
