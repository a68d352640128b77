#ifndef WARDEN_START_H
#define WARDEN_START_H

#include "options.h"

/* Descriptors of the warden's own. In the command's process STATUS carries the report until the command begins. */
enum { STATUS = 5, CONTROL = 6 };

/* What comes through the report pipe when a step did not succeed; its end without a word means that the command runs. */
struct setup_failure {
  char step[60];
  int error;
};

/* Becomes the sandbox, step by step, and runs the command in it. Never returns. */
void be_sandbox(const struct options *options, int report, pid_t parent);

/*
 * The first process of the nested namespaces: all of them end with it. It passes interrupts on and tells, through
 * `result`, how the command went. Never returns.
 */
void be_first_process(const struct options *options, int report, int result);

#endif
