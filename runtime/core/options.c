/* options: see options.h. One table says which verb takes which option; nothing else parses argv. */
#include "core/options.h"
#include "core/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ANY_LOAD = RT_VERB_RUN | RT_VERB_VERIFY | RT_VERB_BENCH | RT_VERB_MEASURE,
    ANY_GPU = ANY_LOAD | RT_VERB_PREFLIGHT,
    ANY_RUN = ANY_GPU | RT_VERB_EMULATE,
    ANY_BENCH = RT_VERB_BENCH | RT_VERB_MEASURE
};

typedef enum Kind { KIND_TEXT, KIND_COUNT, KIND_SHARE, KIND_FLAG, KIND_TRANSPORT } Kind;

typedef struct Option {
    const char *name;
    Kind kind;
    int verbs;     /* bits of rt_verb */
    size_t offset; /* in rt_options */
    int64_t least;
} Option;

#define OPTION(name, kind, verbs, field, least)                                                    \
    { name, kind, verbs, offsetof(rt_options, field), least }

static const Option option_table[] = {
    OPTION("--tokens", KIND_TEXT, RT_VERB_RUN, tokens, 0),
    OPTION("--out", KIND_TEXT, RT_VERB_RUN | ANY_BENCH | RT_VERB_EMULATE, out, 0),
    OPTION("--logits", KIND_TEXT, RT_VERB_RUN, logits, 0),
    OPTION("--scores", KIND_TEXT, RT_VERB_RUN, scores, 0),
    OPTION("--stream", KIND_TEXT, RT_VERB_RUN, stream, 0),
    OPTION("--max-new-tokens", KIND_COUNT, RT_VERB_RUN, max_new, 1),
    OPTION("--expected", KIND_TEXT, RT_VERB_VERIFY, expected, 0),
    OPTION("--figures", KIND_TEXT, RT_VERB_EMULATE, figures, 0),
    OPTION("--weights", KIND_TEXT, ANY_LOAD, weights, 0),
    OPTION("--trace", KIND_TEXT, ANY_LOAD | RT_VERB_EMULATE, trace, 0),
    OPTION("--record", KIND_TEXT, RT_VERB_RUN | RT_VERB_VERIFY | RT_VERB_EMULATE, record, 0),
    OPTION("--transport", KIND_TRANSPORT, ANY_RUN, transport, 0),
    OPTION("--master", KIND_TEXT, ANY_GPU, master, 0),
    OPTION("--rendezvous", KIND_TEXT, ANY_GPU, rendezvous, 0),
    OPTION("--secret-file", KIND_TEXT, ANY_GPU, secret_file, 0),
    OPTION("--timeout-ms", KIND_COUNT, ANY_RUN, timeout_ms, 0),
    OPTION("--load-timeout-ms", KIND_COUNT, ANY_RUN, load_timeout_ms, 0),
    OPTION("--steps", KIND_COUNT, ANY_BENCH | RT_VERB_EMULATE, steps, 1),
    OPTION("--prompt-tokens", KIND_COUNT, ANY_BENCH, prompt_tokens, 1),
    OPTION("--batch", KIND_COUNT, ANY_BENCH, batch, 1),
    OPTION("--repeat", KIND_COUNT, ANY_BENCH, repeat, 1),
    OPTION("--share", KIND_SHARE, RT_VERB_PREFLIGHT, share, 0),
    OPTION("--json", KIND_FLAG, ANY_RUN | RT_VERB_INFO, json, 0),
    OPTION("--quiet", KIND_FLAG, ANY_RUN, quiet, 0),
    OPTION("-q", KIND_FLAG, ANY_RUN, quiet, 0),
    OPTION("--rank", KIND_COUNT, ANY_RUN, rank, 0),
    OPTION("--segment-fd", KIND_COUNT, ANY_RUN, segment_fd, 0),
};

static const struct {
    const char *name;
    rt_verb verb;
} verb_table[] = {
    {"run", RT_VERB_RUN},
    {"verify", RT_VERB_VERIFY},
    {"bench", RT_VERB_BENCH},
    {"measure", RT_VERB_MEASURE},
    {"info", RT_VERB_INFO},
    {"emulate", RT_VERB_EMULATE},
    {"preflight", RT_VERB_PREFLIGHT},
};

const char *rt_options_help(void) {
    return "usage: PROGRAM run --tokens FILE [--out DIR] [--logits FILE.npy | --scores FILE.npy]\n"
           "                   [--stream FILE] [--max-new-tokens N]\n"
           "       PROGRAM verify --expected FILE\n"
           "       PROGRAM bench [--steps N] [--prompt-tokens N] [--batch N] [--repeat N] [--out "
           "DIR]\n"
           "       PROGRAM measure [--steps N] [--prompt-tokens N] [--batch N] [--repeat N] [--out "
           "DIR]\n"
           "       PROGRAM emulate --figures FILE [--steps N] [--out DIR]\n"
           "       PROGRAM preflight [--share X]\n"
           "       PROGRAM info\n"
           "all but info: [--transport NAME] [--timeout-ms N] [--load-timeout-ms N]\n"
           "              [--trace FILE.json] [--json] [-q]; all but info, emulate and preflight: "
           "[--weights "
           "FILE]\n"
           "over several hosts: [--master ADDRESS:PORT | --rendezvous FILE] [--secret-file FILE]\n"
           "run, verify and emulate: [--record PREFIX], the calls that each rank makes\n"
           "Without --weights the weights are random, the same for every placement.\n";
}

static const Option *option_find(const char *text, size_t length) {
    for (size_t i = 0; i < sizeof option_table / sizeof *option_table; ++i)
        if (strlen(option_table[i].name) == length &&
            memcmp(option_table[i].name, text, length) == 0)
            return &option_table[i];
    return NULL;
}

static rt_status option_set(rt_options *options, const Option *option, const char *value,
                            rt_error *error) {
    void *field = (char *)options + option->offset;
    if (option->kind == KIND_TEXT) {
        if (!*value)
            return rt_error_set(error, RT_USAGE, "%s needs a file name", option->name);
        *(const char **)field = value;
    } else if (option->kind == KIND_TRANSPORT) {
        if (!rt_backend_transport(value, field))
            return rt_error_set(error, RT_USAGE, "--transport %s: write %s", value,
                                rt_backend_transports());
    } else if (option->kind == KIND_SHARE) {
        char *end = NULL;
        double share = strtod(value, &end);
        if (end == value || *end || !(share > 0 && share <= 1))
            return rt_error_set(error, RT_USAGE, "%s %s: write a number above 0, at most 1",
                                option->name, value);
        *(double *)field = share;
    } else {
        char *end = NULL;
        errno = 0;
        long long number = strtoll(value, &end, 10);
        if (end == value || *end || errno || number < option->least || number > INT32_MAX)
            return rt_error_set(error, RT_USAGE, "%s %s: write an integer from %lld to %d",
                                option->name, value, (long long)option->least, INT32_MAX);
        *(int64_t *)field = number;
    }
    return RT_OK;
}

static rt_status options_verb(rt_options *options, int argc, char **argv, rt_error *error) {
    for (size_t i = 0; argc > 1 && i < sizeof verb_table / sizeof *verb_table; ++i)
        if (strcmp(argv[1], verb_table[i].name) == 0)
            options->verb = verb_table[i].verb;
    if (!options->verb)
        return rt_error_set(
            error, RT_USAGE,
            "%s%s; write one of run, verify, bench, measure, emulate, preflight, info",
            argc > 1 ? "unknown verb " : "no verb given", argc > 1 ? argv[1] : "");
    return RT_OK;
}

rt_status rt_options_read(rt_options *options, int argc, char **argv, rt_error *error) {
    *options = (rt_options){
        .timeout_ms = 5000, .load_timeout_ms = 600000, .share = 0.7, .rank = -1, .segment_fd = -1};
    RT_TRY(options_verb(options, argc, argv, error));
    for (int i = 2; i < argc; ++i) {
        const char *equals = argv[i][0] == '-' ? strchr(argv[i], '=') : NULL;
        size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        const Option *option = option_find(argv[i], length);
        if (!option || !(option->verbs & (int)options->verb))
            return rt_error_set(error, RT_USAGE, "%s does not take %.*s; --help lists what it does",
                                argv[1], (int)length, argv[i]);
        if (option->kind == KIND_FLAG) {
            if (equals)
                return rt_error_set(error, RT_USAGE, "%s takes no value", option->name);
            *(bool *)((char *)options + option->offset) = true;
            continue;
        }
        if (!equals && i + 1 == argc)
            return rt_error_set(error, RT_USAGE, "%s needs a value", option->name);
        RT_TRY(option_set(options, option, equals ? equals + 1 : argv[++i], error));
    }
    if (options->verb == RT_VERB_RUN && !options->tokens)
        return rt_error_set(error, RT_USAGE, "run needs --tokens FILE");
    if (options->logits && options->scores)
        return rt_error_set(error, RT_USAGE, "give --logits or --scores, not both");
    if (options->verb == RT_VERB_VERIFY && !options->expected)
        return rt_error_set(error, RT_USAGE, "verify needs --expected FILE");
    if (options->verb == RT_VERB_EMULATE && !options->figures)
        return rt_error_set(error, RT_USAGE, "emulate needs --figures FILE");
    return RT_OK;
}
