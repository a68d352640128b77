#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ENVIRONMENT 64

static void exit_invalid(const char *problem, const char *argument) {
  fprintf(stderr, "warden: %s: %s\n", problem, argument);
  exit(124);
}

static uint64_t number(const char *option, const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9' || value == 0)
    exit_invalid("not a positive whole number", option);
  return value;
}

static uid_t user(const char *option, const char *text) {
  uint64_t value = number(option, text);
  if (value < 1000 || value > 60000) exit_invalid("the user id must be between 1000 and 60000", option);
  return (uid_t)value;
}

static const char *absolute(const char *option, const char *text) {
  if (text[0] != '/' || strstr(text, "..") != NULL) exit_invalid("not an absolute path", option);
  return text;
}

/* Reads the policy. This must happen before the jail is entered, because its file is outside. */
static void read_policy(const char *path, struct sock_fprog *policy) {
  static struct sock_filter instructions[BPF_MAXINSNS];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) exit_invalid("the policy cannot be opened", path);
  size_t length = 0;
  for (;;) {
    ssize_t got = read(fd, (char *)instructions + length, sizeof instructions - length);
    if (got < 0) exit_invalid("the policy cannot be read", path);
    if (got == 0) break;
    length += (size_t)got;
    if (length == sizeof instructions) exit_invalid("the policy is too long", path);
  }
  close(fd);
  if (length == 0 || length % sizeof instructions[0] != 0) exit_invalid("not a filter program", path);
  policy->filter = instructions;
  policy->len = (unsigned short)(length / sizeof instructions[0]);
}

struct numeric {
  const char *name;
  uint64_t *value;
};

static int read_numeric(const struct numeric *table, const char *name, const char *value) {
  for (; table->name != NULL; table++) {
    if (strcmp(table->name, name) != 0) continue;
    *table->value = number(name, value);
    return 1;
  }
  return 0;
}

void read_run_options(int argc, char **argv, struct options *options) {
  static char *environment[MAX_ENVIRONMENT + 1];
  struct limits *limits = &options->limits;
  const struct numeric numerics[] = {{"--memory", &limits->memory},
                                     {"--memory-floor", &limits->memory_floor},
                                     {"--disk", &limits->disk},
                                     {"--inodes", &limits->inodes},
                                     {"--wall-ms", &limits->wall_ms},
                                     {"--data", &limits->data},
                                     {"--file-size", &limits->file_size},
                                     {"--processes", &limits->processes},
                                     {"--open-files", &limits->open_files},
                                     {"--cpu-seconds", &limits->cpu_seconds},
                                     {NULL, NULL}};
  const char *mode = NULL, *policy = NULL;
  int variables = 0, i = 0;
  for (; i < argc && strcmp(argv[i], "--") != 0; i += 2) {
    const char *name = argv[i];
    if (i + 1 >= argc) exit_invalid("a value is missing", name);
    char *value = argv[i + 1];
    if (strcmp(name, "--mode") == 0) mode = value;
    else if (strcmp(name, "--policy") == 0) policy = value;
    else if (strcmp(name, "--jail") == 0) options->jail = absolute(name, value);
    else if (strcmp(name, "--workdir") == 0) options->workdir = absolute(name, value);
    else if (strcmp(name, "--uid") == 0) options->uid = user(name, value);
    else if (strcmp(name, "--killer-uid") == 0) options->killer_uid = user(name, value);
    else if (strcmp(name, "--writable") == 0) {
      if (options->writable_count == MAX_WRITABLE) exit_invalid("too many writable folders", value);
      options->writable[options->writable_count++] = absolute(name, value);
    } else if (strcmp(name, "--env") == 0) {
      if (variables == MAX_ENVIRONMENT || strchr(value, '=') == NULL)
        exit_invalid("not NAME=VALUE, or too many variables", value);
      environment[variables++] = value;
    } else if (!read_numeric(numerics, name, value)) exit_invalid("unknown option", name);
  }
  if (i + 1 >= argc) exit_invalid("the command is missing", "--");
  options->command = argv + i + 1;
  options->environment = environment;
  for (const struct numeric *each = numerics; each->name != NULL; each++)
    if (*each->value == 0) exit_invalid("missing option", each->name);
  if (options->jail == NULL || options->workdir == NULL || policy == NULL || options->uid == 0)
    exit_invalid("missing option", "--jail, --workdir, --policy and --uid are required");
  if (mode != NULL && strcmp(mode, "second-uid") == 0) options->mode = SECOND_UID;
  else if (mode != NULL && strcmp(mode, "nested-namespace") == 0) options->mode = NESTED_NAMESPACE;
  else exit_invalid("the mode must be second-uid or nested-namespace", mode == NULL ? "(none)" : mode);
  if ((options->mode == SECOND_UID) != (options->killer_uid != 0))
    exit_invalid("required with second-uid, and not allowed otherwise", "--killer-uid");
  if (options->killer_uid == options->uid) exit_invalid("must differ from --uid", "--killer-uid");
  read_policy(policy, &options->policy);
}

void read_sweep_options(int argc, char **argv, struct options *options) {
  if (argc != 4 || strcmp(argv[0], "--uid") != 0 || strcmp(argv[2], "--killer-uid") != 0)
    exit_invalid("usage", "warden sweep --uid N --killer-uid N");
  options->uid = user(argv[0], argv[1]);
  options->killer_uid = user(argv[2], argv[3]);
  if (options->killer_uid == options->uid) exit_invalid("must differ from --uid", "--killer-uid");
}
