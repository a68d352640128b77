const EVERY_PROFILE = `
  user groups no-capabilities no-new-privileges securebits become-root become-root-group change-user change-group
  join-groups take-capabilities raise-limit limit-others descriptors limits

  unreachable-launcher unreachable-launcher-token unreachable-supervisor-environment unreachable-supervisor-memory
  unreachable-own-process-folder unreachable-kernel-settings unreachable-supervisor-program unreachable-warden-program
  unreachable-physical-memory unreachable-terminal
  read-only-/ read-only-/usr read-only-/etc read-only-/dev read-only-/data read-only-/run read-only-/proc
  read-only-/usr/lib/clean-room/executor writable-/nb writable-/tmp writable-/dev/shm
  no-way-up null-device chroot mount unmount pivot-root file-system-context open-tree move-mount mount-attributes
  file-handle make-device change-owner

  socket-unix socket-inet socket-inet6 socket-netlink socket-packet socket-alg socket-vsock socket-smc socket-xdp
  socket-raw socket-datagram datagram-pair connect-abstract connect-launcher connect-supervisor connect-metadata
  send-to-address send-message send-messages receive-message receive-messages bind listen accept socket-option
  no-names dev-log

  kill-outside trace read-memory write-memory process-descriptor steal-descriptor signal-by-descriptor
  compare-processes advise-process
  unshare-user unshare-pid unshare-network unshare-mount unshare-ipc unshare-hostname unshare-cgroup unshare-time
  clone-user clone-pid clone-network clone-mount clone-ipc clone-hostname clone-cgroup clone-parent clone3
  enter-namespace terminal-input io-uring io-uring-enter io-uring-register kernel-aio keys add-key bpf
  performance-events page-faults anonymous-file secret-memory shared-memory message-queue semaphores posix-queue
  watch-files new-kernel kernel-module kernel-log reboot segment-table clock own-filter execute-descriptor
  splice-memory unknown-call x32-calls 32-bit-calls

  daemon-started daemon-ended no-connection warden-capabilities`;

/**
 * Returns the names of all checks that must pass. A check that a report omits counts as failed. The checks on the last
 * line of the list are made from outside the sandbox.
 */
export function requiredChecks(): readonly string[] {
  return EVERY_PROFILE.trim().split(/\s+/);
}
