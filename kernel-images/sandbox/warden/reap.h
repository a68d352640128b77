#ifndef WARDEN_REAP_H
#define WARDEN_REAP_H

#include "options.h"

/* How the interpreter ended. `known` is 1 as soon as it has been waited for. */
struct outcome {
  int known;
  int status; /* wait status, as returned by waitpid */
};

/* Reaps all children that have ended, without blocking. Returns 0 when no child is left. */
int reap(pid_t interpreter, struct outcome *outcome);

/*
 * Kills all descendants and returns when none is left. `child` is the interpreter or the first process of the
 * namespace.
 */
void kill_everything(const struct options *options, pid_t child, struct outcome *outcome);

/* Kills all processes of the sandbox's user and returns when none is alive. Used when the warden of a run has died. */
void sweep(const struct options *options);

#endif
