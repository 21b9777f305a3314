/* What ranks without common memory say to each other (core/wire_message.h): the reader of messages, and what it changes in a
 * segment. The first byte says which side listens, and to which rank; the rest comes in parts, as from a socket. Whatever it
 * is, tokens are of the vocabulary, ranks wait for ranks that there are, texts end, and nothing is written elsewhere. */
#include "fuzz.h"

#include "core/links.h"
#include "core/wire_message.h"

#include <stdlib.h>

enum { WORLD = 3, BATCH = 2, MAX_NEW = 2, VOCABULARY = 50 };

static const rt_op op = {"none", "none", 0, 0, 0, false, {-1, -1, -1, -1, -1, -1}, ""};
static const rt_role role = {"all", 64, 0, 0, &op, 1};
static const rt_place places[WORLD] = {
    {0, 0, 0, 0, NULL, 0}, {0, 1, 0, 1, NULL, 0}, {0, 2, 0, 2, NULL, 0}};
static const int32_t ranks[] = {0, 2};
static const rt_channel channel = {.name = "pair", .members = 2, .ranks = ranks};
static const rt_node node = {3, 1, 1e9, 1e-6, 1e9};
static const rt_program program = {.abi = RT_ABI_VERSION,
                                   .name = "fuzzed",
                                   .digest = "00112233445566aa",
                                   .schedule = "123456789abcdef0",
                                   .certificate = "23456789abcdef01",
                                   .world = WORLD,
                                   .roles = 1,
                                   .steps = 0,
                                   .channels = 1,
                                   .channel = &channel,
                                   .places = places,
                                   .role = &role,
                                   .nodes = 1,
                                   .node = &node,
                                   .batch = BATCH,
                                   .prompt = 1,
                                   .context = 4,
                                   .vocabulary = VOCABULARY,
                                   .candidates = 1,
                                   .copies = 1};
static rt_options options;
static const rt_job job = {.program = &program,
                           .options = &options,
                           .sequences = BATCH,
                           .longest = 1,
                           .max_new = MAX_NEW,
                           .round = 1,
                           .waves = 1,
                           .tracks = true,
                           .logits = true,
                           .preflight = true};

static void judge(const rt_segment *segment, int32_t own) {
    const rt_header *header = rt_segment_header(segment);
    for (int t = 0; t < BATCH * MAX_NEW; ++t) {
        int32_t token = rt_segment_tokens(segment)[t];
        fuzz_expect(token >= 0 && token < VOCABULARY, "a token is of the vocabulary");
    }
    for (int32_t r = 0; r < WORLD; ++r) {
        const rt_area *area = rt_segment_area(segment, r);
        fuzz_expect(area->waits_for <= RT_WAITS_FOR_DEVICE(&program) && area->waits_for >= -WORLD,
                    "a rank waits for one that there is");
        fuzz_expect(memchr(area->message, 0, sizeof area->message) != NULL, "a text ends");
        fuzz_expect(r != own || area->progress == 0, "nobody speaks for this rank");
    }
    fuzz_expect(header->failed >= 0 && header->failed <= WORLD, "a rank has failed that there is");
    fuzz_expect(header->identity.world == WORLD, "the header is as it was");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rt_segment segment;
    rt_error error = {0};
    rt_wire_buffer buffer = {0};
    if (size < 2)
        return 0;
    bool hub = data[0] & 1;
    int32_t own = hub ? 0 : 1, from = hub ? 1 + (data[0] >> 1 & 1) : 0;
    size_t part = 1 + (size_t)(data[0] >> 2) * 8;
    if (rt_segment_plan(&segment, &job, &error) != RT_OK ||
        rt_segment_map(&segment, -1, true, &error) != RT_OK)
        abort();
    for (int32_t r = 0; r < WORLD; ++r)
        atomic_store(&rt_segment_area(&segment, r)->pid, r == own ? 1 : -1);
    int got = 0;
    for (size_t at = 1; at < size && got >= 0; at += part) {
        size_t count = size - at < part ? size - at : part;
        char *room = rt_wire_room(&buffer, count);
        rt_wire_type type;
        const char *body;
        size_t length;
        memcpy(room, data + at, count);
        buffer.length += count;
        while ((got = rt_wire_next(&buffer, &type, &body, &length)) > 0)
            if (!rt_wire_apply(&segment, hub, from, type, body, length)) {
                got = -1;
                break;
            }
        fuzz_expect(buffer.length - buffer.at <=
                        sizeof(rt_wire_head) + sizeof(rt_wire_data) + RT_WIRE_CHUNK + part,
                    "no more is kept than a message may have");
    }
    judge(&segment, own);
    rt_wire_buffer_free(&buffer);
    rt_segment_close(&segment);
    return 0;
}
