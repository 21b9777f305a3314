/* explain: a plan in words: what was decided and why, what came second, and where its time and memory go.
 * Public within gen; appends to a Buf and decides nothing. */
#pragma once

#include "schedule/ledger.h"
#include "schedule/simulate.h"

void explain_text(const Schedule *schedule, const Simulation *simulation, const Ledger *ledger,
                  Buf *out);
void explain_json(const Schedule *schedule, const Simulation *simulation, const Ledger *ledger,
                  Buf *out);
