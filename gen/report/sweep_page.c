/* sweep_page: a sweep as JSON, as a picture of its map, and as a page. See sweep_write.h. */
#include "report/sweep_write.h"

#include "report/point_write.h"
#include "show/page.h"

#include <math.h>

/* --- JSON ------------------------------------------------------------------------------------------------ */

static void json_keys(const Sweep *sweep, Jsonw *json) {
    jsonw_key(json, "keys");
    jsonw_array(json, false);
    for (int64_t k = 0; k < sweep->keys.count; k++) {
        const SweepKey *key = &sweep->keys.items[k];
        jsonw_object(json, true);
        jsonw_key_string(json, "name", key->name);
        jsonw_key(json, "values");
        jsonw_array(json, true);
        for (int64_t i = 0; i < key->values.count; i++)
            jsonw_string(json, key->values.items[i]);
        jsonw_end(json);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void json_cell(const Sweep *sweep, const SweepCell *cell, Jsonw *json) {
    jsonw_object(json, false);
    jsonw_key(json, "at");
    jsonw_array(json, true);
    for (int64_t k = 0; k < sweep->keys.count; k++)
        jsonw_string(json, sweep_value(sweep, cell, k));
    jsonw_end(json);
    jsonw_key(json, "best");
    if (cell->best >= 0)
        jsonw_int(json, cell->best);
    else
        jsonw_null(json);
    jsonw_key(json, "lead");
    if (cell->second >= 0)
        jsonw_real(json, cell->lead);
    else
        jsonw_null(json);
    jsonw_key(json, "strategies");
    jsonw_array(json, false);
    for (int64_t s = 0; s < sweep->strategies.count; s++) {
        jsonw_object(json, false);
        point_json(&cell->points[s], json);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key(json, "sure");
    jsonw_bool(json, cell->sure);
    jsonw_end(json);
}

void sweep_json(const Sweep *sweep, Jsonw *json) {
    jsonw_object(json, false);
    jsonw_key_string(json, "by", point_metrics[sweep->by].name);
    jsonw_key(json, "cells");
    jsonw_array(json, false);
    for (int64_t i = 0; i < sweep->cells.count; i++)
        json_cell(sweep, &sweep->cells.items[i], json);
    jsonw_end(json);
    json_keys(sweep, json);
    jsonw_key_string(json, "name", sweep->name);
    jsonw_key(json, "strategies");
    jsonw_array(json, true);
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        jsonw_string(json, sweep->strategies.items[s]);
    jsonw_end(json);
    jsonw_key_string(json, "unit", point_metrics[sweep->by].unit);
    jsonw_end(json);
}

/* --- the picture ------------------------------------------------------------------------------------------ */

enum { CELL_WIDE = 92, CELL_HIGH = 34, LEFT = 150, TOP = 58, LINE = 20 };

/* Colours follow the page's tokens where there are any. */
static const char *const colors[] = {"var(--s1,#2b6bd6)", "var(--s2,#dd7407)", "var(--s3,#11857a)",
                                     "var(--s4,#7446c4)", "var(--s5,#c2336f)", "var(--s6,#b99300)",
                                     "var(--s7,#43862c)", "var(--s8,#7a8796)"};
enum { COLORS = sizeof colors / sizeof *colors };
#define INK "var(--ink,#18212c)"

static void text(Buf *out, double x, double y, const char *anchor, const char *fill,
                 const char *words) {
    buf_printf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"%s\" style=\"fill:%s\">", x, y, anchor,
               fill);
    page_escape(words, out);
    buf_puts(out, "</text>\n");
}

static void cell_picture(const Sweep *sweep, const SweepCell *cell, double x, double y, Buf *out) {
    Buf words = {0};
    bool none = cell->best < 0;
    if (none)
        buf_puts(&words, cell->points[0].word);
    else if (cell->second >= 0)
        buf_printf(&words, "%s%.0f %%", "+", 100 * cell->lead);
    else
        buf_puts(&words, "alone");
    buf_printf(out, "<rect x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" rx=\"4\" style=\"fill:%s\"",
               x, y, CELL_WIDE - 4, CELL_HIGH - 4,
               none ? "var(--grid,#e7ebef)" : colors[cell->best % COLORS]);
    buf_printf(out, "%s/>\n", none || cell->sure ? "" : " opacity=\"0.55\"");
    text(out, x + (CELL_WIDE - 4) / 2.0, y + 20, "middle",
         none         ? "var(--muted,#55616f)"
         : cell->sure ? "var(--paper,#fff)"
                      : INK,
         words.data);
    buf_free(&words);
}

static void panel_picture(const Sweep *sweep, int64_t panel, double top, Buf *out) {
    SweepMap map = sweep_map(sweep);
    const SweepKey *across = &sweep->keys.items[map.column_key];
    const SweepKey *down = map.row_key >= 0 ? &sweep->keys.items[map.row_key] : NULL;
    Buf title = {0};
    sweep_map_panel(sweep, panel, &title);
    text(out, 0, top + 14, "start", INK, title.data ? title.data : "");
    text(out, LEFT + map.columns * CELL_WIDE / 2.0, top + 30, "middle", "var(--muted,#55616f)",
         across->name);
    if (down)
        text(out, LEFT - 14, top + 48, "end", "var(--muted,#55616f)", down->name);
    for (int64_t c = 0; c < map.columns; c++)
        text(out, LEFT + ((double)c + 0.5) * CELL_WIDE - 2, top + 48, "middle", INK,
             across->values.items[c]);
    for (int64_t r = 0; r < map.rows; r++) {
        double y = top + TOP + (double)r * CELL_HIGH;
        text(out, LEFT - 14, y + 20, "end", INK, down ? down->values.items[r] : "best");
        for (int64_t c = 0; c < map.columns; c++)
            cell_picture(sweep, sweep_map_cell(sweep, panel, r, c), LEFT + (double)c * CELL_WIDE, y,
                         out);
    }
    buf_free(&title);
}

void sweep_svg(const Sweep *sweep, Buf *out) {
    SweepMap map = sweep_map(sweep);
    double high = TOP + (double)map.rows * CELL_HIGH + 10;
    double key = 30 + (double)map.panels * high;
    size_t longest = 0;
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        longest = strlen(sweep->strategies.items[s]) > longest ? strlen(sweep->strategies.items[s])
                                                               : longest;
    double wide = fmax(LEFT + (double)map.columns * CELL_WIDE, 40 + 7.2 * (double)longest);
    wide = fmax(wide, 560);
    buf_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"map\" viewBox=\"0 0 %g %g\" width=\"%g\" "
        "height=\"%g\" role=\"img\" style=\"font:13px system-ui,sans-serif\">\n<title>",
        wide, key + 24 + LINE * (double)sweep->strategies.count, wide,
        key + 24 + LINE * (double)sweep->strategies.count);
    page_escape(sweep->name, out);
    buf_puts(out, "</title>\n");
    Buf head = {0};
    buf_printf(&head, "%s: which strategy is best by %s, and by how much", sweep->name,
               point_metrics[sweep->by].name);
    text(out, 0, 16, "start", INK, head.data);
    buf_free(&head);
    for (int64_t panel = 0; panel < map.panels; panel++)
        panel_picture(sweep, panel, 26 + (double)panel * high, out);
    for (int64_t s = 0; s < sweep->strategies.count; s++) {
        double y = key + LINE * (double)s;
        buf_printf(
            out, "<rect x=\"0\" y=\"%g\" width=\"13\" height=\"13\" rx=\"3\" style=\"fill:%s\"/>\n",
            y, colors[s % COLORS]);
        text(out, 20, y + 11, "start", INK, sweep->strategies.items[s]);
    }
    text(out, 0, key + LINE * (double)sweep->strategies.count + 14, "start", "var(--muted,#55616f)",
         "pale: not the best in every case of the costs");
    buf_puts(out, "</svg>\n");
}

/* --- the page ----------------------------------------------------------------------------------------------- */

Status sweep_page(const Sweep *sweep, const char *share, Buf *out, Diag *diag) {
    Buf body = {0}, data = {0}, title = {0};
    Jsonw json;
    jsonw_begin(&json, &data);
    sweep_json(sweep, &json);
    jsonw_finish(&json);
    if (sweep->keys.count > 0)
        sweep_svg(sweep, &body);
    buf_printf(&title, "%s: sweep", sweep->name);
    Page page = {
        .template = "sweep.html", .title = title.data, .body = body.data, .data = data.data};
    Status status = page_write(&page, share, out, diag);
    buf_free(&body);
    buf_free(&data);
    buf_free(&title);
    return status;
}
