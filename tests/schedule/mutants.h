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
    Buf text; /* of the schedule */
} Base;

extern const BaseCase mutant_bases[];
extern const int64_t mutant_base_count;

void mutants_prepare(Base *base, const BaseCase *of);
void mutants_release(Base *base);

/* Why a mutant that is not refused is no fault. */
typedef enum Equal {
    EQUAL_NOT,
    EQUAL_TEXT,    /* its schedule is the same to the byte: nothing reads what was changed */
    EQUAL_MEANING, /* it computes the same, and all accesses are in order */
    EQUALS
} Equal;

/* Who refuses: codes of the plan's reader and of lowering, and rules of the proof. */
enum { REFUSERS = 96 };
typedef struct Verdict {
    int64_t refusers; /* how many */
    int refuser[REFUSERS];
    Equal equal;
} Verdict;

Verdict mutants_judge(Arena *arena, const Base *base, const Mutant *m);

typedef struct Tally {
    int64_t places, made, refused, survived, equal[EQUALS];
    int64_t by[REFUSERS], alone[REFUSERS];
} Tally;

void mutants_tally(Tally *tally, const Verdict *verdict);
void mutants_show(const Verdict *verdict, const char *what);
void mutants_rules(const MutantTable *const *tables, int count, Tally *const *tallies);
