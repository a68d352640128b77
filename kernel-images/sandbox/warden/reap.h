#ifndef WARDEN_REAP_H
#define WARDEN_REAP_H

#include "options.h"

/* How the interpreter ended: `known` once it has been waited for. */
struct outcome {
  int known;
  int status; /* as waitpid gives it */
};

/* Waits for whatever has ended, without blocking. 0 when no child of any kind is left. */
int reap(pid_t interpreter, struct outcome *outcome);

/* Kills until no descendant is left: returns only then. `child` is the interpreter or the namespace's first process. */
void kill_everything(const struct options *options, pid_t child, struct outcome *outcome);

/* For a supervisor whose warden is gone: kills every process of the sandbox's user. Returns when none is alive. */
void sweep(const struct options *options);

#endif
