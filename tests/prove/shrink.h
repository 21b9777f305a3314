/* shrink: from a case that fails to a simpler one that fails in the same way: shorter and smaller choices. */
#pragma once

#include "attempt.h"

/* `found`: the choices and verdict of the failure; both are replaced by those of the simplest that was met within so
 * many seconds. Returns how many cases were tried. */
int64_t shrink(const Task *task, Arena *arena, ChoiceList *found, Verdict *verdict, double seconds);
