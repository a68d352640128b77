#include "confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1024ULL * 1024ULL)

static int limit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit now, next;
  if (getrlimit(resource, &now) != 0) return 0;
  next.rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
  next.rlim_cur = soft < next.rlim_max ? soft : next.rlim_max;
  return setrlimit(resource, &next) == 0;
}

failed_step set_limits(const struct limits *limits) {
  if (!limit(RLIMIT_CORE, 0, 0)) return "limit core";
  if (!limit(RLIMIT_FSIZE, limits->file_size, limits->file_size)) return "limit file size";
  if (!limit(RLIMIT_NOFILE, limits->open_files, limits->open_files)) return "limit open files";
  if (!limit(RLIMIT_NPROC, limits->processes, limits->processes)) return "limit processes";
  if (!limit(RLIMIT_DATA, limits->data, limits->data)) return "limit data";
  /* The soft limit sends SIGXCPU, which tells the reason. The hard limit sends SIGKILL, which does not. */
  if (!limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 10)) return "limit cpu";
  if (!limit(RLIMIT_MEMLOCK, 64 * 1024, 64 * 1024)) return "limit locked memory";
  if (!limit(RLIMIT_MSGQUEUE, 0, 0)) return "limit message queues";
  if (!limit(RLIMIT_SIGPENDING, 1024, 1024)) return "limit pending signals";
  /* The soft limit is also the stack size of every new thread. */
  if (!limit(RLIMIT_STACK, 8 * MIB, 64 * MIB)) return "limit stack";
  return NULL;
}

failed_step empty_bounding_set(void) {
  for (unsigned long capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return "bounding set";
  }
  return NULL;
}

failed_step become_user(uid_t uid) {
  if (setgroups(0, NULL) != 0) return "setgroups";
  if (setresgid(uid, uid, uid) != 0) return "setresgid";
  if (setresuid(uid, uid, uid) != 0) return "setresuid";
  return NULL;
}

failed_step drop_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, none) != 0) return "capset";
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return "ambient capabilities";
  return NULL;
}

failed_step load_policy(const struct sock_fprog *policy) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no new privileges";
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, policy) != 0) return "policy";
  return NULL;
}

failed_step effective_capabilities(char out[17]) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct held[2];
  if (syscall(SYS_capget, &header, held) != 0) return "capget";
  snprintf(out, 17, "%08x%08x", held[1].effective, held[0].effective);
  return NULL;
}
