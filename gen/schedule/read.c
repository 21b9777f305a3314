/* read: schedule.json back into a Schedule, as hostile data: whoever accepts a certificate with it needs nothing else.
 * The keys and their types are read_schema.c's; here and in read_roles.c every id, layer and size is held to its table, so
 * that what is accepted is safe to walk. It has no plan and no holdings. All of it lies in the caller's arena. */
#include "schedule/read_roles.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROUTES_MAX = 1 << 23 /* layers of all route tables */ };

Status read_bad(const Reader *reader, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diag_error(reader->diag, reader->place, "E0591",
                      "make it again: it follows from the plan and is not written by hand", "%s",
                      text);
}

bool read_ascending(const Reader *reader, const IntList *ranks) {
    bool sound = ranks->count > 0;
    for (int64_t i = 0; sound && i < ranks->count; ++i)
        sound = ranks->items[i] >= 0 && ranks->items[i] < reader->text->world &&
                (i == 0 || ranks->items[i - 1] < ranks->items[i]);
    return sound;
}

bool read_has_rank(const IntList *ranks, int64_t rank) {
    int64_t low = 0, high = ranks->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (ranks->items[middle] < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ranks->count && ranks->items[low] == rank;
}

/* --- moves -------------------------------------------------------------------------------------------- */

static bool sound_transfer(const Channel *channel, const ChannelTransfer *transfer) {
    return transfer->from < channel->ranks.count && transfer->to < channel->ranks.count &&
           transfer->from != transfer->to && transfer->pieces.begin < transfer->pieces.end &&
           transfer->pieces.end <= channel->pieces;
}

static Status read_channels(Reader *reader) {
    for (int64_t c = 0; c < reader->text->channels.count; ++c) {
        const Channel *channel = &reader->text->channels.items[c];
        bool lists = channel->transfers.count > 0;
        bool collective = !channel->is_exchange && !channel->is_pair;
        bool sound = read_ascending(reader, &channel->ranks) &&
                     !(channel->is_exchange && channel->is_pair) && (collective || !lists) &&
                     (!channel->is_pair || channel->ranks.count == 2) &&
                     channel->own.count == (collective && !lists ? channel->ranks.count : 0) &&
                     (!collective || channel->pieces > 0);
        for (int64_t i = 0; sound && i < channel->own.count; ++i)
            sound =
                channel->own.items[i].begin >= 0 && channel->own.items[i].end <= channel->pieces;
        for (int64_t i = 0; sound && i < channel->transfers.count; ++i)
            sound = sound_transfer(channel, &channel->transfers.items[i]);
        if (!sound)
            return read_bad(reader, "channel %lld: its ranks or pieces are out of range",
                            (long long)c);
    }
    return STATUS_OK;
}

bool read_is_end(const Exchange *exchange, int64_t rank) {
    return exchange_find_source(exchange, rank) >= 0 || exchange_find_target(exchange, rank) >= 0;
}

static bool sound_hops(const Exchange *exchange, bool back) {
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        if (hop->source >= exchange->sources.count || hop->target >= exchange->targets.count ||
            hop->from == hop->to || !read_is_end(exchange, hop->from) ||
            !read_is_end(exchange, hop->to) || (i > 0 && hop[-1].stage > hop->stage))
            return false;
    }
    return true;
}

static Status read_exchanges(Reader *reader) {
    const ScheduleText *text = reader->text;
    for (int64_t e = 0; e < text->exchanges.count; ++e) {
        const Exchange *exchange = &text->exchanges.items[e];
        bool sound = exchange->sources.count > 0 && exchange->targets.count > 0 &&
                     exchange->step < text->steps.count &&
                     exchange->microbatch < text->steps.items[exchange->step].microbatches;
        double rows = 0;
        for (int64_t i = 0; sound && i < exchange->sources.count; ++i) {
            const ExchangeSource *source = &exchange->sources.items[i];
            sound = source->rank < text->world && (i == 0 || source[-1].rank < source->rank);
            rows += (double)(source->rows.end - source->rows.begin);
        }
        /* so that no sum over its windows leaves 64 bits */
        sound = sound && rows * (double)exchange->targets.count * (double)(text->top_k + 1) *
                                 (double)(text->row_bytes + 1) <
                             0x1p56;
        for (int64_t i = 0; sound && i < exchange->targets.count; ++i) {
            const ExchangeTarget *target = &exchange->targets.items[i];
            sound = target->rank < text->world && (i == 0 || target[-1].rank < target->rank);
        }
        if (!sound || !sound_hops(exchange, false) || !sound_hops(exchange, true))
            return read_bad(reader, "exchange %lld: an end, a way or its step is out of range",
                            (long long)e);
    }
    return STATUS_OK;
}

static Status read_route(Reader *reader, const RouteText *from, RouteTable *route) {
    const ScheduleText *text = reader->text;
    int64_t count = text->experts * text->parts, end = 0;
    *route = (RouteTable){.parts = text->parts, .rows = from->rows.count};
    reader->routed += text->layers;
    if (reader->routed > ROUTES_MAX)
        return read_bad(reader, "there are route tables of more than %d layers", ROUTES_MAX);
    bool sound = true;
    for (int64_t r = 0; sound && r < from->rows.count; ++r) {
        const RouteRowText *row = &from->rows.items[r];
        sound = row->layers.begin >= end && row->layers.begin < row->layers.end &&
                row->layers.end <= text->layers && row->slot.count == count &&
                row->target.count == count;
        end = row->layers.end;
    }
    if (!sound)
        return read_bad(reader,
                        "a route table has no entry for each part of each expert, or layers "
                        "that the model has not");
    route->row_of = ARENA_ARRAY(reader->arena, text->layers, int64_t);
    route->slot = ARENA_ARRAY(reader->arena, count * route->rows, int64_t);
    route->target = ARENA_ARRAY(reader->arena, count * route->rows, int64_t);
    memset(route->row_of, 0xff, (size_t)text->layers * sizeof *route->row_of);
    for (int64_t r = 0; r < from->rows.count; ++r) {
        const RouteRowText *row = &from->rows.items[r];
        for (int64_t layer = row->layers.begin; layer < row->layers.end; ++layer)
            route->row_of[layer] = r;
        memcpy(route->slot + r * count, row->slot.items, (size_t)count * sizeof(int64_t));
        memcpy(route->target + r * count, row->target.items, (size_t)count * sizeof(int64_t));
    }
    route_table_share(route, text->layers, text->experts); /* the text has a row for each range */
    return STATUS_OK;
}

/* --- the whole ---------------------------------------------------------------------------------------- */

/* The version comes first: keys of another version would only be noise. */
static Status check_version(const YamlNode *root, Diag *diag) {
    const YamlNode *version = root->kind == YAML_MAPPING ? yaml_get(root, "schema_version") : NULL;
    int64_t number;
    bool overflow;
    if (!version || version->kind != YAML_SCALAR || !yaml_get(root, "roles"))
        return diag_error(diag, root->place, "E0590", "gen make and gen emit write schedule.json",
                          "this is no schedule: it has no schema_version and roles");
    if (version->quoted || !number_parse_int(version->text, &number, &overflow) ||
        number != SCHEDULE_SCHEMA_VERSION)
        return diag_error(diag, version->place, "E0590", "emit the plan again with this gen",
                          "the schedule has schema version %s, this gen reads %d", version->text,
                          SCHEDULE_SCHEMA_VERSION);
    return STATUS_OK;
}

Status schedule_parse(Arena *arena, const char *name, const char *text, size_t length,
                      Schedule *schedule, Diag *diag) {
    YamlNode *root;
    ScheduleText read;
    TRY(yaml_parse(arena, name, text, length, yaml_plan_limits, &root, diag));
    TRY(check_version(root, diag));
    TRY(schema_read(&schedule_text_schema, root, &read, arena, diag));
    Reader reader = {.arena = arena,
                     .diag = diag,
                     .place = {.source = root->place.source},
                     .text = &read,
                     .schedule = schedule};
    *schedule = (Schedule){.name = read.plan,
                           .layers = read.layers,
                           .experts = read.experts,
                           .top_k = read.top_k,
                           .row_bytes = read.row_bytes,
                           .parts = read.parts,
                           .world = read.world};
    memcpy(&schedule->steps, &read.steps, sizeof read.steps);
    memcpy(&schedule->channels, &read.channels, sizeof read.channels);
    memcpy(&schedule->exchanges, &read.exchanges, sizeof read.exchanges);
    TRY(read_channels(&reader));
    TRY(read_exchanges(&reader));
    for (int64_t r = 0; r < read.routes.count; ++r)
        TRY(read_route(&reader, &read.routes.items[r], LIST_PUSH(arena, &schedule->routes)));
    return read_roles(&reader);
}
