#include "start.h"
#include "confine.h"
#include "reap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SANDBOX_NICE 10

/* Reports the failed step to the warden and exits. */
static void report_failure(int fd, failed_step step) {
  struct setup_failure failure = {.error = errno};
  strncpy(failure.step, step, sizeof failure.step - 1);
  if (write(fd, &failure, sizeof failure) != sizeof failure) _exit(126);
  _exit(125);
}

/* Restores the default action of all signals and unblocks them. */
static void default_signals(void) {
  sigset_t none;
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Makes the sandbox the first process that the kernel kills when memory runs out. */
static failed_step prefer_for_oom(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return "oom score";
  ssize_t written = write(fd, "1000", 4);
  close(fd);
  return written == 4 ? NULL : "oom score";
}

/* Closes all descriptors except 0 to 4 and the report pipe, which execve closes. */
static failed_step keep_descriptors(int *report) {
  int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0) return "standard input";
  if (dup3(*report, STATUS, O_CLOEXEC) < 0) return "report";
  *report = STATUS;
  return syscall(SYS_close_range, CONTROL, ~0U, 0) == 0 ? NULL : "close descriptors";
}

void be_sandbox(const struct options *options, int report, pid_t parent) {
  failed_step failed;
#define STEP(call)                                                                                                     \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    if ((failed = (call)) != NULL) report_failure(report, failed);                                                     \
  } while (0)
  setsid();
  STEP(prefer_for_oom());
  /* The supervisor and the warden must get processor time, however many processes the sandbox has. */
  STEP(setpriority(PRIO_PROCESS, 0, SANDBOX_NICE) == 0 ? NULL : "priority");
  STEP(keep_descriptors(&report));
  STEP(enter_jail(options));
  STEP(empty_bounding_set());
  STEP(set_limits(&options->limits));
  if (options->mode == SECOND_UID) STEP(become_user(options->uid));
  STEP(drop_capabilities());
  /* This must follow the change of user, which clears the setting. */
  STEP(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? NULL : "parent death signal");
  STEP(getppid() == parent ? NULL : "parent");
  umask(077);
  default_signals();
  STEP(load_policy(&options->policy));
  execve(options->command[0], options->command, options->environment);
  report_failure(report, "execve");
#undef STEP
}

void be_first_process(const struct options *options, int report, int result) {
  sigset_t waited;
  sigemptyset(&waited);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGCHLD);
  sigprocmask(SIG_BLOCK, &waited, NULL);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) report_failure(report, "parent death signal");
  pid_t interpreter = fork();
  if (interpreter < 0) report_failure(report, "fork interpreter");
  if (interpreter == 0) be_sandbox(options, report, 1);
  close(report);
  for (int fd = 0; fd <= CONTROL; fd++)
    if (fd != result) close(fd);
  if (drop_capabilities() != NULL) _exit(126);
  for (;;) {
    struct outcome outcome = {0, 0};
    if (sigwaitinfo(&waited, NULL) == SIGINT) kill(-interpreter, SIGINT);
    reap(interpreter, &outcome);
    if (!outcome.known) continue;
    _exit(write(result, &outcome.status, sizeof outcome.status) == sizeof outcome.status ? 0 : 126);
  }
}
