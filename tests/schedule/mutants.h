/* mutants: what the files of the driver share: the good cases, what became of a mutant, and counts of that. */
#pragma once

#include "mutate.h"

typedef struct BaseCase {
    const char *name, *model, *strategy;
    int64_t batch;
} BaseCase;

/* A good case: a plan that the planner makes, its schedule, and what both compute. */
typedef struct Base {
    const char *name;
    Arena arena;
    Plan plan;
    Schedule schedule;
    uint64_t meaning;
} Base;

extern const BaseCase mutant_bases[];
extern const int64_t mutant_base_count;

void mutants_prepare(Base *base, const BaseCase *of);
void mutants_release(Base *base);

/* Why a mutant that is not refused is no fault. */
typedef enum Equal {
    EQUAL_NOT,
    EQUAL_SAME,    /* it is lowered to the same schedule: nothing reads what was changed */
    EQUAL_MEANING, /* it computes the same, and all accesses are in order */
    EQUALS
} Equal;

/* Who refuses: codes of the plan's reader and of lowering, and rules of the proof. */
enum { REFUSERS = 96 };
typedef struct Verdict {
    int64_t refusers; /* how many */
    int refuser[REFUSERS];
    Equal equal;
    bool forms_differ; /* folded and flat proofs refuse by other rules */
} Verdict;

Verdict mutants_judge(Arena *arena, const Base *base, const Mutant *m);

typedef struct Tally {
    int64_t places, made, refused, survived, forms_differ, equal[EQUALS];
    int64_t by[REFUSERS], alone[REFUSERS];
} Tally;

void mutants_tally(Tally *tally, const Verdict *verdict, bool may_be_equal);
void mutants_show(const Verdict *verdict, const char *what);
/* docs/mutants.md (mutants_page.c), and whether a page names all operators and rules, and no other. */
void mutants_page(const MutantTable *const *tables, int count, Tally *const *tallies);
int64_t mutants_names(const MutantTable *const *tables, int count, const char *path);
const char *mutants_refuser(int refuser);
bool mutants_is_known(int refuser);
void mutants_rules(const MutantTable *const *tables, int count, Tally *const *tallies);
