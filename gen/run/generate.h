/* generate: gen run with text: prompts in, text out, as it is made. */
#pragma once

#include "run/command.h"

/* Is this run about text? */
bool generate_wanted(const Run *run);

Status generate_text(Run *run);
