/* kill: runs of an emitted program in which a process is struck by a signal at a chosen moment, and what must be
 * true afterwards. kill.c draws the cases and prints the table, kill_case.c runs and judges one,
 * kill_process.c starts, finds and reaps processes, kill_steady.c holds what must survive. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { KILL_WORLD = 64 /* ranks at most */, KILL_TEXT = 400, KILL_PATH = 512 };

typedef enum KillPhase { LOADING, PREFILL, DECODE, SHUTDOWN, PHASES } KillPhase;
extern const char *const kill_phase_names[PHASES];

/* What is the same in all cases. */
typedef struct KillPlan {
    const char *program; /* absolute path of the binary */
    char digest[17];
    int world, steps;
    int64_t timeout_ms;
    uint64_t seed;
    char folder[KILL_PATH / 2];  /* a folder a case */
    double phase_length[PHASES]; /* of a run that nobody disturbs, seconds */
} KillPlan;

typedef struct KillCase {
    int index, signal, target; /* target: rank, -1: the launcher */
    bool seats;                /* ranks started one by one, as torchrun does */
    bool early;                /* strike without waiting for the segment */
    bool trace;                /* the run shall also write a trace */
    KillPhase phase;           /* in which to strike */
    double delay;              /* from its beginning, seconds */
} KillCase;

typedef struct KillResult {
    bool ran, completed; /* completed: before the signal */
    bool late, wrong, leftover;
    KillPhase phase; /* that the message names, else the one aimed at */
    double seconds;  /* from the signal until all have ended */
    char text[KILL_TEXT];
} KillResult;

/* A started run. */
typedef struct KillRun {
    const KillPlan *plan;
    char folder[KILL_PATH];
    char segment_name[128]; /* of seats; "" else */
    int processes;          /* that we started: 1, or a rank each */
    pid_t pids[KILL_WORLD];
    int status[KILL_WORLD]; /* as of waitpid; -1: not ended */
    int segment;            /* fd, -1: not yet there */
    const void *area;       /* of rank 0, mapped; NULL: not yet */
} KillRun;

double kill_now(void);
void kill_sleep(double seconds);

bool kill_start(KillRun *run, const KillPlan *plan, const KillCase *one);
/* Whether the segment is there and mapped, and, for seats, all ranks have it. */
bool kill_attached(KillRun *run);
/* Phase of rank 0; LOADING before there is a segment. */
KillPhase kill_phase(const KillRun *run);
/* The process of a rank (-1: the launcher), 0: none yet. */
pid_t kill_find(const KillRun *run, int rank);
/* Reap until no child is left, at most `limit` seconds. */
bool kill_reap(KillRun *run, double limit);
/* Reap what has ended; whether the processes that we started have. */
bool kill_ended(KillRun *run);
/* End what is left, and forget the run. */
void kill_close(KillRun *run);
/* The same, look for what is left behind, and remove the folder. */
void kill_end(KillRun *run, KillResult *result);

/* Learn lengths and sizes from a run that nobody disturbs; false with a message. */
bool kill_calibrate(KillPlan *plan);
void kill_case(const KillPlan *plan, const KillCase *one, KillResult *result);

/* A rank that is stopped 90 % of the time: the run completes. */
bool kill_slow(const KillPlan *plan);
/* While a rank is stopped, each of the others uses less than 1 % of a processor. */
bool kill_idle(const KillPlan *plan);
