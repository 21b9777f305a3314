/* What the readers of schedule.json and certificate.json refuse: one change of a text that gen wrote, its code, and the words
 * for it. Everything that a program or the small checker would index by is in range, or nothing is read. */
#include "certify_fixture.h"

#define GROUPED "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat"
#define RING "tp:tp=3,output=ring"
#define RELAYED "ep:ep=6,exchange=aggregated,moves=padded"

typedef struct Change {
    const char *after, *from, *to; /* the first `from` behind the first `after` becomes `to` */
    const char *code, *words;
} Change;

static void changed(const Change *change, const Buf *text, Buf *out) {
    const char *at = strstr(text->data, change->after);
    at = at ? strstr(at + strlen(change->after), change->from) : NULL;
    if (!at)
        fail_msg("there is no '%s' behind '%s'", change->from, change->after);
    buf_clear(out);
    buf_append(out, text->data, (size_t)(at - text->data));
    buf_puts(out, change->to);
    buf_puts(out, at + strlen(change->from));
}

static void expect(Fixture *f, const Change *change, Status status) {
    const DiagMessage *message = &f->diag.messages[0];
    if (status != STATUS_DATA || !f->diag.count || strcmp(message->code, change->code) != 0 ||
        !strstr(message->text, change->words))
        fail_msg("'%s' for '%s': expected %s '%s', got status %d, %s '%s'", change->to,
                 change->from, change->code, change->words, (int)status,
                 f->diag.count ? message->code : "nothing", f->diag.count ? message->text : "");
    f->diag.count = f->diag.errors = 0;
}

static void refuse_all(const char *strategy, const Change *changes, size_t count,
                       bool certificate) {
    Fixture f;
    Texts texts;
    Buf text = {0};
    fixture_make(&f, MIXTRAL, strategy, 6);
    texts_make(&texts, &f);
    for (size_t i = 0; i < count; ++i) {
        Schedule schedule;
        Certificate read;
        changed(&changes[i], certificate ? &texts.certificate : &texts.schedule, &text);
        expect(&f, &changes[i],
               certificate ? texts_read_certificate(&f, &text, &read)
                           : texts_read(&f, &text, &schedule));
    }
    buf_free(&text);
    texts_free(&texts);
    fixture_free(&f);
}

#define COUNT(list) (sizeof list / sizeof *list)

static void versions(void **state) {
    (void)state;
    static const Change schedule[] = {
        {"", "\"schema_version\": 2", "\"schema_version\": 3", "E0590", "has schema version 3"},
        {"", "\"schema_version\": 2", "\"schema_version\": \"2\"", "E0590", "has schema version 2"},
        {"", "\"schema_version\": 2", "\"schema_version\": 99999999999999999999", "E0590",
         "has schema version"},
        {"", "\"schema_version\": 2", "\"schema_version\": [2]", "E0590", "this is no schedule"},
        {"", "\"schema_version\": 2", "\"schema\": 2", "E0590", "this is no schedule"},
        {"", "\"roles\": [", "\"rolls\": [", "E0590", "this is no schedule"},
    };
    static const Change certificate[] = {
        {"", "\"schema_version\": 1", "\"schema_version\": 2", "E0592", "has schema version 2"},
        {"", "\"schema_version\": 1", "\"schema_version\": \"1\"", "E0592", "has schema version 1"},
        {"", "\"schema_version\": 1", "\"schema_version\": x", "E0592", "has schema version x"},
        {"", "\"schema_version\": 1", "\"schema_version\": {}", "E0592", "this is no certificate"},
        {"", "\"schema_version\": 1", "\"schema\": 1", "E0592", "this is no certificate"},
        {"", "\"schedule_digest\"", "\"digest\"", "E0592", "this is no certificate"},
        {"", "\"sequence\": [0", "\"sequence\": [9", "E0110", "sequence begins after its end"},
    };
    refuse_all(GROUPED, schedule, COUNT(schedule), false);
    refuse_all(GROUPED, certificate, COUNT(certificate), true);
}

static void channels(void **state) {
    (void)state;
    static const Change changes[] = {
        {"", "\"ranks\": [0, 1]", "\"ranks\": [1, 0]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"ranks\": [0, 1]", "\"ranks\": [0, 0]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"ranks\": [0, 1]", "\"ranks\": [0, 6]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"ranks\": [0, 1]", "\"ranks\": [-1, 1]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"own\": [[0, 1], [0, 1]]", "\"own\": [[0, 1]]", "E0591",
         "channel 0: its ranks or pieces"},
        {"", "\"own\": [[0, 1]", "\"own\": [[0, 2]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"own\": [[0, 1]", "\"own\": [[-1, 1]", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"pieces\": 1,", "\"pieces\": 0,", "E0591", "channel 0: its ranks or pieces"},
        {"", "\"is_exchange\": true", "\"is_exchange\": false", "E0591",
         "channel 4: its ranks or pieces"},
        {"", "\"is_exchange\": true", "\"is_exchange\": true, \"is_pair\": true", "E0591",
         "channel 4: its"},
        {"", "\"is_exchange\": true", "\"is_pair\": true", "E0591",
         "channel 4: its ranks or pieces"},
    };
    /* from, to, pieces, what is done */
    static const Change lists[] = {
        {"\"transfers\": [", "[0, 1, 2, 3,", "[3, 1, 2, 3,", "E0591", "its ranks or pieces"},
        {"\"transfers\": [", "[0, 1, 2, 3,", "[0, 3, 2, 3,", "E0591", "its ranks or pieces"},
        {"\"transfers\": [", "[0, 1, 2, 3,", "[0, 0, 2, 3,", "E0591", "its ranks or pieces"},
        {"\"transfers\": [", "[0, 1, 2, 3,", "[0, 1, 2, 2,", "E0591", "its ranks or pieces"},
        {"\"transfers\": [", "[0, 1, 2, 3,", "[0, 1, 2, 4,", "E0591", "its ranks or pieces"},
        {"\"transfers\": [", "[0, 1, 2, 3,", "[-1, 1, 2, 3,", "E0110", "at least 0"},
        {"", "\"own\": []", "\"own\": [[0, 1]]", "E0591", "its ranks or pieces"},
    };
    refuse_all(GROUPED, changes, COUNT(changes), false);
    refuse_all(RING, lists, COUNT(lists), false);
}

static void exchanges(void **state) {
    (void)state;
    static const Change changes[] = {
        {"\"exchanges\"", "\"rank\": 0", "\"rank\": 6", "E0591",
         "exchange 0: an end, a way or its step"},
        {"\"exchanges\"", "\"rank\": 1", "\"rank\": 0", "E0591",
         "exchange 0: an end, a way or its step"},
        {"\"exchanges\"", "\"rank\": 4", "\"rank\": 6", "E0591",
         "exchange 0: an end, a way or its step"},
        {"\"exchanges\"", "\"rank\": 5", "\"rank\": 4", "E0591",
         "exchange 0: an end, a way or its step"},
        {"\"exchanges\"", "\"step\": 0", "\"step\": 2", "E0591",
         "exchange 0: an end, a way or its step"},
        {"\"exchanges\"", "\"microbatch\": 0", "\"microbatch\": 2", "E0591",
         "exchange 0: an end, a way"},
        {"", "\"row_bytes\": 256", "\"row_bytes\": 70000000000000000", "E0110", "row_bytes"},
    };
    /* stage, from, to, source, target */
    static const Change hops[] = {
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[0, 1, 0, 6, 0]", "E0591",
         "an end, a way or its step"},
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[0, 1, 0, 1, 6]", "E0591",
         "an end, a way or its step"},
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[0, 1, 1, 1, 0]", "E0591",
         "an end, a way or its step"},
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[0, 9, 0, 1, 0]", "E0591",
         "an end, a way or its step"},
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[0, 1, 9, 1, 0]", "E0591",
         "an end, a way or its step"},
        {"\"there\": [", "[0, 1, 0, 1, 0]", "[9, 1, 0, 1, 0]", "E0591",
         "an end, a way or its step"},
        {"\"back\": [", "[0, 1, 0, 0, 1]", "[0, 1, 0, 9, 1]", "E0591", "an end, a way or its step"},
    };
    refuse_all(GROUPED, changes, COUNT(changes), false);
    refuse_all(RELAYED, hops, COUNT(hops), false);
}

static void routes(void **state) {
    (void)state;
    static const Change changes[] = {
        {"\"routes\": [\n", "\"layers\": [0, 2]", "\"layers\": [0, 3]", "E0591", "a route table"},
        {"\"routes\": [\n", "\"layers\": [0, 2]", "\"layers\": [1, 1]", "E0591", "a route table"},
        {"\"routes\": [\n", "\"slot\": [0, ", "\"slot\": [", "E0591", "a route table"},
        {"\"routes\": [\n", "\"target\": [0, ", "\"target\": [", "E0591", "a route table"},
    };
    refuse_all(GROUPED, changes, COUNT(changes), false);
}

static void operations(void **state) {
    (void)state;
#define ATTENTION "[\"qkv\", \"prefill_qkv_m0\", 0], [\"positions\""
    static const Change changes[] = {
        {"\"segments\"", "\"id\": 0", "\"id\": 1", "E0591", "its id is not its place"},
        {ATTENTION, "[\"heads\", 4]", "[\"heads\", -1]", "E0591", "a number is out of range"},
        {ATTENTION, "[\"heads\", 4]", "[\"heads\", 99999999999999999999]", "E0591",
         "neither a number nor a column"},
        {ATTENTION, "[\"heads\", 4]", "[\"heads\", 144115188075855872]", "E0591",
         "a number is out of range"},
        {ATTENTION, "[\"heads\", 4]", "[\"heads\", \"nothing\"]", "E0591",
         "neither a number nor a column"},
        {ATTENTION, "[\"heads\", 4], ", "", "E0591", "it lacks a number"},
        {ATTENTION, "[\"heads\", 4]", "[\"tails\", 4]", "E0591", "it lacks a number"},
        {ATTENTION, "[\"keys\", \"keys\", 0]", "[\"keys\", \"nothing\", 0]", "E0591",
         "a buffer is not one of the role's"},
        {ATTENTION, "[\"keys\", \"keys\", 0]", "[\"keys\", \"keys\", -1]", "E0591",
         "a number is out of range"},
        {ATTENTION, "[\"keys\", \"keys\", 0]", "[\"keys\", \"keys\", \"nothing\"]", "E0591",
         "a buffer is not one"},
        {ATTENTION, "\"microbatch\": 0", "\"microbatch\": 2", "E0591",
         "its micro-batch does not exist"},
        {ATTENTION, "\"lag\": 0", "\"lag\": 9", "E0591",
         "it works on a layer that the model has not"},
        {ATTENTION, "\"waits\": []", "\"waits\": [999]", "E0591",
         "it waits for an operation that is not there"},
        {ATTENTION, "\"kind\": \"attention\"", "\"channel\": 0, \"kind\": \"attention\"", "E0591",
         "it is no move"},
        {ATTENTION, "[\"keys\", \"keys\", 0]", "[\"keys\", \"decode_qkv_m0\", 0]", "E0591",
         "a buffer belongs to another step"},
        {"\"arguments\": [[\"", "\"per_layer\": true", "\"per_layer\": false", "E0591",
         "is used outside layers"},
        {"\"send_counts\", \"prefill_send_counts_m0\", 0]]", "\"channel\": 4", "\"channel\": 9",
         "E0591", "it has no channel"},
        {"\"send_counts\", \"prefill_send_counts_m0\", 0]]", "\"channel\": 4", "\"channel\": 0",
         "E0591", "channel"},
        {"\"send_counts\", \"prefill_send_counts_m0\", 0]]", "\"exchange\": 0", "\"exchange\": 9",
         "E0591", "it has no exchange"},
        {"\"send_counts\", \"prefill_send_counts_m0\", 0]]", "\"stream\": \"dispatch\"",
         "\"stream\": \"combine\"", "E0591", "another kind of move or stream"},
        {"\"kind\": \"route\"", "[\"routes\", 0]", "[\"routes\", 9]", "E0591",
         "its route table does not exist"},
        {"\"kind\": \"route\"", "[\"exchange\", 0]", "[\"exchange\", 9]", "E0591",
         "its exchange does not exist"},
    };
    refuse_all(GROUPED, changes, COUNT(changes), false);
}

static void roles(void **state) {
    (void)state;
    static const Change changes[] = {
        {"\"name\": \"attention\",", "\"ranks\": [0, 1, 2, 3]", "\"ranks\": [0, 2, 1, 3]", "E0591",
         "its ranks are out of range"},
        {"\"name\": \"attention\",", "\"ranks\": [0, 1, 2, 3]", "\"ranks\": [0, 1, 2, 4]", "E0591",
         "a rank is no member of its channel"},
        {"\"name\": \"attention\",", "\"ranks\": [0, 1, 2, 3]", "\"ranks\": [0, 1, 2]", "E0591",
         ""},
        {"\"name\": \"experts\",", "\"ranks\": [4, 5]", "\"ranks\": [4]", "E0591",
         "its roles have 5 ranks, the world 6"},
        {"\"name\": \"attention\",", "\"name\": \"prefill\"", "\"name\": \"decode\"", "E0591",
         "has not the steps of the schedule"},
        {"\"roles\"", "\"name\": \"experts\"", "\"name\": \"attention\"", "E0591",
         "two roles are called attention"},
        {"\"columns\": [", "\"values\": [0, 0, 2, 2]", "\"values\": [0, 0, 2]", "E0591",
         "has not one value for each rank"},
        {"\"columns\": [", "\"name\": \"head_begin\"", "\"name\": \"first\"", "E0591",
         "are called first"},
        {"\"buffers\": [", "\"name\": \"attention_norm\"", "\"name\": \"embedding\"", "E0591",
         "are called embedding"},
        {"\"buffers\": [", "\"offset\": 0", "\"offset\": 404223", "E0591",
         "does not lie in the slab"},
        {"\"buffers\": [", "\"bytes\": 131072", "\"bytes\": 72057594037927936", "E0591",
         "does not lie in the slab"},
        {"\"buffers\": [", "\"bytes\": 131072", "\"bytes\": -1", "E0110", "bytes"},
        {"\"name\": \"attention_norm\"", "\"layer_stride\": 16384", "\"layer_stride\": 16000",
         "E0591", "does not lie in the slab"},
        {"\"buffers\": [", "\"layers\": 2", "\"layers\": 1048576", "E0591",
         "does not lie in the slab"},
        {"\"class\": \"activation\"", "\"step\": 0", "\"step\": 2", "E0591",
         "belongs to a step that is not there"},
        {"\"varying\": [", "\"buffer\": ", "\"buffer\": 9", "E0591",
         "sizes of a buffer are not one for each rank"},
        {"\"varying\": [", "\"bytes\": [0, ", "\"bytes\": [", "E0591",
         "sizes of a buffer are not one for each rank"},
        {"\"varying\": [", "\"bytes\": [0, ", "\"bytes\": [72057594037927936, ", "E0591",
         "does not lie in the slab"},
        {"\"varying\": [", "\"bytes\": [0, ", "\"bytes\": [-1, ", "E0591",
         "does not lie in the slab"},
        {"", "{\"microbatches\": 2, \"name\": \"prefill\"},", "", "E0591", ""},
    };
    refuse_all(GROUPED, changes, COUNT(changes), false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions), cmocka_unit_test(channels),   cmocka_unit_test(exchanges),
        cmocka_unit_test(routes),   cmocka_unit_test(operations), cmocka_unit_test(roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
