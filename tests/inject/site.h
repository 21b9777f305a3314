/* site: decides for each intercepted call whether it fails. Only the preload library uses it. */
#pragma once

#include "inject.h"

#include <stdbool.h>

/* `caller`: the return address of the intercepted function. Keeps errno. */
bool site_fails(InjectClass class, const char *function, const void *caller);

/* The choice is "ever": some errors differ, for nobody retries a call that is interrupted for ever. */
bool site_for_good(void);
