#include "watch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 65536
#define MAX_PID 4194304
#define SHARES_TIMEOUT_MS 100

struct process {
  int pid, parent;
  uint64_t rss;
};

static struct process processes[MAX_PROCESSES];
static unsigned char in_sandbox[MAX_PID / 8 + 1];

static int writable_fd[MAX_WRITABLE];
static struct statvfs at_start[MAX_WRITABLE];
static uint64_t available_at_start;

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Reads the start of a file as a string. Returns its length, or -1 on failure. */
static ssize_t read_text(const char *path, char *buffer, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = read(fd, buffer, size - 1);
  close(fd);
  if (length >= 0) buffer[length] = '\0';
  return length;
}

static int available_memory(uint64_t *bytes) {
  char text[4096];
  if (read_text("/proc/meminfo", text, sizeof text) <= 0) return 0;
  const char *line = strstr(text, "MemAvailable:");
  if (line == NULL) {
    errno = ENODATA;
    return 0;
  }
  *bytes = strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024;
  return 1;
}

/* Parses /proc/PID/stat after the last bracket, because the process name in brackets may contain anything. */
static int read_process(int pid, struct process *process) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (read_text(path, text, sizeof text) <= 0) return 0;
  const char *rest = strrchr(text, ')');
  long long rss = 0;
  int parent = 0;
  if (rest == NULL || sscanf(rest + 1,
                             " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %lld",
                             &parent, &rss) != 2)
    return 0;
  process->pid = pid;
  process->parent = parent;
  process->rss = rss > 0 ? (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
  return 1;
}

static int is_in_sandbox(int pid) { return pid > 0 && pid < MAX_PID && (in_sandbox[pid / 8] >> (pid % 8)) & 1; }

/* The warden is a subreaper, so its descendants are exactly the processes of the sandbox. */
static uint64_t sum_descendants(uint64_t *count, int *listed) {
  DIR *folder = opendir("/proc");
  int known = 0, grown = 1;
  uint64_t rss = 0;
  *count = 0;
  *listed = 0;
  if (folder == NULL) return 0;
  for (struct dirent *entry; known < MAX_PROCESSES && (entry = readdir(folder)) != NULL;)
    if (isdigit((unsigned char)entry->d_name[0]) && read_process(atoi(entry->d_name), &processes[known])) known++;
  closedir(folder);
  memset(in_sandbox, 0, sizeof in_sandbox);
  int root = (int)getpid();
  while (grown) {
    grown = 0;
    for (int i = 0; i < known; i++) {
      const struct process *each = &processes[i];
      if (is_in_sandbox(each->pid) || each->pid >= MAX_PID) continue;
      if (each->parent != root && !is_in_sandbox(each->parent)) continue;
      in_sandbox[each->pid / 8] |= (unsigned char)(1 << (each->pid % 8));
      rss += each->rss;
      (*count)++;
      grown = 1;
    }
  }
  *listed = known;
  return rss;
}

failed_step watch_begin(const struct options *options) {
  char path[PATH_MAX];
  if (!available_memory(&available_at_start)) return "read available memory";
  for (int i = 0; i < options->writable_count; i++) {
    snprintf(path, sizeof path, "%s%s", options->jail, options->writable[i]);
    writable_fd[i] = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (writable_fd[i] < 0) return "open writable folder";
    if (fstatvfs(writable_fd[i], &at_start[i]) != 0) return "free space of writable folder";
  }
  return NULL;
}

/*
 * Returns the proportional set size (PSS) of a process, which counts shared pages only once; 0 when it cannot be read.
 */
static uint64_t proportional_memory(int pid) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  if (read_text(path, text, sizeof text) <= 0) return 0;
  const char *line = strstr(text, "\nPss:");
  return line == NULL ? 0 : strtoull(line + strlen("\nPss:"), NULL, 10) * 1024;
}

/*
 * Reading PSS is slow when many processes keep the machine busy. After a timeout, the remaining processes are assumed
 * to share as much as the others.
 */
static uint64_t sum_proportional(int known) {
  uint64_t shares = 0, resident = 0, unread = 0;
  int64_t start = now_ms();
  for (int i = 0; i < known; i++) {
    const struct process *each = &processes[i];
    if (!is_in_sandbox(each->pid)) continue;
    if (now_ms() - start > SHARES_TIMEOUT_MS) {
      unread += each->rss;
      continue;
    }
    uint64_t share = proportional_memory(each->pid);
    shares += share != 0 ? share : each->rss;
    resident += each->rss;
  }
  return resident == 0 ? unread : shares + (uint64_t)((double)unread * (double)shares / (double)resident);
}

static const char *check_memory(const struct options *options, struct usage *usage) {
  uint64_t available, count;
  int listed;
  uint64_t used = sum_descendants(&count, &listed);
  if (used > usage->peak_rss) usage->peak_rss = used;
  if (count > usage->most_processes) usage->most_processes = count;
  if (!available_memory(&available) || available < options->limits.memory_floor) return "memory-floor";
  if (used <= options->limits.memory) return NULL;
  /* This sum counts a shared page once for each process, so it can be too high. */
  if (options->mode == NESTED_NAMESPACE) return sum_proportional(listed) > options->limits.memory ? "memory" : NULL;
  /*
   * In second-uid the warden may not read PSS. The machine runs nothing else, so its lost memory is that of the
   * sandbox.
   */
  uint64_t lost = available < available_at_start ? available_at_start - available : 0;
  return lost > options->limits.memory ? "memory" : NULL;
}

/* Checks the free space of whole file systems, so that files which are deleted but still open count too. */
static const char *check_disk(const struct options *options) {
  for (int i = 0; i < options->writable_count; i++) {
    struct statvfs now;
    const struct statvfs *then = &at_start[i];
    if (fstatvfs(writable_fd[i], &now) != 0) return "disk";
    uint64_t free_then = then->f_bfree * then->f_frsize, free_now = now.f_bfree * now.f_frsize;
    uint64_t disk = options->limits.disk < free_then / 10 * 9 ? options->limits.disk : free_then / 10 * 9;
    if (free_now < free_then && free_then - free_now > disk) return "disk";
    uint64_t inodes = options->limits.inodes < then->f_ffree / 10 * 9 ? options->limits.inodes : then->f_ffree / 10 * 9;
    if (then->f_files != 0 && now.f_ffree < then->f_ffree && then->f_ffree - now.f_ffree > inodes) return "inodes";
  }
  return NULL;
}

const char *watch_check(const struct options *options, struct usage *usage) {
  const char *exceeded = check_disk(options);
  return exceeded != NULL ? exceeded : check_memory(options, usage);
}

int user_alive(uid_t uid) {
  char path[64], text[4096];
  DIR *folder = opendir("/proc");
  int alive = 0;
  if (folder == NULL) return 1;
  for (struct dirent *entry; !alive && (entry = readdir(folder)) != NULL;) {
    unsigned real, effective, saved, file;
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    snprintf(path, sizeof path, "/proc/%d/status", atoi(entry->d_name));
    if (read_text(path, text, sizeof text) <= 0) continue;
    const char *ids = strstr(text, "\nUid:");
    const char *state = strstr(text, "\nState:");
    if (ids == NULL || state == NULL || strncmp(state, "\nState:\tZ", 9) == 0) continue;
    if (sscanf(ids, "\nUid: %u %u %u %u", &real, &effective, &saved, &file) != 4) continue;
    alive = real == uid || effective == uid || saved == uid;
  }
  closedir(folder);
  return alive;
}
