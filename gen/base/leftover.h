/* leftover: what must be undone if the process ends in the middle, as it does when memory runs out: temporary
 * files and folders. What is guarded is undone by exit(), in the process that asked and in no fork of it. */
#pragma once

typedef struct Leftover Leftover;

/* Call undo(owner) at exit, unless released before. `undo` allocates nothing. Never NULL. */
Leftover *leftover_guard(void (*undo)(void *owner), void *owner);

/* From now on there is nothing to undo. NULL is let pass. */
void leftover_release(Leftover *leftover);
