/* kill_steady: what no run may die of, and what waiting costs. */
#include "kill.h"

#include "core/pulse.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool to_decode(KillRun *run) {
    while (!kill_attached(run) || kill_phase(run) < DECODE) {
        if (kill_ended(run))
            return false;
        kill_sleep(0.5e-3);
    }
    return true;
}

/* A rank that runs a tenth of the time, in turns so short that even a quick run sees many of them. */
bool kill_slow(const KillPlan *plan) {
    const double stopped_s = 18e-3, running_s = 2e-3;
    KillRun run;
    const KillCase one = {.index = -2, .target = plan->world - 1};
    if (!kill_start(&run, plan, &one))
        return false;
    while (!kill_find(&run, one.target) && !kill_ended(&run))
        kill_sleep(0.5e-3);
    pid_t target = kill_find(&run, one.target);
    double begin = kill_now();
    int stops = 0;
    for (; target > 0 && !kill_ended(&run); ++stops) {
        kill(target, SIGSTOP);
        kill_sleep(stopped_s);
        kill(target, SIGCONT);
        kill_sleep(running_s);
    }
    bool good = WIFEXITED(run.status[0]) && WEXITSTATUS(run.status[0]) == 0 && stops > 3;
    printf("slow: rank %d, stopped %d times for 18 of 20 ms, %.2f s: the run %s\n", one.target,
           stops, kill_now() - begin, good ? "completes" : "FAILS");
    KillResult result = {0};
    kill_end(&run, &result);
    return good && !result.leftover;
}

bool kill_idle(const KillPlan *plan) {
    enum { FROM_MS = 500, TO_MS = 4500 };
    KillRun run;
    const KillCase one = {.index = -3, .target = plan->world / 2};
    int32_t clock[KILL_WORLD + 1];
    double used[KILL_WORLD + 1], most = 0;
    KillPlan patient = *plan;
    patient.timeout_ms = TO_MS + 500;
    bool good = kill_start(&run, &patient, &one) && to_decode(&run);
    pid_t stopped = good ? kill_find(&run, one.target) : 0;
    if (stopped > 0)
        kill(stopped, SIGSTOP);
    for (int rank = -1; rank < plan->world; ++rank)
        clock[rank + 1] = rt_pulse_clock_of((int32_t)kill_find(&run, rank));
    kill_sleep(FROM_MS * 1e-3);
    for (int i = 0; i <= plan->world; ++i)
        used[i] = rt_pulse_seconds(clock[i]);
    kill_sleep((TO_MS - FROM_MS) * 1e-3);
    for (int i = 0; i <= plan->world; ++i) {
        double share = (rt_pulse_seconds(clock[i]) - used[i]) / ((TO_MS - FROM_MS) * 1e-3);
        good = good && clock[i] && used[i] > 0;
        most = share > most ? share : most;
    }
    good = good && stopped > 0 && !kill_ended(&run) && most < 0.01;
    good = kill_reap(&run, 10) && good; /* its limit ends the run */
    printf("idle: the busiest of %d waiting ranks and the launcher uses %.3f %% of a processor%s\n",
           plan->world - 1, most * 100, good ? "" : ": FAILS");
    KillResult result = {0};
    kill_end(&run, &result);
    return good && !result.leftover;
}
