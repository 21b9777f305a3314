/* leftover: see leftover.h. A guard lives until exit, because the C library forgets no handler; it is freed
 * there. */
#include "base/leftover.h"

#include "base/arena.h"

#include <stdlib.h>
#include <unistd.h>

struct Leftover {
    void (*undo)(void *owner); /* NULL: released */
    void *owner;
    pid_t process;
};

static void at_exit(int status, void *argument) {
    Leftover *leftover = argument;
    if (leftover->undo && leftover->process == getpid())
        leftover->undo(leftover->owner);
    free(leftover);
}

Leftover *leftover_guard(void (*undo)(void *owner), void *owner) {
    Leftover *leftover = malloc(sizeof *leftover);
    if (!leftover)
        arena_exhausted(sizeof *leftover);
    *leftover = (Leftover){undo, owner, getpid()};
    if (on_exit(at_exit, leftover) != 0)
        arena_exhausted(sizeof *leftover);
    return leftover;
}

void leftover_release(Leftover *leftover) {
    if (leftover)
        leftover->undo = NULL;
}
