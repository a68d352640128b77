#ifndef WARDEN_WATCH_H
#define WARDEN_WATCH_H

#include "jail.h"

/* What has been seen of the sandbox's use of the machine, in bytes. */
struct usage {
  uint64_t peak_rss;      /* most memory of all its processes together, at a sample */
  uint64_t most_processes; /* most processes at a sample */
};

/* Milliseconds of a clock that nobody sets. */
int64_t now_ms(void);

/* Notes where memory, disk and inodes stand before the sandbox begins. */
failed_step watch_begin(const struct options *options);

/* One look. The limit that is broken ("memory", "memory-floor", "disk", "inodes"), or NULL. */
const char *watch_look(const struct options *options, struct usage *usage);

/* Whether any living process has `uid` as one of its user ids. */
int user_alive(uid_t uid);

#endif
