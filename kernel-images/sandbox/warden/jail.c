#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct device {
  const char *path;
  unsigned minor;
};

/* All of these devices have major number 1 (memory devices). */
static const struct device devices[] = {
    {"/dev/null", 3}, {"/dev/zero", 5}, {"/dev/full", 7}, {"/dev/random", 8}, {"/dev/urandom", 9}};
#define DEVICES (sizeof devices / sizeof devices[0])

static int in_jail(const struct options *options, const char *path, char out[PATH_MAX]) {
  int length = snprintf(out, PATH_MAX, "%s%s", options->jail, path);
  if (length > 0 && length < PATH_MAX) return 1;
  errno = ENAMETOOLONG;
  return 0;
}

failed_step own_writable_folders(const struct options *options) {
  char path[PATH_MAX];
  for (int i = 0; i < options->writable_count; i++) {
    if (!in_jail(options, options->writable[i], path)) return "writable path";
    if (lchown(path, options->uid, options->uid) != 0) return "owner of writable folder";
    if (chmod(path, 0700) != 0) return "mode of writable folder";
  }
  return NULL;
}

failed_step make_devices(const struct options *options) {
  char path[PATH_MAX];
  mode_t mask = umask(0);
  for (size_t i = 0; i < DEVICES; i++) {
    struct stat found;
    dev_t number = makedev(1, devices[i].minor);
    if (!in_jail(options, devices[i].path, path)) return "device path";
    if (lstat(path, &found) == 0) {
      if (S_ISCHR(found.st_mode) && found.st_rdev == number) continue;
      if (!S_ISREG(found.st_mode) || found.st_size != 0 || unlink(path) != 0) return "device placeholder";
    }
    if (mknod(path, S_IFCHR | 0666, number) != 0) return "mknod";
  }
  umask(mask);
  return NULL;
}

/* Writes `text` to an existing file. Returns 0 on failure. */
static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = (ssize_t)strlen(text);
  int done = write(fd, text, (size_t)length) == length;
  close(fd);
  return done;
}

failed_step enter_namespaces(const struct options *options) {
  char map[64], path[PATH_MAX];
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS) != 0)
    return "unshare";
  if (!write_text("/proc/self/setgroups", "deny")) return "setgroups deny";
  snprintf(map, sizeof map, "%u %u 1", options->uid, uid);
  if (!write_text("/proc/self/uid_map", map)) return "uid map";
  snprintf(map, sizeof map, "%u %u 1", options->uid, gid);
  if (!write_text("/proc/self/gid_map", map)) return "gid map";
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return "private mounts";
  /*
   * The writable folders are opened before the jail becomes read-only, because MOUNT_ATTR_RDONLY applies to them too,
   * even if they are separate mounts.
   */
  int folder[MAX_WRITABLE];
  for (int i = 0; i < options->writable_count; i++) {
    if (!in_jail(options, options->writable[i], path)) return "writable path";
    folder[i] = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder[i] < 0) return "open writable folder";
  }
  if (mount(options->jail, options->jail, NULL, MS_BIND | MS_REC, NULL) != 0) return "bind jail";
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  if (syscall(SYS_mount_setattr, AT_FDCWD, options->jail, AT_RECURSIVE, &attributes, sizeof attributes) != 0)
    return "read-only jail";
  for (int i = 0; i < options->writable_count; i++) {
    char source[64];
    snprintf(source, sizeof source, "/proc/self/fd/%d", folder[i]);
    in_jail(options, options->writable[i], path);
    if (mount(source, path, NULL, MS_BIND, NULL) != 0) return "bind writable folder";
    struct mount_attr restricted = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &restricted, sizeof restricted) != 0)
      return "restrict writable folder";
    close(folder[i]);
  }
  for (size_t i = 0; i < DEVICES; i++) {
    if (!in_jail(options, devices[i].path, path)) return "device path";
    if (mount(devices[i].path, path, NULL, MS_BIND, NULL) != 0) return "bind device";
  }
  return NULL;
}

failed_step enter_jail(const struct options *options) {
  if (chroot(options->jail) != 0) return "chroot";
  if (chdir(options->workdir) != 0) return "chdir";
  return NULL;
}
