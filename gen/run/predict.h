/* predict: predicted figures for people and scripts. They are of the cluster that was planned for, never of
 * the machine at hand. */
#pragma once

#include "base/jsonw.h"
#include "run/command.h"
#include "schedule/simulate.h"

/* Two lines: TPOT, TPS and throughput with their range from lower bound to pessimistic case; what limits the
 * last step. */
void predict_print(Run *run, const Simulation *simulation, const Schedule *schedule);

/* The same for reading at leisure: rates, and for each step its bound, use of the GPUs, critical path, moves,
 * busiest link and NICs. */
void predict_text(Run *run, const Simulation *simulation, const Schedule *schedule, Buf *out);

/* Member "times" of the object that is open: prefill_s, throughput, tpot_s, tps, each {expected, high, low}. */
void predict_json(const Simulation *simulation, Jsonw *json);
