/* check: a slab for one rank, random data and comparisons, for the tests of kernels. Compiled together with the kernels
 * of an emitted program, whose constants.h says which model and element type they are for, and with what stands for
 * the target's runtime (check_host.c, check_cuda.c). The references are in double precision and share no code with the
 * kernels. */
#pragma once

#include "kernels/kernel.h"

#include "schedule/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CHECK_ELEMENT /* kernels that say nothing of elements to their host */
#include "check_element.h"
#endif

/* Largest allowed error relative to the largest expected value. */
#define TOLERANCE (sizeof(elem_t) == 4 ? 1e-5 : ELEMENT_IS_BF16 ? 2e-2 : 3e-3)
#define ELEMENT_IS_BF16 (elem_load((elem_t)0x3f80) == 1.0f)

/* --- slab: grows by offsets, with a guard behind every buffer ------------------------------------------- */

void slab_reset(void);
int64_t slab_bytes(int64_t bytes);
/* Buffers of elements: random in +-range, or zero. The workspace of an operation has exactly the bytes that gen
 * would give it. */
int64_t slab_random(int64_t count, double range);
int64_t slab_zero(int64_t count);
int64_t slab_ints(const int32_t *values, int64_t count);
int64_t slab_workspace(OpKind kind, const void *args);

int64_t check_workspace_bytes(OpKind kind, const void *args, bool f32); /* check_workspace.c */

void *slab_at(int64_t offset);
double element(int64_t offset, int64_t index); /* as double */
void guards_intact(const char *test);

/* --- checks --------------------------------------------------------------------------------------------- */

extern int failures;

uint64_t random_bits(void);
double random_real(double range);
int64_t random_below(int64_t bound);
/* Where the random numbers stand, and back to there. */
uint64_t random_mark(void);
void random_return(uint64_t mark);

void check(bool holds, const char *test, const char *what, int64_t index);
/* Elements at `offset` against `expected`, relative to the largest expected. */
void check_elements(const char *test, int64_t offset, const double *expected, int64_t count);
void check_reals(const char *test, const float *actual, const double *expected, int64_t count,
                 double tolerance);

/* Logits that rt_logits_row hands out, [LOGIT_SEQUENCES][PROMPT][VOCABULARY]; wanted: rt_wants_logits. */
enum { LOGIT_SEQUENCES = 3 };
extern float *logits;
extern bool logits_wanted;
extern rt_choice choice;     /* of next tokens */
extern uint64_t choice_seed; /* of their noise */
extern int kernel_failures;  /* calls of rt_fail */

/* What stands for a target's runtime: made ready (with the path of the module, where there is one), checks of its own
 * before all others, its name. */
void target_open(const char *module);
void target_checks(void);
const char *target_name(void);
extern const int target_draws; /* of tokens, as many as are quick */
/* To the end, with what the kernel tells only then. */
rt_status run_kernel(rt_kernel_fn kernel, const void *args);

/* Run a kernel and check its guards. */
void launch(const char *test, rt_kernel_fn kernel, const void *args);

/* Element i of `size` elements from `base` on after rotation, in double, by definition, with YaRN where the model has
 * it. */
double turned(int64_t buffer, int64_t base, int64_t i, int64_t size, int32_t position);

rt_vectors widest_vectors(void); /* check_host.c */

void check_sets(void); /* check_dot.c */
void check_products(void);
void check_rows(void);      /* check_rows.c */
void check_heads(void);     /* check_heads.c */
void check_choice(void);    /* check_choice.c */
void check_latent(void);    /* check_latent.c */
void check_attention(void); /* check_attention.c */
void check_routing(void);   /* check_routing.c */
void check_experts(void);   /* check_experts.c */
