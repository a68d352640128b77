#include "reap.h"
#include "confine.h"
#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long milliseconds) {
  struct timespec time = {0, milliseconds * 1000000};
  nanosleep(&time, NULL);
}

int reap(pid_t interpreter, struct outcome *outcome) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid == 0) return 1;
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return 0;
    if (pid != interpreter) continue;
    outcome->known = 1;
    outcome->status = status;
  }
}

/*
 * kill(-1) with the effective user of the sandbox reaches all of its processes and no others. The kernel locks the list
 * of tasks meanwhile, so no fork can escape. The real and saved user ids differ, so that the sandbox cannot signal the
 * killer.
 */
static void run_killer(const struct options *options) {
  pid_t killer = fork();
  if (killer == 0) {
    if (setresgid(options->uid, options->uid, options->uid) != 0) _exit(1);
    if (setresuid(options->killer_uid, options->uid, options->killer_uid) != 0) _exit(1);
    _exit(kill(-1, SIGKILL) == 0 ? 0 : 1);
  }
  if (killer > 0)
    while (waitpid(killer, NULL, 0) < 0 && errno == EINTR) continue;
}

void kill_everything(const struct options *options, pid_t child, struct outcome *outcome) {
  if (!outcome->known) kill(child, SIGKILL);
  while (reap(child, outcome)) {
    if (options->mode == SECOND_UID) run_killer(options);
    pause_ms(2);
  }
}

void sweep(const struct options *options) {
  do {
    run_killer(options);
    pause_ms(5);
  } while (user_alive(options->uid));
}
