/* show: plans, proofs and schedules as text for people, 100 columns wide, and a rank as JSON for
 * tools. All functions append to a Buf; they decide nothing and change nothing. */
#pragma once

#include "schedule/check.h"
#include "schedule/simulate.h"

/* Inputs, placement (rank, node, GPU, role, requests, heads, experts), moves, order, reasons. */
void show_plan_text(const Schedule *schedule, Buf *out);
/* Bytes by class, a line for ranks that spend alike. */
void show_ledger_text(const Schedule *schedule, const Ledger *ledger, Buf *out);
/* Every rule: what it proves, how much it looked at, whether it holds. */
void show_proof_text(const CheckReport *report, Buf *out);
/* Step times, TPOT, TPS and throughput, with their intervals. */
void show_prediction_text(const Schedule *schedule, const Simulation *simulation, Buf *out);

/* What a rank is, what it holds, and every operation of every step in words. */
void show_rank_text(const Schedule *schedule, int64_t rank, Buf *out);
/* The same as canonical JSON. */
void show_rank_json(const Schedule *schedule, int64_t rank, Buf *out);

/* The cluster for Graphviz: who holds what, and the moves of a step with their bytes. */
void show_dot(const Schedule *schedule, int64_t step, Buf *out);
