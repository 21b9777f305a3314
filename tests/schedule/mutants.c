/* mutants: breaks good plans and schedules in every way that the tables of operators know, one at a time, and asks
 * the plan's reader, lowering and the proof. Each mutant is refused by a named rule, or it is shown to be equivalent:
 * nothing reads what was changed, or it computes the same with all accesses in order. Anything else fails.
 *
 *   mutants [--seed N] [--limit N | --all] [--operator NAME] [--base NAME] [--place N] [--page] [--names FILE]
 */
#include "mutants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT = 5, EVERY = 60 /* places of an operator in a base: sampled, --all */ };

static const MutantTable *const tables[] = {
    &mutate_plan_table, &mutate_order_table,  &mutate_moves_table, &mutate_ops_table,
    &mutate_args_table, &mutate_layout_table, &mutate_ways_table};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct Options {
    uint64_t seed;
    int64_t limit, place;
    const char *operator, * base, *names;
    bool page, verbose;
} Options;

/* splitmix64: places must not depend on the library of the machine. */
static uint64_t draw(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; ++text)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* The mutant of an operator at a place of a base, in `arena`; wanted -1 counts the places. */
static Mutant make(Arena *arena, const Base *base, MutantObject object,
                   const MutantOperator *operator, int64_t place) {
    Mutant m = {.arena = arena, .wanted = place};
    bool counts = place < 0;
    m.plan = counts ? (Plan *)&base->plan : mutate_copy_plan(arena, &base->plan);
    if (object == OF_SCHEDULE)
        m.schedule = counts ? (Schedule *)&base->schedule
                            : mutate_copy_schedule(arena, &base->schedule, m.plan);
    operator->mutate(&m);
    return m;
}

static void tell_survivor(const Base *base, const MutantOperator *operator, int64_t place,
                          const Mutant *m) {
    fprintf(stderr, "nothing refuses %s at place %lld of %s: %s\n", operator->name,
            (long long)place, base->name, m->what);
}

static void run_place(const Options *options, const Base *base, MutantObject object,
                      const MutantOperator *operator, int64_t place, Tally *tally) {
    Arena arena = {0};
    Mutant m = make(&arena, base, object, operator, place);
    Verdict verdict = mutants_judge(&arena, base, &m);
    mutants_tally(tally, &verdict, operator->equal != NULL);
    if (verdict.refusers == 0 && (verdict.equal == EQUAL_NOT || !operator->equal))
        tell_survivor(base, operator, place, &m);
    if (verdict.forms_differ)
        fprintf(stderr,
                "folded and flat proofs differ for %s at place %lld of %s: %s\n", operator->name,
                (long long)place, base->name, m.what);
    if (options->verbose)
        mutants_show(&verdict, m.what);
    arena_free(&arena);
}

static void run_operator(const Options *options, const Base *base, MutantObject object,
                         const MutantOperator *operator, Tally * tally) {
    Arena arena = {0};
    int64_t places = make(&arena, base, object, operator, - 1).seen;
    arena_free(&arena);
    tally->places += places;
    uint64_t state = hash_text(hash_text(options->seed, operator->name), base->name);
    int64_t count = places < options->limit ? places : options->limit;
    for (int64_t i = 0; i < count; ++i) {
        int64_t from = places * i / count, to = places * (i + 1) / count;
        int64_t place = from + (int64_t)(draw(&state) % (uint64_t)(to - from));
        if (options->place < 0 || (options->place < places && i == 0))
            run_place(options, base, object, operator, options->place<0 ? place : options->place,
                      tally);
    }
}

static bool wanted(const char *filter, const char *name) {
    return !filter || strcmp(filter, name) == 0;
}

/* All operators over all bases. [tables][operators] tallies; the number of failures is returned. */
static int64_t run_all(const Options *options, Tally **tallies) {
    int64_t failures = 0;
    for (int64_t b = 0; b < mutant_base_count; ++b) {
        Base base;
        if (!wanted(options->base, mutant_bases[b].name))
            continue;
        mutants_prepare(&base, &mutant_bases[b]);
        for (int t = 0; t < TABLES; ++t)
            for (int64_t i = 0; i < tables[t]->count; ++i)
                if (wanted(options->operator, tables[t]->operators[i].name))
                    run_operator(options, &base, tables[t]->object, &tables[t]->operators[i],
                                 &tallies[t][i]);
        mutants_release(&base);
    }
    for (int t = 0; t < TABLES; ++t)
        for (int64_t i = 0; i < tables[t]->count; ++i) {
            failures += tallies[t][i].survived + tallies[t][i].forms_differ;
            if (tallies[t][i].places > 0 || options->operator|| options->base)
                continue;
            fprintf(stderr, "%s has no place in any base\n", tables[t]->operators[i].name);
            ++failures;
        }
    return failures;
}

static Options read_options(int count, char **arguments) {
    Options options = {.limit = LIMIT, .place = -1};
    for (int i = 1; i < count; ++i) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (strcmp(name, "--all") == 0)
            options.limit = EVERY;
        else if (strcmp(name, "--page") == 0)
            options.page = true;
        else if (strcmp(name, "--verbose") == 0)
            options.verbose = true;
        else if (!value)
            exit((fprintf(stderr, "mutants: %s is not known, or lacks its value\n", name), 2));
        else if (strcmp(name, "--seed") == 0)
            options.seed = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(name, "--limit") == 0)
            options.limit = strtoll(arguments[++i], NULL, 10);
        else if (strcmp(name, "--place") == 0)
            options.place = strtoll(arguments[++i], NULL, 10);
        else if (strcmp(name, "--operator") == 0)
            options.operator= arguments[++i];
        else if (strcmp(name, "--base") == 0)
            options.base = arguments[++i];
        else if (strcmp(name, "--names") == 0)
            options.names = arguments[++i];
        else
            exit((fprintf(stderr, "mutants: %s is not known\n", name), 2));
    }
    return options;
}

int main(int count, char **arguments) {
    Options options = read_options(count, arguments);
    Arena arena = {0};
    Tally **tallies = ARENA_ARRAY(&arena, TABLES, Tally *);
    for (int t = 0; t < TABLES; ++t)
        tallies[t] = ARENA_ARRAY(&arena, tables[t]->count, Tally);
    int64_t failures = run_all(&options, tallies), made = 0, equal = 0;
    for (int t = 0; t < TABLES; ++t)
        for (int64_t i = 0; i < tables[t]->count; ++i) {
            made += tallies[t][i].made;
            equal += tallies[t][i].made - tallies[t][i].refused - tallies[t][i].survived;
        }
    if (options.names)
        failures += mutants_names(tables, TABLES, options.names);
    (options.page ? mutants_page : mutants_rules)(tables, TABLES, tallies);
    fprintf(stderr, "%lld mutants, %lld equivalent, %lld failures, %.1f s\n", (long long)made,
            (long long)equal, (long long)failures, (double)clock() / CLOCKS_PER_SEC);
    arena_free(&arena);
    return failures > 0;
}
