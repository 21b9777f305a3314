/* mutants_judge: what becomes of a mutant. A plan is written, with the digests of its inputs, and read again as gen
 * reads it, then lowered and proved; a schedule is proved. What nothing refuses is compared with the original. */
#include "mutants.h"

#include "plan/plan_digest.h"

#include "plan/planner.h"
#include "schedule/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIXTRAL TEST_SOURCE "/tests/data/mixtral-tiny"
#define LATENT TEST_SOURCE "/models/large-ep-small.yaml"
#define GATED TEST_SOURCE "/tests/data/latent-gated.yaml"
#define SMALL TEST_SOURCE "/models/ma-small.yaml"
#define CLUSTER TEST_SOURCE "/topologies/a100-4x4.yaml"
#define UNEVEN TEST_SOURCE "/tests/data/uneven-stages.lua:a=2,b=3,residual=sharded"

const BaseCase mutant_bases[] = {
    {"single", MIXTRAL, "single", 3},
    {"heads", MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=flat", 6},
    {"heads-sharded", MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=sharded", 6},
    {"heads-rails", MIXTRAL, "ma-separation:attention=6,experts=2,groups=1,output=hierarchical", 6},
    {"requests", MIXTRAL, "ma-separation:attention=4,experts=2,groups=4,microbatches=2", 9},
    {"grid", MIXTRAL,
     "ma-separation:attention=4,experts=2,groups=2,microbatches=2,output=flat,embedding=split", 6},
    {"tp-flat", MIXTRAL, "tp:tp=4,output=flat", 6},
    {"tp-ring", MIXTRAL, "tp:tp=4,output=ring", 6},
    {"tp-recursive", MIXTRAL, "tp:tp=6,output=recursive", 6},
    {"tp-latent", LATENT, "tp:tp=4,output=sharded", 6},
    {"ep-replicas", MIXTRAL, "ep:ep=12", 12},
    {"ep-groups", GATED, "ep:ep=2,tp=3", 6},
    {"ep-relayed", MIXTRAL, "ep:ep=6,exchange=aggregated,moves=padded", 6},
    {"ep-pairwise", MIXTRAL, "ep:ep=4,exchange=pairwise,moves=exact", 6},
    {"shared-columns", GATED, "ma-separation:attention=3,experts=3,groups=3,shared=columns", 6},
    {"shared-copies", GATED, "ma-separation:attention=2,experts=2,groups=1,shared=experts", 6},
    {"tp-shared", GATED, "tp:tp=3,shared=experts", 6},
    {"pp", SMALL, "pp:pp=4,microbatches=2", 12},
    {"pp-latent", LATENT, "pp:pp=4", 6},
    {"pp-copies", SMALL, "pp:pp=2,dp=2", 12},
    {"tp-pp", SMALL, "tp-pp:tp=2,pp=2,microbatches=2", 12},
    {"tp-pp-uneven", SMALL, UNEVEN, 12},
};
const int64_t mutant_base_count = sizeof mutant_bases / sizeof *mutant_bases;

/* --- bases -------------------------------------------------------------------------------------------- */

static void must(Base *base, Diag *diag, Status status) {
    if (status == STATUS_OK)
        return;
    diag_render(diag, stderr);
    fprintf(stderr, "the case %s is not good\n", base->name);
    exit(1);
}

void mutants_prepare(Base *base, const BaseCase *of) {
    *base = (Base){.name = of->name};
    Diag diag = {.arena = &base->arena};
    CheckReport report;
    PlanInputs *inputs = &base->plan.inputs;
    PlannerRequest request = {.strategy = of->strategy};
    must(base, &diag, model_read(&base->arena, of->model, NULL, &inputs->model, &diag));
    must(base, &diag, topology_read(&base->arena, CLUSTER, &inputs->topology, &diag));
    inputs->workload = (Workload){
        .batch = of->batch, .prefill = 5, .context = 16, .dtype = ELEMENT_F32, .candidates = 1};
    must(base, &diag, planner_run(&base->arena, &request, &base->plan, &diag));
    must(base, &diag, schedule_lower(&base->arena, &base->plan, &base->schedule, &diag));
    must(base, &diag, check_schedule(&base->schedule, &report, &base->arena, &diag));
    base->meaning = mutate_meaning(&base->arena, &base->schedule);
    if (base->meaning == 0) {
        fprintf(stderr, "the case %s has no meaning\n", base->name);
        exit(1);
    }
}

void mutants_release(Base *base) {
    arena_free(&base->arena);
}

/* --- refusals ----------------------------------------------------------------------------------------- */

/* Names of refusers: rules of the proof by their index, then codes as they are first met. */
static char codes[REFUSERS][24];

const char *mutants_refuser(int refuser) {
    static CheckReport report;
    static bool filled;
    if (refuser >= CHECK_RULE_COUNT)
        return codes[refuser];
    if (!filled) {
        static const char *const names[] = {
#define RULE(id, name, ...) name,
            CHECK_RULES(RULE)
#undef RULE
        };
        for (int i = 0; i < CHECK_RULE_COUNT; ++i)
            report.rules[i].name = names[i];
        filled = true;
    }
    return report.rules[refuser].name;
}

bool mutants_is_known(int refuser) {
    return refuser < CHECK_RULE_COUNT || codes[refuser][0] != '\0';
}

static void refuse(Verdict *verdict, int refuser) {
    verdict->refuser[verdict->refusers++] = refuser;
}

/* By the first error that was told. */
static void refuse_code(Verdict *verdict, const char *who, const Diag *diag) {
    char name[sizeof codes[0]];
    snprintf(name, sizeof name, "%s %s", who, diag->count > 0 ? diag->messages[0].code : "?");
    int i = CHECK_RULE_COUNT;
    while (i + 1 < REFUSERS && codes[i][0] && strcmp(codes[i], name) != 0)
        ++i;
    memcpy(codes[i], name, sizeof name);
    refuse(verdict, i);
}

static bool read_again(Arena *arena, const Plan *plan, Plan *read, Verdict *verdict) {
    static char path[64];
    Diag diag = {.arena = arena};
    Buf text = {0};
    snprintf(path, sizeof path, "/tmp/mutants-%ld.json", (long)getpid());
    Plan written = *plan;
    plan_digest_inputs(arena, &written.inputs);
    plan_write(&written, &text);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(text.data, 1, text.length, file) != text.length || fclose(file) != 0) {
        fprintf(stderr, "mutants: %s cannot be written\n", path);
        exit(1);
    }
    buf_free(&text);
    Status status = plan_read(arena, path, read, &diag);
    remove(path);
    if (status != STATUS_OK)
        refuse_code(verdict, "read", &diag);
    return status == STATUS_OK;
}

static void prove(Arena *arena, const Schedule *schedule, Verdict *verdict) {
    Diag diag = {.arena = arena};
    CheckReport report;
    Status status = check_schedule(schedule, &report, arena, &diag);
    Diag flat_diag = {.arena = arena};
    CheckReport flat;
    Status flat_status = check_schedule_flat(schedule, &flat, arena, &flat_diag);
    verdict->forms_differ = status != flat_status;
    for (int i = 0; i < CHECK_RULE_COUNT; ++i) {
        verdict->forms_differ =
            verdict->forms_differ || (report.rules[i].failures > 0) != (flat.rules[i].failures > 0);
        if (report.rules[i].failures > 0)
            refuse(verdict, i);
    }
    if ((status == STATUS_NEGATIVE) != (verdict->refusers > 0) ||
        (verdict->refusers > 0) != (diag.errors > 0)) {
        fprintf(stderr, "mutants: the proof's answer is not that of its rules\n");
        exit(1);
    }
}

static Equal compare(Arena *arena, const Base *base, const Schedule *schedule) {
    if (mutate_same(&base->schedule, schedule))
        return EQUAL_SAME;
    return mutate_meaning(arena, schedule) == base->meaning ? EQUAL_MEANING : EQUAL_NOT;
}

Verdict mutants_judge(Arena *arena, const Base *base, const Mutant *m) {
    Verdict verdict = {0};
    Schedule lowered;
    const Schedule *schedule = m->schedule;
    if (!schedule) {
        Plan *read = ARENA_NEW(arena, Plan);
        Diag diag = {.arena = arena};
        if (!read_again(arena, m->plan, read, &verdict))
            return verdict;
        if (schedule_size_check(read, &diag) != STATUS_OK ||
            schedule_lower(arena, read, &lowered, &diag) != STATUS_OK) {
            refuse_code(&verdict, "lower", &diag);
            return verdict;
        }
        schedule = &lowered;
    }
    prove(arena, schedule, &verdict);
    if (verdict.refusers == 0)
        verdict.equal = compare(arena, base, schedule);
    return verdict;
}

/* --- counts ------------------------------------------------------------------------------------------- */

void mutants_tally(Tally *tally, const Verdict *verdict, bool may_be_equal) {
    bool survived = verdict->refusers == 0 && (verdict->equal == EQUAL_NOT || !may_be_equal);
    ++tally->made;
    tally->refused += verdict->refusers > 0;
    tally->forms_differ += verdict->forms_differ;
    tally->survived += survived;
    if (verdict->refusers == 0 && !survived)
        ++tally->equal[verdict->equal];
    for (int64_t i = 0; i < verdict->refusers; ++i) {
        ++tally->by[verdict->refuser[i]];
        tally->alone[verdict->refuser[i]] += verdict->refusers == 1;
    }
}

void mutants_show(const Verdict *verdict, const char *what) {
    static const char *const equals[EQUALS] = {"", "the same schedule", "the same meaning"};
    fprintf(stderr, "  %s:", what);
    for (int64_t i = 0; i < verdict->refusers; ++i)
        fprintf(stderr, " %s", mutants_refuser(verdict->refuser[i]));
    fprintf(stderr, " %s\n", verdict->refusers == 0 ? equals[verdict->equal] : "");
}

void mutants_rules(const MutantTable *const *tables, int count, Tally *const *tallies) {
    for (int t = 0; t < count; ++t)
        for (int64_t i = 0; i < tables[t]->count; ++i) {
            const Tally *tally = &tallies[t][i];
            if (tally->made == 0)
                continue;
            fprintf(stderr,
                    "%-20s %6lld places %5lld made %5lld survived %4lld same %4lld meaning:",
                    tables[t]->operators[i].name, (long long)tally->places, (long long)tally->made,
                    (long long)tally->survived, (long long)tally->equal[EQUAL_SAME],
                    (long long)tally->equal[EQUAL_MEANING]);
            for (int r = 0; r < REFUSERS; ++r)
                if (tally->by[r])
                    fprintf(stderr, " %s %lld/%lld", mutants_refuser(r), (long long)tally->by[r],
                            (long long)tally->alone[r]);
            fprintf(stderr, "\n");
        }
}
