#ifndef WARDEN_WATCH_H
#define WARDEN_WATCH_H

#include "jail.h"

/* The highest resource use of the sandbox at the samples so far. */
struct usage {
  uint64_t peak_rss;       /* bytes of resident memory, all processes together */
  uint64_t most_processes; /* number of processes */
};

/* Returns milliseconds of the monotonic clock. */
int64_t now_ms(void);

/* Records the available memory, disk space and inodes before the sandbox starts. */
failed_step watch_begin(const struct options *options);

/* Takes one sample. Returns the exceeded limit ("memory", "memory-floor", "disk", "inodes"), or NULL. */
const char *watch_check(const struct options *options, struct usage *usage);

/* Returns whether a living process has `uid` as its real, effective or saved user id. */
int user_alive(uid_t uid);

#endif
