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
#define LONGEST_READING_MS 100

struct process {
  int pid, parent;
  uint64_t rss;
};

static struct process processes[MAX_PROCESSES];
static unsigned char ours[MAX_PID / 8 + 1];

static int writable_fd[MAX_WRITABLE];
static struct statvfs at_start[MAX_WRITABLE];
static uint64_t available_at_start;

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static ssize_t slurp(const char *path, char *buffer, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = read(fd, buffer, size - 1);
  close(fd);
  if (length >= 0) buffer[length] = '\0';
  return length;
}

static int available_memory(uint64_t *bytes) {
  char text[4096];
  if (slurp("/proc/meminfo", text, sizeof text) <= 0) return 0;
  const char *line = strstr(text, "MemAvailable:");
  if (line == NULL) {
    errno = ENODATA;
    return 0;
  }
  *bytes = strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024;
  return 1;
}

/* /proc/PID/stat: the name in brackets may hold anything, so reading starts behind the last bracket. */
static int read_process(int pid, struct process *process) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (slurp(path, text, sizeof text) <= 0) return 0;
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

static int is_ours(int pid) { return pid > 0 && pid < MAX_PID && (ours[pid / 8] >> (pid % 8)) & 1; }

/* The warden is the reaper of all that it started, so its descendants are exactly the sandbox. */
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
  memset(ours, 0, sizeof ours);
  int root = (int)getpid();
  while (grown) {
    grown = 0;
    for (int i = 0; i < known; i++) {
      const struct process *each = &processes[i];
      if (is_ours(each->pid) || !(each->parent == root || is_ours(each->parent)) || each->pid >= MAX_PID) continue;
      ours[each->pid / 8] |= (unsigned char)(1 << (each->pid % 8));
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
    if (fstatvfs(writable_fd[i], &at_start[i]) != 0) return "measure writable folder";
  }
  return NULL;
}

/* The share of each process in the pages that it has, so that shared ones are counted once; 0 when it can't be read. */
static uint64_t proportional_memory(int pid) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  if (slurp(path, text, sizeof text) <= 0) return 0;
  const char *line = strstr(text, "\nPss:");
  return line == NULL ? 0 : strtoull(line + strlen("\nPss:"), NULL, 10) * 1024;
}

/*
 * Reading shares is slow where many processes keep the machine busy. After the time that is set for it, the rest is
 * taken to share as much as those that were read.
 */
static uint64_t sum_proportional(int known) {
  uint64_t shares = 0, whole = 0, unread = 0;
  int64_t begun = now_ms();
  for (int i = 0; i < known; i++) {
    const struct process *each = &processes[i];
    if (!is_ours(each->pid)) continue;
    if (now_ms() - begun > LONGEST_READING_MS) {
      unread += each->rss;
      continue;
    }
    uint64_t share = proportional_memory(each->pid);
    shares += share != 0 ? share : each->rss;
    whole += each->rss;
  }
  return whole == 0 ? unread : shares + (uint64_t)((double)unread * (double)shares / (double)whole);
}

static const char *look_at_memory(const struct options *options, struct usage *usage) {
  uint64_t available, count;
  int listed;
  uint64_t used = sum_descendants(&count, &listed);
  if (used > usage->peak_rss) usage->peak_rss = used;
  if (count > usage->most_processes) usage->most_processes = count;
  if (!available_memory(&available) || available < options->limits.memory_floor) return "memory-floor";
  if (used <= options->limits.memory) return NULL;
  /* that sum counts pages that forked processes share once for each of them */
  if (options->mode == NESTED_NAMESPACE) return sum_proportional(listed) > options->limits.memory ? "memory" : NULL;
  /* without the right to see shares: what the whole machine, which is the run's own there, has really lost */
  uint64_t gone = available < available_at_start ? available_at_start - available : 0;
  return gone > options->limits.memory ? "memory" : NULL;
}

/* By file system, not by file: what is unlinked but open counts as well. */
static const char *look_at_disk(const struct options *options) {
  for (int i = 0; i < options->writable_count; i++) {
    struct statvfs now;
    const struct statvfs *then = &at_start[i];
    if (fstatvfs(writable_fd[i], &now) != 0) return "disk";
    uint64_t room = then->f_bfree * then->f_frsize, left = now.f_bfree * now.f_frsize;
    uint64_t disk = options->limits.disk < room / 10 * 9 ? options->limits.disk : room / 10 * 9;
    if (left < room && room - left > disk) return "disk";
    uint64_t inodes = options->limits.inodes < then->f_ffree / 10 * 9 ? options->limits.inodes : then->f_ffree / 10 * 9;
    if (then->f_files != 0 && now.f_ffree < then->f_ffree && then->f_ffree - now.f_ffree > inodes) return "inodes";
  }
  return NULL;
}

const char *watch_look(const struct options *options, struct usage *usage) {
  const char *broken = look_at_disk(options);
  return broken != NULL ? broken : look_at_memory(options, usage);
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
    if (slurp(path, text, sizeof text) <= 0) continue;
    const char *ids = strstr(text, "\nUid:");
    const char *state = strstr(text, "\nState:");
    if (ids == NULL || state == NULL || strncmp(state, "\nState:\tZ", 9) == 0) continue;
    if (sscanf(ids, "\nUid: %u %u %u %u", &real, &effective, &saved, &file) != 4) continue;
    alive = real == uid || effective == uid || saved == uid;
  }
  closedir(folder);
  return alive;
}
