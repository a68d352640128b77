/**
 * The system calls that the sandbox may use. Calls that a notebook needs are allowed, some of them only with certain
 * arguments. Known calls that must not be used fail with EPERM, which programs report as "Operation not permitted". All
 * other calls, including those of future kernels, fail with ENOSYS, so that libraries fall back to older calls.
 */

/** A condition on one argument of a system call. The kernel reads `int` arguments from the low 32 bits only. */
export interface Condition {
  /** Position of the argument, from 0. */
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5;
  readonly width: 32 | 64;
  /** The bits that are compared; all bits when absent. */
  readonly mask?: number;
  /** The accepted values, each below 2^32. */
  readonly oneOf: readonly number[];
}

/** System call names, by the action of the filter. */
export interface Rules {
  /** Allowed with any arguments. */
  readonly allowed: readonly string[];
  /** Allowed when every condition holds, otherwise refused with EPERM. */
  readonly conditional: ReadonlyMap<string, readonly Condition[]>;
  /** Refused with EPERM. */
  readonly refused: readonly string[];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const FILES = words(`
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range splice tee
  open openat creat close close_range dup dup2 dup3 fcntl flock fsync fdatasync sync_file_range fadvise64 readahead
  truncate ftruncate fallocate stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat
  getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
  symlink symlinkat chmod fchmod fchmodat umask utime utimes utimensat futimesat statfs fstatfs
  getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
  pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd eventfd2`);

const MEMORY = words(`
  mmap munmap mremap mprotect madvise brk msync mincore membarrier mlock munlock`);

const TIME_AND_SIGNALS = words(`
  timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4 rt_sigaction rt_sigprocmask rt_sigreturn
  rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo sigaltstack kill tkill tgkill pause alarm getitimer
  setitimer timer_create timer_settime timer_gettime timer_delete timer_getoverrun nanosleep clock_nanosleep
  clock_gettime clock_getres gettimeofday time restart_syscall`);

const PROCESSES = words(`
  fork vfork execve exit exit_group wait4 waitid futex set_robust_list get_robust_list set_tid_address rseq arch_prctl
  getpid getppid gettid getpgid setpgid getpgrp getsid setsid getuid geteuid getgid getegid getgroups getresuid
  getresgid getrlimit getrusage times sysinfo uname getcpu getrandom capget personality sched_yield sched_getaffinity
  sched_setaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority`);

/** Calls on sockets that the sandbox already has: the pipes of the supervisor, and its own socket pairs. */
const CONNECTED_SOCKETS = words('getsockname getpeername getsockopt recvfrom shutdown');

const ALLOWED = [...FILES, ...MEMORY, ...TIME_AND_SIGNALS, ...PROCESSES, ...CONNECTED_SOCKETS];

const CLONE_PIDFD = 0x1000;
const CLONE_PTRACE = 0x2000;
const CLONE_PARENT = 0x8000;
const CLONE_UNTRACED = 0x800000;
const CLONE_NAMESPACES = 0x7e020000;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCKET_TYPE = 0xf;

const CONDITIONAL: readonly (readonly [string, readonly Condition[]])[] = [
  [
    'clone', // no namespaces, no traced processes, no siblings of the caller
    [
      {
        argument: 0,
        width: 32,
        mask: CLONE_NAMESPACES | CLONE_PARENT | CLONE_PTRACE | CLONE_UNTRACED | CLONE_PIDFD,
        oneOf: [0]
      }
    ]
  ],
  [
    'socketpair', // a datagram socket could send to an abstract address outside the jail
    [
      { argument: 0, width: 32, oneOf: [AF_UNIX] },
      { argument: 1, width: 32, mask: SOCKET_TYPE, oneOf: [SOCK_STREAM] }
    ]
  ],
  ['sendto', [{ argument: 4, width: 64, oneOf: [0] }]], // no destination address
  ['prlimit64', [{ argument: 2, width: 64, oneOf: [0] }]], // only reads limits
  [
    'ioctl', // TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
    [{ argument: 1, width: 32, oneOf: [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451] }]
  ],
  [
    'prctl', // sets and gets the death signal, dumpable, name, no new privileges; names memory areas
    [{ argument: 0, width: 32, oneOf: [1, 2, 3, 4, 15, 16, 38, 39, 0x53564d41] }]
  ]
];

const SOCKETS = words(`
  socket connect bind listen accept accept4 sendmsg sendmmsg recvmsg recvmmsg setsockopt`);

const OTHER_PROCESSES = words(`
  ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_getfd
  pidfd_send_signal rt_tgsigqueueinfo`);

const NAMESPACES_AND_MOUNTS = words(`
  unshare setns mount umount2 pivot_root chroot open_tree open_tree_attr move_mount mount_setattr fsopen fsconfig
  fsmount fspick statmount listmount open_by_handle_at name_to_handle_at`);

const PRIVILEGES = words(`
  setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset chown fchown lchown fchownat
  mknod mknodat setrlimit setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat
  keyctl add_key request_key seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
  lsm_get_self_attr lsm_set_self_attr lsm_list_modules`);

const MACHINE = words(`
  swapon swapoff reboot create_module init_module finit_module delete_module query_module get_kernel_syms kexec_load
  kexec_file_load iopl ioperm clock_settime clock_adjtime settimeofday adjtimex sethostname setdomainname vhangup
  syslog acct quotactl quotactl_fd modify_ldt bpf perf_event_open userfaultfd uselib ustat sysfs _sysctl
  nfsservctl lookup_dcookie sync syncfs`);

/** Memory and queues that no limit counts or that outlive their process, and calls that bypass other rules. */
const UNCOUNTED = words(`
  shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend
  mq_timedreceive mq_notify mq_getsetattr memfd_create memfd_secret mlockall munlockall remap_file_pages vmsplice
  io_uring_setup io_uring_enter io_uring_register io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents
  fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch inotify_rm_watch execveat`);

const SCHEDULING = words(`
  sched_setparam sched_setscheduler sched_setattr setpriority ioprio_set ioprio_get mbind set_mempolicy
  set_mempolicy_home_node get_mempolicy migrate_pages move_pages`);

const REFUSED = [
  ...SOCKETS,
  ...OTHER_PROCESSES,
  ...NAMESPACES_AND_MOUNTS,
  ...PRIVILEGES,
  ...MACHINE,
  ...UNCOUNTED,
  ...SCHEDULING
];

/** The rules of every kernel image. Receipts contain the digest of the filter made from them. */
export const RULES: Rules = { allowed: ALLOWED, conditional: new Map(CONDITIONAL), refused: REFUSED };
