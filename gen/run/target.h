/* target: what a program is made for, from --target, --arch and --kernels. */
#pragma once

#include "emit/program.h"
#include "run/command.h"

/* E0918 for names that are not known, E0919 for options that the target does not have: before any work is done. What is
 * read lies in the run's arena. */
Status target_read(Run *run, EmitTarget *target);
