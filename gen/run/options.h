/* options: the command line. One table of options (verbs, letter, name, argument, doc) feeds parsing, the
 * help of each verb and the messages about what was mistyped. Values stay text that points into argv:
 * who uses one gives it a type. This module runs nothing. */
#pragma once

#include "base/diag.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum Verb {
    VERB_INIT,
    VERB_MAKE,
    VERB_PLAN,
    VERB_CHECK,
    VERB_EMIT,
    VERB_BUILD,
    VERB_WEIGHTS,
    VERB_RUN,
    VERB_VERIFY,
    VERB_BENCH,
    VERB_PERPLEXITY,
    VERB_TOKENS,
    VERB_SIMULATE,
    VERB_CALIBRATE,
    VERB_SHOW,
    VERB_DIFF,
    VERB_SWEEP,
    VERB_REPORT,
    VERB_DOCTOR,
    VERB_EXPLAIN,
    VERB_HELP,
    VERBS,
} Verb;

typedef struct VerbInfo {
    const char *name, *operand; /* operand: as shown in the usage line; NULL: takes none */
    bool operand_needed;
    const char *doc, *example;
    const char *second; /* a further operand, needed too; NULL: takes one at most */
} VerbInfo;

extern const VerbInfo verb_info[VERBS];

typedef enum OptionId {
    OPTION_MODEL,
    OPTION_TOPOLOGY,
    OPTION_WORKLOAD,
    OPTION_STRATEGY,
    OPTION_SET,
    OPTION_VARY,
    OPTION_BY,
    OPTION_ONLY,
    OPTION_BATCH,
    OPTION_PREFILL,
    OPTION_CONTEXT,
    OPTION_DTYPE,
    OPTION_CANDIDATES,
    OPTION_TENSOR_PARALLEL,
    OPTION_PIPELINE_PARALLEL,
    OPTION_DATA_PARALLEL,
    OPTION_EXPERT_PARALLEL,
    OPTION_NAME,
    OPTION_OUTPUT,
    OPTION_TARGET,
    OPTION_ARCH,
    OPTION_KERNELS,
    OPTION_FROM,
    OPTION_FROM_NVIDIA_SMI,
    OPTION_FROM_NCCL_XML,
    OPTION_GPU,
    OPTION_TOKENS,
    OPTION_PROMPT,
    OPTION_PROMPTS,
    OPTION_TOKENIZER,
    OPTION_STOP,
    OPTION_STOP_ID,
    OPTION_TEMPERATURE,
    OPTION_TOP_K,
    OPTION_TOP_P,
    OPTION_SEED,
    OPTION_TEXT,
    OPTION_WINDOW,
    OPTION_STRIDE,
    OPTION_LINES,
    OPTION_DECODE,
    OPTION_MAX_NEW_TOKENS,
    OPTION_LOGITS,
    OPTION_WEIGHTS,
    OPTION_TRANSPORT,
    OPTION_TIMEOUT,
    OPTION_TRACE,
    OPTION_RECORD,
    OPTION_CERTIFICATE,
    OPTION_STEPS,
    OPTION_EMULATE,
    OPTION_PREFLIGHT,
    OPTION_SCALE,
    OPTION_REPEAT,
    OPTION_PROMPT_TOKENS,
    OPTION_EMIT_ONLY,
    OPTION_IMPORT,
    OPTION_QUICK,
    OPTION_RANK,
    OPTION_FORMAT,
    OPTION_STEP,
    OPTION_EMULATION,
    OPTION_MEASUREMENT,
    OPTION_COST,
    OPTION_SHARE,
    OPTION_RUNTIME,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTIONS,
} OptionId;

enum { OPTIONS_MANY = 64 };

typedef struct Options {
    Verb verb;
    const char *operand;         /* NULL: none given */
    const char *second;          /* the further operand of verbs that take two */
    const char *values[OPTIONS]; /* NULL: not given; "" for a flag that was; the last of many */
    struct {
        OptionId id;
        const char *text;
    } many[OPTIONS_MANY]; /* values of options that may be given several times, in order */
    int64_t many_count;
} Options;

/* Read the command line. Mistakes are E091x with STATUS_USAGE. `--help` and `--version` become the verb
 * help (operand: the verb asked about, or NULL) and the value of OPTION_VERSION. */
Status options_parse(int argc, char **argv, Options *options, Diag *diag);

/* Help of gen, or of one verb. */
void options_help(FILE *out);
void options_help_verb(Verb verb, FILE *out);

/* The verb of this name; VERBS if there is none. */
Verb options_verb(const char *name);
const char *options_nearest_verb(const char *name);

static inline bool options_given(const Options *options, OptionId id) {
    return options->values[id] != NULL;
}

/* The integer value of an option within [min, max], or `fallback` if it was not given; else E0917. */
Status options_int(const Options *options, OptionId id, int64_t min, int64_t max, int64_t fallback,
                   int64_t *value, Diag *diag);

const char *options_name(OptionId id);

/* The place of an option, for messages about its value. */
DiagPlace options_place(Diag *diag, OptionId id);
