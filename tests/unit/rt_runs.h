/* rt_runs: calls the program of rt_moves.h with a command line, and keeps what it says in a folder of the test. The binary
 * of the test is launcher and rank at once: called with a verb, it is the program (RUNS_MAIN). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rt_moves.h"
#include "schedule/record.h"

enum { SEQUENCES = 4, MAX_NEW = 5 };
extern const int32_t runs_lengths[SEQUENCES], runs_max_new[1], runs_ids[SEQUENCES][4];
extern char runs_dir[64];

int runs_setup(void **state);
int runs_teardown(void **state);

/* A path in the folder; up to eight are good at a time. */
const char *runs_path(const char *name);

/* Call rt_main with a command line, its output in DIR/stdout and DIR/stderr; its status. */
int runs_call_program(const rt_program *of, const char *line);
int runs_call(const char *line);
/* The same where the line says --transport nccl: a process a rank, as torchrun starts them. Says what rank 0 says; that of
 * the others is in DIR/stderr.RANK. */
extern int runs_status[WORLD]; /* of each rank; -N: ended by signal N */
/* A command line of `run` on the transport that is the test's state. */
const char *runs_line(void **state, const char *more);

/* The text of a file in the folder, until the next is asked for. */
const char *runs_content(const char *name);
void runs_assert_contains(const char *name, const char *part);

/* New token t of sequence s. */
int32_t runs_token(int s, int t);
/* The records PREFIX.RANK; the arena owns what is read. */
void runs_records(Arena *arena, const char *prefix, Record records[WORLD]);

#define ON(test, transport)                                                                        \
    { #test " over " transport, test, NULL, NULL, (void *)(uintptr_t)transport }

#define RUNS_MAIN(tests)                                                                           \
    int main(int argc, char **argv) {                                                              \
        return argc > 1 ? rt_main(&moves_program, argc, argv)                                      \
                        : cmocka_run_group_tests(tests, runs_setup, runs_teardown);                \
    }
