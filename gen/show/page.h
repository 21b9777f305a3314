/* page: one HTML file that needs nothing else, from a template and pieces in templates/show/ (embedded,
 * or of --share DIR). A template names what comes in as <!--{NAME}-->: title, body, data, or a file of
 * templates/show/, as tokens.css or chart.js; a comment on top of each says how it is used. Text goes to
 * the caller's Buf. It knows nothing of what a page shows. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

typedef struct Page {
    const char *template; /* "show.html" */
    const char *title;    /* any text */
    const char *body;     /* HTML; texts in it must have gone through page_escape; NULL: none */
    const char *data;     /* JSON, what scripts know as Show.data */
} Page;

/* E0701: a piece that the template names is not there. */
Status page_write(const Page *page, const char *share, Buf *out, Diag *diag);

/* Text as HTML, safe in elements and in quoted attributes. */
void page_escape(const char *text, Buf *out);
