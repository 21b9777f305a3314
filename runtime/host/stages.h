/* stages: dispatch and combine whose rows go in stages, see stages.c. */
#pragma once

#include "core/flow.h"

/* Run a direction whose rows go in stages; its counts are set. */
rt_status rt_stages_run(Flow *f);
