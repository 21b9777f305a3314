/* mutants_page: docs/mutants.md, made of what a run counted; and the cheap half of its test, that it has a row for each
 * operator and each rule. */
#include "mutants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "# Mutants: every way to break a plan or a schedule that we know of, and who refuses it\n\n"
    "`ninja mutants-update` makes this page: `tests/schedule/mutants.c` takes good cases of all "
    "strategies, applies each\n"
    "operator below at its places, 5 of each in each case, seeded, and asks the plan's "
    "reader, lowering and the\n"
    "proof. A mutant that is refused by nothing must be shown equivalent, or the run fails. The "
    "test `schedule/mutants`\n"
    "makes the same ones; others by (`--seed N`, `--limit N`, `--all`, `--operator NAME`, `--base "
    "NAME`, "
    "`--place N`, `--verbose`).\n\n"
    "- Plans are written, digests anew, and read again before they are lowered. Roles and their "
    "tables are made anew\n"
    "  behind a change of an operation, so that no mutant is refused only because a table is "
    "stale.\n"
    "- An operation is broken on one rank, on all ranks of its role, and on the like operation of "
    "all ranks.\n"
    "- The folded and the flat proof must refuse by the same rules.\n"
    "- *Same*: the plan is lowered to the same schedule, field by field. *Meaning*: the schedule "
    "computes the same, which\n"
    "  is decided by running it over symbols (`mutate_meaning.c`): kernels row by row, sums "
    "without order, experts by the\n"
    "  weights that routes lead to, over a prefill and two decodes; and all accesses to common "
    "bytes are ordered, by the\n"
    "  closure over all pairs of executions (`meaning_order.c`). Only operators with a reason may "
    "be equivalent.\n\n"
    "Mutants of emitted sources: [mutants-sources.md](mutants-sources.md).\n";

static void write_operators(const MutantTable *table, const Tally *tallies) {
    printf("| operator | what it does | made | refused | same | meaning | who refuses |\n"
           "|---|---|---|---|---|---|---|\n");
    for (int64_t i = 0; i < table->count; ++i) {
        const MutantOperator *operator= & table->operators[i];
        const Tally *tally = &tallies[i];
        printf("| `%s` | %s | %lld | %lld | %lld | %lld |", operator->name, operator->does,
               (long long)tally->made, (long long)tally->refused,
               (long long)tally->equal[EQUAL_SAME], (long long)tally->equal[EQUAL_MEANING]);
        for (int r = 0, n = 0; r < REFUSERS; ++r)
            if (tally->by[r] > 0)
                printf("%s %s %lld", n++ ? "," : "", mutants_refuser(r), (long long)tally->by[r]);
        printf(" |\n");
    }
}

static void write_reasons(const MutantTable *const *tables, int count, Tally *const *tallies) {
    printf("\n## Equivalent mutants\n\n| operator | of | why it is no fault |\n|---|---|---|\n");
    for (int t = 0; t < count; ++t)
        for (int64_t i = 0; i < tables[t]->count; ++i) {
            const Tally *tally = &tallies[t][i];
            long long equal = (long long)(tally->equal[EQUAL_SAME] + tally->equal[EQUAL_MEANING]);
            if (equal > 0)
                printf("| `%s` | %lld of %lld | %s |\n", tables[t]->operators[i].name, equal,
                       (long long)tally->made, tables[t]->operators[i].equal);
        }
}

static void write_rules(const MutantTable *const *tables, int count, Tally *const *tallies) {
    printf("\n## Kills by rule\n\n"
           "Alone: mutants that nothing else refuses.\n\n"
           "| rule | kills | alone |\n|---|---|---|\n");
    for (int r = 0; r < REFUSERS; ++r) {
        long long by = 0, alone = 0;
        for (int t = 0; t < count; ++t)
            for (int64_t i = 0; i < tables[t]->count; ++i) {
                by += (long long)tallies[t][i].by[r];
                alone += (long long)tallies[t][i].alone[r];
            }
        if (mutants_is_known(r))
            printf("| `%s` | %lld | %lld |\n", mutants_refuser(r), by, alone);
    }
}

void mutants_page(const MutantTable *const *tables, int count, Tally *const *tallies) {
    static const char *const titles[MUTANT_OBJECTS] = {"Plans", "Collectives", "Schedules"};
    fputs(head, stdout);
    for (int t = 0; t < count; ++t) {
        if (t == 0 || tables[t]->object != tables[t - 1]->object)
            printf("\n## %s\n", titles[tables[t]->object]);
        printf("\n");
        write_operators(tables[t], tallies[t]);
    }
    write_reasons(tables, count, tallies);
    write_rules(tables, count, tallies);
}

static bool has_row(const char *text, const char *name) {
    char row[64];
    snprintf(row, sizeof row, "\n| `%s` |", name);
    return strstr(text, row) != NULL;
}

int64_t mutants_names(const MutantTable *const *tables, int count, const char *path) {
    FILE *file = fopen(path, "r");
    static char text[1 << 20];
    int64_t missing = 0;
    if (!file || fread(text, 1, sizeof text - 1, file) == 0) {
        fprintf(stderr, "mutants: %s cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    for (int t = 0; t < count; ++t)
        for (int64_t i = 0; i < tables[t]->count; ++i)
            if (!has_row(text, tables[t]->operators[i].name)) {
                fprintf(stderr, "%s has no row for operator %s\n", path,
                        tables[t]->operators[i].name);
                ++missing;
            }
    for (int r = 0; r < CHECK_RULE_COUNT; ++r)
        if (!has_row(text, mutants_refuser(r))) {
            fprintf(stderr, "%s has no row for rule %s\n", path, mutants_refuser(r));
            ++missing;
        }
    if (missing > 0)
        fprintf(stderr, "make it anew: ninja mutants-update\n");
    return missing;
}
