/* job: what the ranks are asked to do: the token ids, how many waves of how many steps, what to record.
 * Every process of a program reads the same job from the same command line, so that all compute the
 * same layout of the shared segment. A job owns its arrays and is constant once the ranks run. */
#pragma once

#include "core/array_file.h"
#include "core/options.h"
#include "core/emulate_figures.h"

typedef struct rt_job {
    const rt_program *program;
    const rt_options *options;
    int64_t sequences, longest, max_new;
    int64_t round, waves;   /* waves that all sequences take; in all, several rounds in bench */
    const int32_t *lengths; /* [sequences] */
    const int32_t *ids;     /* [sequences][longest] */
    int64_t stops;          /* ids that end a sequence */
    const int32_t *stop;    /* [stops] */
    rt_choice choice;       /* of next tokens */
    uint64_t choice_key;    /* of the seed */
    bool tracks;            /* ranks note which sequences have ended */
    bool logits;            /* ranks store the logits of the prompt */
    bool scores;            /* they do so for one wave at a time, to rate the prompt's own tokens */
    bool trace;             /* ranks record an event per operation */
    bool times;             /* ranks record the time of each operation */
    int64_t warm_steps;     /* decode steps of an uncounted first run; -1: none */
    const rt_step *prefill; /* never NULL */
    const rt_step *decode;  /* NULL: the program has none, max_new is 1 */
    rt_arrays file;         /* tokens, expectations or figures as read */
    bool preflight;         /* links are measured, nothing else */
    int64_t emulated;       /* runs of each step that are emulated; 0: the program computes */
    rt_figures figures;     /* of the emulation, in `file` */
    int32_t *made;          /* made-up lengths and ids of bench */
} rt_job;

/* Read what the options name, and check it against the program's bounds. */
rt_status rt_job_open(rt_job *job, const rt_program *program, const rt_options *options,
                      rt_error *error);
void rt_job_close(rt_job *job);
