/*
 * The warden starts one command inside the sandbox, enforces its limits, kills it with all its descendants, and reports
 * the result to the supervisor.
 *
 *   warden run OPTIONS -- COMMAND…      Descriptors of the command: 1, 2 raw output, 3 requests, 4 frames.
 *                                       Descriptors of the warden: 5 status (lines of JSON), 6 control.
 *   warden sweep --uid N --killer-uid N Kills the remaining processes after a warden has died.
 *
 * Control bytes: I interrupts the session of the command, K kills all processes, as does the end of the control pipe.
 * Status lines: started, setup-failed (nothing has run), end (no process is alive).
 */
#include "confine.h"
#include "reap.h"
#include "start.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_MS 50
#define LONGEST_CHECK_MS 500

static int fail_setup(const char *step, int error) {
  dprintf(STATUS, "{\"type\":\"setup-failed\",\"what\":\"%s\",\"errno\":%d}\n", step, error);
  return 125;
}

/*
 * Reads a control byte and sends interrupts. Returns 1 when the sandbox must be killed, also when the pipe is closed.
 */
static int handle_control(const struct options *options, pid_t child) {
  char byte;
  ssize_t got = read(CONTROL, &byte, 1);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  if (got == 1 && byte == 'I') {
    kill(options->mode == SECOND_UID ? -child : child, SIGINT);
    return 0;
  }
  return 1;
}

/* Waits until the command ends or must be killed. Returns the reason for the status line. */
static const char *watch_until_end(const struct options *options, pid_t child, struct outcome *outcome,
                                   struct usage *usage) {
  int64_t start = now_ms(), next_check = 0;
  sigset_t open_mask;
  sigemptyset(&open_mask);
  for (;;) {
    reap(child, outcome);
    if (outcome->known) return "exit";
    int64_t now = now_ms();
    if (now - start >= (int64_t)options->limits.wall_ms) return "wall";
    if (now >= next_check) {
      const char *exceeded = watch_check(options, usage);
      if (exceeded != NULL) return exceeded;
      /* A check of many processes is slow. It may use a twentieth of one core, but must not be delayed for long. */
      int64_t pause = 20 * (now_ms() - now);
      next_check = now + (pause < CHECK_MS ? CHECK_MS : pause > LONGEST_CHECK_MS ? LONGEST_CHECK_MS : pause);
    }
    struct pollfd control = {CONTROL, POLLIN, 0};
    struct timespec wait = {0, CHECK_MS * 1000000L};
    if (ppoll(&control, 1, &wait, &open_mask) > 0 && handle_control(options, child)) return "killed";
  }
}

static void on_child(int number) { (void)number; }

static void report_end(const char *why, const struct outcome *outcome, const struct usage *usage, int64_t took) {
  struct rusage children;
  getrusage(RUSAGE_CHILDREN, &children);
  int code = WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status) : -1;
  int signal = WIFSIGNALED(outcome->status) ? WTERMSIG(outcome->status) : 0;
  dprintf(STATUS,
          "{\"type\":\"end\",\"why\":\"%s\",\"code\":%d,\"signal\":%d,\"milliseconds\":%lld,\"peakRss\":%llu,"
          "\"maxProcess\":%llu,\"processes\":%llu}\n",
          why, code, signal, (long long)took, (unsigned long long)usage->peak_rss,
          (unsigned long long)children.ru_maxrss * 1024, (unsigned long long)usage->most_processes);
}

static int run(struct options *options) {
  char capabilities[17];
  int report[2], result[2];
  failed_step failed;
  struct setup_failure failure;
  struct outcome outcome = {0, 0};
  struct usage usage = {0, 0};

  /* If a descriptor were missing, a pipe that the warden opens below would get its number. */
  for (int fd = 0; fd <= CONTROL; fd++)
    if (fcntl(fd, F_GETFD) < 0) return fail_setup("descriptors", errno);
  setsid();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  struct sigaction wake = {.sa_handler = on_child};
  sigaction(SIGCHLD, &wake, NULL);
  sigset_t child_mask;
  sigemptyset(&child_mask);
  sigaddset(&child_mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_mask, NULL);

  if ((failed = effective_capabilities(capabilities)) != NULL) return fail_setup(failed, errno);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail_setup("subreaper", errno);
  if (options->mode == SECOND_UID && geteuid() != 0) return fail_setup("second-uid needs root", EPERM);
  if ((failed = watch_begin(options)) != NULL) return fail_setup(failed, errno);
  if (options->mode == NESTED_NAMESPACE) failed = enter_namespaces(options);
  else if ((failed = own_writable_folders(options)) == NULL) failed = make_devices(options);
  if (failed != NULL) return fail_setup(failed, errno);
  if (pipe2(report, O_CLOEXEC) != 0 || pipe2(result, O_CLOEXEC) != 0) return fail_setup("pipe", errno);

  int64_t start = now_ms();
  pid_t warden = getpid(), child = fork();
  if (child < 0) return fail_setup("fork", errno);
  if (child == 0) {
    if (options->mode == SECOND_UID) be_sandbox(options, report[1], warden);
    else be_first_process(options, report[1], result[1]);
  }
  close(report[1]);
  close(result[1]);
  for (int fd = 0; fd < STATUS; fd++) close(fd);
  ssize_t got;
  while ((got = read(report[0], &failure, sizeof failure)) < 0 && errno == EINTR) continue;
  if (got != 0) {
    kill_everything(options, child, &outcome);
    return got == sizeof failure ? fail_setup(failure.step, failure.error) : fail_setup("report", EIO);
  }
  dprintf(STATUS, "{\"type\":\"started\",\"mode\":\"%s\",\"capabilities\":\"%s\",\"pid\":%d}\n",
          options->mode == SECOND_UID ? "second-uid" : "nested-namespace", capabilities, (int)child);

  const char *why = watch_until_end(options, child, &outcome, &usage);
  kill_everything(options, child, &outcome);
  /*
   * In nested-namespace the child is the first process of the namespace, which reports the status of the interpreter.
   */
  int status;
  if (options->mode == NESTED_NAMESPACE)
    outcome.status = read(result[0], &status, sizeof status) == sizeof status ? status : SIGKILL;
  report_end(why, &outcome, &usage, now_ms() - start);
  return 0;
}

int main(int argc, char **argv) {
  static struct options options;
  if (argc >= 2 && strcmp(argv[1], "run") == 0) {
    read_run_options(argc - 2, argv + 2, &options);
    return run(&options);
  }
  if (argc >= 2 && strcmp(argv[1], "sweep") == 0) {
    read_sweep_options(argc - 2, argv + 2, &options);
    sweep(&options);
    return 0;
  }
  fprintf(stderr, "usage: warden run OPTIONS -- COMMAND… | warden sweep --uid N --killer-uid N\n");
  return 124;
}
