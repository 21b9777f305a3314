/* wire_message: see wire_message.h. Bodies are copied out of the buffer before they are looked at: they stand anywhere. */
#include "core/wire_message.h"
#include "core/made.h"

#include <stdlib.h>

/* Least and most bytes of a body; a list has many of one size. */
static const struct {
    uint32_t head, each, most;
} sizes[RT_WIRE_TYPES] = {
    [RT_WIRE_JOIN] = {sizeof(rt_wire_join), 0, 0},
    [RT_WIRE_CLOCK] = {sizeof(rt_wire_clock), 0, 0},
    [RT_WIRE_WELCOME] = {sizeof(rt_wire_welcome), 0, 0},
    [RT_WIRE_REFUSED] = {sizeof(rt_wire_failed), 0, 0},
    [RT_WIRE_FAILED] = {sizeof(rt_wire_failed), 0, 0},
    [RT_WIRE_ARRIVED] = {sizeof(rt_wire_arrived), 0, 0},
    [RT_WIRE_MADE] = {sizeof(rt_wire_made), 0, 0},
    [RT_WIRE_HUNG_UP] = {0, 0, 0},
    [RT_WIRE_PULSE] = {0, sizeof(rt_wire_pulse), RT_WIRE_PULSES},
    [RT_WIRE_TOKEN] = {0, sizeof(rt_wire_token), RT_WIRE_TOKENS},
    [RT_WIRE_DATA] = {sizeof(rt_wire_data), 1, RT_WIRE_CHUNK},
    [RT_WIRE_END] = {sizeof(rt_wire_end), 0, 0},
};

/* --- proofs --- */

static void mac_of(const rt_secret *secret, const char *side, const rt_wire_hello *hello,
                   const rt_wire_proof *proof, unsigned char mac[RT_SHA256_BYTES]) {
    rt_hmac hmac;
    rt_hmac_begin(&hmac, secret->data, secret->size);
    rt_hmac_add(&hmac, side, strlen(side) + 1);
    rt_hmac_add(&hmac, hello->nonce, sizeof hello->nonce);
    rt_hmac_add(&hmac, proof, offsetof(rt_wire_proof, mac));
    rt_hmac_end(&hmac, mac);
}

void rt_wire_proof_mac(const rt_secret *secret, const rt_wire_hello *hello,
                       const rt_wire_proof *proof, unsigned char mac[RT_SHA256_BYTES]) {
    mac_of(secret, "peer", hello, proof, mac);
}

void rt_wire_answer_mac(const rt_secret *secret, const rt_wire_hello *hello,
                        const rt_wire_proof *proof, unsigned char mac[RT_SHA256_BYTES]) {
    mac_of(secret, "hub", hello, proof, mac);
}

/* --- buffers --- */

char *rt_wire_room(rt_wire_buffer *buffer, size_t size) {
    if (buffer->at == buffer->length)
        buffer->at = buffer->length = 0;
    if (buffer->length + size > buffer->capacity && buffer->at) {
        memmove(buffer->data, buffer->data + buffer->at, buffer->length - buffer->at);
        buffer->length -= buffer->at;
        buffer->at = 0;
    }
    if (buffer->length + size > buffer->capacity) {
        size_t capacity = 2 * buffer->capacity + size;
        char *data = realloc(buffer->data, capacity);
        if (!data)
            return NULL;
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

static bool put(rt_wire_buffer *buffer, rt_wire_type type, const void *body, size_t size,
                const void *more, size_t more_size) {
    const rt_wire_head head = {(uint32_t)type, (uint32_t)(size + more_size)};
    char *at = rt_wire_room(buffer, sizeof head + size + more_size);
    if (!at)
        return false;
    memcpy(at, &head, sizeof head);
    if (size)
        memcpy(at + sizeof head, body, size);
    if (more_size)
        memcpy(at + sizeof head + size, more, more_size);
    buffer->length += sizeof head + size + more_size;
    return true;
}

bool rt_wire_put(rt_wire_buffer *buffer, rt_wire_type type, const void *body, size_t size) {
    return put(buffer, type, body, size, NULL, 0);
}

bool rt_wire_put_data(rt_wire_buffer *buffer, rt_wire_region region, int64_t offset,
                      const void *data, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t part = size - at < RT_WIRE_CHUNK ? size - at : RT_WIRE_CHUNK;
        const rt_wire_data head = {.offset = offset + (int64_t)at, .region = (int32_t)region};
        if (!put(buffer, RT_WIRE_DATA, &head, sizeof head, (const char *)data + at, part))
            return false;
        at += part;
    }
    return true;
}

void rt_wire_buffer_free(rt_wire_buffer *buffer) {
    free(buffer->data);
    *buffer = (rt_wire_buffer){0};
}

int rt_wire_next(rt_wire_buffer *buffer, rt_wire_type *type, const char **body, size_t *size) {
    rt_wire_head head;
    size_t there = buffer->length - buffer->at;
    if (there < sizeof head)
        return 0;
    memcpy(&head, buffer->data + buffer->at, sizeof head);
    if (head.type == 0 || head.type >= RT_WIRE_TYPES || head.bytes < sizes[head.type].head)
        return -1;
    uint32_t list = head.bytes - sizes[head.type].head, each = sizes[head.type].each;
    if (each ? list % each || list / each > sizes[head.type].most : list)
        return -1;
    if (there < sizeof head + head.bytes)
        return 0;
    *type = (rt_wire_type)head.type;
    *body = buffer->data + buffer->at + sizeof head;
    *size = head.bytes;
    buffer->at += sizeof head + head.bytes;
    return 1;
}

/* --- what they change --- */

static bool apply_failed(rt_segment *segment, bool hub, int32_t rank, const char *body) {
    rt_wire_failed failed;
    memcpy(&failed, body, sizeof failed);
    failed.text[sizeof failed.text - 1] = 0;
    rt_error_plain(failed.text);
    if (failed.rank < 0 || failed.rank >= segment->program->world || failed.status <= RT_ABORTED ||
        failed.status > RT_TIMEOUT || (hub && failed.rank != rank))
        return false;
    rt_segment_fail(segment, failed.rank, (rt_status)failed.status, failed.text);
    return true;
}

static bool apply_arrived(rt_segment *segment, const char *body) {
    rt_wire_arrived arrived;
    memcpy(&arrived, body, sizeof arrived);
    if (arrived.times > 2 * (uint32_t)segment->program->world)
        return false; /* nobody is further than one barrier ahead */
    rt_word *word = &rt_segment_barrier(segment, segment->program->channels)->arrived;
    for (uint32_t i = 0; i < arrived.times; ++i)
        rt_word_add(word);
    rt_word_wake(word);
    return true;
}

static bool apply_made(rt_segment *segment, const char *body) {
    const rt_job *job = segment->job;
    rt_wire_made made;
    memcpy(&made, body, sizeof made);
    if (!job->tracks || made.wave < 0 || made.wave >= job->waves || made.index < 0 ||
        made.index >= job->max_new || made.reported < 0 ||
        made.reported > segment->program->batch || made.live < 0 || made.live > made.reported)
        return false;
    return rt_made_add(segment, made.wave, made.index, made.reported, made.live);
}

static bool apply_pulses(rt_segment *segment, bool hub, int32_t rank, const char *body,
                         size_t size) {
    const rt_program *program = segment->program;
    for (size_t at = 0; at < size; at += sizeof(rt_wire_pulse)) {
        rt_wire_pulse pulse;
        memcpy(&pulse, body + at, sizeof pulse);
        if (pulse.rank < 0 || pulse.rank >= program->world || (hub && pulse.rank != rank) ||
            pulse.waits_for > RT_WAITS_FOR_DEVICE(program) || pulse.waits_for < -program->world)
            return false;
        rt_area *area = rt_segment_area(segment, pulse.rank);
        if (atomic_load_explicit(&area->pid, memory_order_relaxed) != -1)
            continue; /* this process's own */
        atomic_store_explicit(&area->waits_for, pulse.waits_for, memory_order_relaxed);
        atomic_store_explicit(&area->step, pulse.step, memory_order_relaxed);
        atomic_store_explicit(&area->op, pulse.op, memory_order_relaxed);
        atomic_store_explicit(&area->layer, pulse.layer, memory_order_relaxed);
        atomic_store_explicit(&area->done, pulse.done != 0, memory_order_relaxed);
        atomic_store_explicit(&area->worked_us, pulse.worked_us, memory_order_relaxed);
        atomic_store_explicit(&area->progress, pulse.progress, memory_order_relaxed);
    }
    return true;
}

static bool apply_tokens(rt_segment *segment, const char *body, size_t size) {
    const rt_job *job = segment->job;
    for (size_t at = 0; at < size; at += sizeof(rt_wire_token)) {
        rt_wire_token token;
        memcpy(&token, body + at, sizeof token);
        if (token.at < 0 || token.at >= job->sequences * job->max_new || token.token < 0 ||
            token.token >= segment->program->vocabulary)
            return false;
        rt_segment_tokens(segment)[token.at] = token.token;
    }
    return true;
}

/* What a region has after its begin. */
static char *region_of(const rt_segment *segment, int32_t rank, int32_t region, int64_t *bytes) {
    if (region == RT_WIRE_AREA) {
        *bytes = segment->area_stride - (int64_t)sizeof(rt_area);
        return (char *)rt_segment_area(segment, rank) + sizeof(rt_area);
    }
    *bytes = region == RT_WIRE_LOGITS ? segment->logits_bytes : segment->links_bytes;
    return segment->base + (region == RT_WIRE_LOGITS ? segment->logits : segment->links);
}

static bool apply_data(rt_segment *segment, int32_t rank, const char *body, size_t size) {
    rt_wire_data data;
    int64_t bytes;
    memcpy(&data, body, sizeof data);
    if (data.region < 0 || data.region >= RT_WIRE_REGIONS)
        return false;
    char *to = region_of(segment, rank, data.region, &bytes);
    int64_t count = (int64_t)(size - sizeof data);
    if (data.offset < 0 || data.offset > bytes || count > bytes - data.offset)
        return false;
    memcpy(to + data.offset, body + sizeof data, (size_t)count);
    return true;
}

static bool apply_end(rt_segment *segment, int32_t rank, const char *body) {
    rt_area *area = rt_segment_area(segment, rank);
    rt_wire_end end;
    memcpy(&end, body, sizeof end);
    if (end.weight_bytes < 0 || end.events < 0 || end.events_dropped < 0 ||
        end.events > (segment->job->trace ? RT_TRACE_EVENTS : 0))
        return false;
    area->weight_bytes = end.weight_bytes;
    area->events = end.events;
    area->events_dropped = end.events_dropped;
    atomic_store(&area->done, 1);
    return true;
}

bool rt_wire_apply(rt_segment *segment, bool hub, int32_t rank, rt_wire_type type, const char *body,
                   size_t size) {
    switch (type) {
    case RT_WIRE_CLOCK:
        return !hub; /* the last answer may come behind the welcome */
    case RT_WIRE_FAILED:
        return apply_failed(segment, hub, rank, body);
    case RT_WIRE_ARRIVED:
        return apply_arrived(segment, body);
    case RT_WIRE_MADE:
        return apply_made(segment, body);
    case RT_WIRE_HUNG_UP:
        atomic_store(&rt_segment_header(segment)->hung_up, 1);
        return !hub;
    case RT_WIRE_PULSE:
        return apply_pulses(segment, hub, rank, body, size);
    case RT_WIRE_TOKEN:
        return hub && apply_tokens(segment, body, size);
    case RT_WIRE_DATA:
        return hub && apply_data(segment, rank, body, size);
    case RT_WIRE_END:
        return !hub || apply_end(segment, rank, body);
    default:
        return false;
    }
}
