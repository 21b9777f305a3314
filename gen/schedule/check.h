/* check: proves a schedule against its plan. Each rule has a short stable name, says what it
 * proves, counts what it looked at, and refuses with a counterexample that names ranks,
 * operations and layers. The rules derive what they need from the plan and from what operations
 * declare (ops.def): they share no code with lowering but the iteration. docs/proof.md explains
 * them. */
#pragma once

#include "schedule/ledger.h"
#include "schedule/schedule.h"

/* RULE(id, name, code, what is counted, what is proved) */
#define CHECK_RULES(RULE)                                                                          \
    RULE(IDS, "shape.ids", "E0530", "operations",                                                  \
         "every id, argument, wait and layer lies within its table")                               \
    RULE(ROLES, "shape.roles", "E0550", "operations",                                              \
         "the table of a role says of each of its ranks what was proved of it")                    \
    RULE(REQUESTS, "coverage.requests", "E0531", "micro-batches",                                  \
         "every request is in one group of its copy, and in one micro-batch of every step")        \
    RULE(RESULTS, "coverage.results", "E0532", "results",                                          \
         "every request's new token is reported by one rank")                                      \
    RULE(HEADS, "coverage.heads", "E0533", "slices",                                               \
         "every query head is held and computed once in every request group")                      \
    RULE(KV_HEADS, "coverage.kv_heads", "E0534", "slices",                                         \
         "key and value heads lie where the query heads need them")                                \
    RULE(EXPERTS, "coverage.experts", "E0535", "slices",                                           \
         "every column of every expert of every layer is held once as primary")                    \
    RULE(VOCABULARY, "coverage.vocabulary", "E0536", "slices",                                     \
         "every vocabulary entry is embedded and scored once in every request group")              \
    RULE(TENSORS, "coverage.tensors", "E0537", "slices",                                           \
         "every element of every tensor is held once as primary in every copy")                    \
    RULE(LOADED, "coverage.loaded", "E0538", "weight arguments",                                   \
         "every weight that an operation reads is filled from the model")                          \
    RULE(ROUTES, "coverage.routes", "E0539", "routes",                                             \
         "every choice of an expert leads to slots that hold all its columns")                     \
    RULE(WORK, "coverage.work", "E0540", "layers x micro-batches",                                 \
         "every rank does its work once for each of its layers and micro-batches")                 \
    RULE(SHARE, "coverage.share", "E0546", "arguments",                                            \
         "every operation works on the rows, heads and slots that the plan gives its rank")        \
    RULE(LAYOUT, "coverage.layout", "E0547", "slices",                                             \
         "every slice lies in its buffer where operations look for it")                            \
    RULE(DENSE, "coverage.dense", "E0548", "slices",                                               \
         "every column of a feed-forward of all tokens is computed once in every request group")   \
    RULE(COLLECTIVE, "match.collective", "E0541", "collectives",                                   \
         "all members issue the same collective with equal sizes")                                 \
    RULE(EXCHANGE, "match.exchange", "E0542", "exchanges",                                         \
         "all sources and targets are at the same exchange, each with its side's windows")         \
    RULE(PLANNED, "match.plan", "E0554", "ends",                                                   \
         "every exchange has the rows, slots and way of moving that the plan gives it")            \
    RULE(CHANNEL, "order.channel", "E0543", "moves",                                               \
         "all members issue the moves of a channel in the same order")                             \
    RULE(CAPTURE, "capture.uniform", "E0549", "steps",                                             \
         "ranks that meet in a step all capture it or none does, and no captured move needs "      \
         "counts")                                                                                 \
    RULE(CYCLE, "order.cycle", "E0544", "moves",                                                   \
         "no wait cycle with nothing buffered: all ranks come to their end")                       \
    RULE(RACE, "order.race", "E0545", "accesses",                                                  \
         "overlapping bytes are never touched unordered where one of the two writes")              \
    RULE(EVENTS, "order.events", "E0555", "waits",                                                 \
         "an operation waits only for events that are recorded before it, or a round before")      \
    RULE(REDUCE, "provenance.reduce", "E0551", "sums",                                             \
         "every sum over ranks has the part of every member once")                                 \
    RULE(ASSOCIATION, "provenance.order", "E0553", "sums",                                         \
         "members that read the same sum over ranks have had its parts added in the same order")   \
    RULE(GATHER, "provenance.gather", "E0552", "reads",                                            \
         "what a rank reads of a moved buffer has arrived")                                        \
    RULE(FLOW, "provenance.flow", "E0556", "operations",                                           \
         "every operation reads what the model's layer gives it")                                  \
    RULE(ARGUMENTS, "bounds.arguments", "E0561", "arguments",                                      \
         "every argument lies inside its buffer")                                                  \
    RULE(WINDOWS, "bounds.windows", "E0562", "windows",                                            \
         "every window holds what can arrive, whatever the routing")                               \
    RULE(NUMBERS, "bounds.numbers", "E0557", "numbers",                                            \
         "every number fits the place that a program has for it")                                  \
    RULE(CLOBBERED, "lifetime.clobbered", "E0563", "reads",                                        \
         "nothing that is still to be read is overwritten by another buffer")                      \
    RULE(UNWRITTEN, "lifetime.unwritten", "E0564", "reads",                                        \
         "every activation is written in the step before it is read")                              \
    RULE(UNREAD, "lifetime.unread", "E0565", "writes", "every activation that is written is read") \
    RULE(STALE, "lifetime.stale", "E0566", "reads",                                                \
         "what an operation reads was made for its own layer and micro-batch")                     \
    RULE(SLAB, "memory.slab", "E0571", "buffers",                                                  \
         "every buffer lies in the slab, aligned, and at the same place in all of a role")         \
    RULE(OVERLAP, "memory.overlap", "E0572", "buffers",                                            \
         "weights and state share no byte with anything")                                          \
    RULE(FITS, "memory.fits", "E0573", "ranks", "the slab of every rank fits its GPU's memory")

typedef enum CheckRuleId {
#define RULE(id, ...) CHECK_##id,
    CHECK_RULES(RULE)
#undef RULE
        CHECK_RULE_COUNT,
} CheckRuleId;

typedef struct CheckRule {
    const char *name, *code, *unit, *proves;
    int64_t count;    /* of what was looked at */
    int64_t failures; /* 0: proved */
    bool ran;         /* rules that need what another refused do not run */
} CheckRule;

typedef struct CheckReport {
    CheckRule rules[CHECK_RULE_COUNT];
    Ledger ledger; /* empty where `shape.ids` is refused */
    int64_t failures;
} CheckReport;

/* Prove a schedule. STATUS_NEGATIVE if a rule refuses it; the report is complete in both cases. */
Status check_schedule(const Schedule *schedule, CheckReport *report, Arena *arena, Diag *diag);

/* The same, but layers that recur are gone through one by one: the longer way to the same verdict, for tests. */
Status check_schedule_flat(const Schedule *schedule, CheckReport *report, Arena *arena, Diag *diag);
