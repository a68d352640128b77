#ifndef WARDEN_START_H
#define WARDEN_START_H

#include "options.h"

/* Descriptors of the warden. In the process of the command, STATUS is the report pipe until the command starts. */
enum { STATUS = 5, CONTROL = 6 };

/*
 * The message on the report pipe when a setup step failed. If the pipe is closed without a message, the command runs.
 */
struct setup_failure {
  char step[60];
  int error;
};

/* Sets up the sandbox in this process and runs the command in it. Never returns. */
void be_sandbox(const struct options *options, int report, pid_t parent);

/*
 * Runs the first process of the nested namespaces; all processes in them end with it. It forwards interrupts and writes
 * the wait status of the command to `result`. Never returns.
 */
void be_first_process(const struct options *options, int report, int result);

#endif
