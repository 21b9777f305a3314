/* options: the command line of an emitted program. Texts belong to argv. */
#pragma once

#include "core/error.h"

typedef enum rt_verb {
    RT_VERB_RUN = 1,
    RT_VERB_VERIFY = 2,
    RT_VERB_BENCH = 4,
    RT_VERB_MEASURE = 8,
    RT_VERB_INFO = 16,
    RT_VERB_EMULATE = 32,
    RT_VERB_PREFLIGHT = 64
} rt_verb;

typedef enum rt_transport {
    RT_TRANSPORT_AUTO,
    RT_TRANSPORT_SHM,
    RT_TRANSPORT_THREADS,
    RT_TRANSPORT_NCCL,
    RT_TRANSPORT_LOOPBACK
} rt_transport;

typedef struct rt_options {
    rt_verb verb;
    const char *tokens, *out, *logits, *scores, *stream, *weights, *trace, *expected, *figures,
        *record;
    const char *master, *rendezvous, *secret_file; /* where processes of several hosts meet */
    rt_transport transport;
    int64_t timeout_ms, load_timeout_ms;         /* 0: no limit */
    int64_t max_new;                             /* 0: as the tokens file says */
    int64_t steps, prompt_tokens, batch, repeat; /* of bench and its kin; 0: default */
    double share; /* of what the topology says that preflight wants */
    bool json, quiet;
    int64_t rank, segment_fd; /* given by the launcher to the ranks that it spawns; else -1 */
} rt_options;

/* Read the command line. RT_USAGE with a text that names the mistake and what is allowed. */
rt_status rt_options_read(rt_options *options, int argc, char **argv, rt_error *error);

/* The text that --help prints. */
const char *rt_options_help(void);
