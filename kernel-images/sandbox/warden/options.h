#ifndef WARDEN_OPTIONS_H
#define WARDEN_OPTIONS_H

#include <linux/filter.h>
#include <stdint.h>
#include <sys/types.h>

/* The two ways to hold a notebook. There is no third, and none is fallen back to. */
enum mode { SECOND_UID, NESTED_NAMESPACE };

#define MAX_WRITABLE 8

struct limits {
  uint64_t memory;       /* bytes, all processes of the sandbox together */
  uint64_t memory_floor; /* bytes the machine must keep available */
  uint64_t disk;         /* bytes, on any file system that holds a writable folder */
  uint64_t inodes;       /* new inodes, likewise */
  uint64_t wall_ms;      /* milliseconds from start to end */
  uint64_t data;         /* RLIMIT_DATA: bytes one process can ask for */
  uint64_t file_size;    /* RLIMIT_FSIZE */
  uint64_t processes;    /* RLIMIT_NPROC: processes and threads */
  uint64_t open_files;   /* RLIMIT_NOFILE, for one process */
  uint64_t cpu_seconds;  /* RLIMIT_CPU, for one process */
};

struct options {
  enum mode mode;
  const char *jail;    /* absolute, outside view */
  const char *workdir; /* absolute, inside view */
  const char *writable[MAX_WRITABLE];
  int writable_count;
  uid_t uid;        /* of the sandbox, also its gid */
  uid_t killer_uid; /* of the killer: second-uid only */
  struct limits limits;
  struct sock_fprog policy;
  char **environment;
  char **command;
};

/* Reads `warden run …`; ends the program with 124 and a sentence on standard error when a word is wrong or missing. */
void read_run_options(int argc, char **argv, struct options *options);

/* Reads `warden sweep --uid N --killer-uid N`. */
void read_sweep_options(int argc, char **argv, struct options *options);

#endif
