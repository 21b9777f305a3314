/* text_input: which tokenizer goes with a program, and which tokens end its texts. */
#pragma once

#include "plan/plan.h"
#include "run/command.h"
#include "run/tokens.h"
#include "text/tokenizer.h"

/* The tokenizer of --tokenizer, else the one in the program's folder DIR, else beside the checkpoint of its weights, else
 * where the model says. The caller frees it. E0833: there is none; E0626: its ids go beyond the model's vocabulary; a
 * warning E0627 where it knows much less. `dir` NULL: only --tokenizer counts, and `plan` is not looked at. */
Status text_tokenizer(Run *run, const char *dir, const Plan *plan, Tokenizer **tokenizer);

/* Append the tokens that end a text: eos_token_id of generation_config.json, else of config.json, beside the tokenizer,
 * else what tokenizer_config.json names; then those of --stop-id. The caller frees them. */
Status text_end_tokens(Run *run, const Tokenizer *tokenizer, int64_t vocabulary, Ids *ends);

/* How --temperature, --top-k, --top-p and --seed choose tokens; without the first the others stand for 1. E0854: the program
 * tells too few candidates apart. */
Status text_choice(Run *run, const Plan *plan, TokensChoice *choice);

/* Tell how generation_config.json beside the tokenizer would draw, where it would and the command line says nothing
 * of it. */
Status text_tell_choice(Run *run, const Tokenizer *tokenizer);

/* Append the ids of --stop-id. */
Status text_stop_ids(Run *run, int64_t vocabulary, Ids *ends);
