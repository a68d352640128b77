#ifndef WARDEN_OPTIONS_H
#define WARDEN_OPTIONS_H

#include <linux/filter.h>
#include <stdint.h>
#include <sys/types.h>

/* The two profiles. If one of them cannot be set up, nothing runs; there is no fallback. */
enum mode { SECOND_UID, NESTED_NAMESPACE };

#define MAX_WRITABLE 8

struct limits {
  uint64_t memory;       /* bytes, all processes of the sandbox together */
  uint64_t memory_floor; /* bytes that must stay available on the machine */
  uint64_t disk;         /* new bytes on each file system with a writable folder */
  uint64_t inodes;       /* new inodes on each of these file systems */
  uint64_t wall_ms;      /* milliseconds of the whole run */
  uint64_t data;         /* RLIMIT_DATA: bytes that one process can allocate */
  uint64_t file_size;    /* RLIMIT_FSIZE */
  uint64_t processes;    /* RLIMIT_NPROC: processes and threads */
  uint64_t open_files;   /* RLIMIT_NOFILE, for one process */
  uint64_t cpu_seconds;  /* RLIMIT_CPU, for one process */
};

struct options {
  enum mode mode;
  const char *jail;    /* absolute path, seen from outside the jail */
  const char *workdir; /* absolute path, seen from inside the jail */
  const char *writable[MAX_WRITABLE];
  int writable_count;
  uid_t uid;        /* user id of the sandbox, also its group id */
  uid_t killer_uid; /* user id of the killer, second-uid only */
  struct limits limits;
  struct sock_fprog policy;
  char **environment;
  char **command;
};

/* Parses the arguments of `warden run`. On an error it writes a message to standard error and exits with code 124. */
void read_run_options(int argc, char **argv, struct options *options);

/* Parses the arguments of `warden sweep --uid N --killer-uid N`. */
void read_sweep_options(int argc, char **argv, struct options *options);

#endif
