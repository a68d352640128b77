/* The first program of the emulated container. It keeps exactly the capabilities that a container has by default. */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned kept[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID,  CAP_FOWNER,           CAP_MKNOD,      CAP_NET_RAW,
                                CAP_SETGID, CAP_SETUID,       CAP_SETFCAP, CAP_SETPCAP,          CAP_NET_BIND_SERVICE,
                                CAP_SYS_CHROOT, CAP_KILL,     CAP_AUDIT_WRITE};

int main(int argc, char **argv) {
  unsigned long mask = 0;
  for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++) mask |= 1UL << kept[i];
  for (unsigned c = 0; c < 64; c++)
    if (!(mask >> c & 1) && prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0) return 120;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return 121;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(unsigned)mask, (unsigned)mask, 0}, {(unsigned)(mask >> 32), (unsigned)(mask >> 32), 0}};
  if (syscall(SYS_capset, &header, data) != 0) return 122;
  if (argc > 1) execv(argv[1], argv + 1);
  return 123;
}
