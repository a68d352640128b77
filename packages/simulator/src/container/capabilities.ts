/**
 * What Confidential Space gives a container: bounding, permitted and effective set alike, mask 0xa80425fb; inheritable
 * and ambient set empty (containerd's default, which the launcher takes over).
 */
export const CONTAINER_CAPABILITIES = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write'
] as const;

/**
 * Runs what follows with the container's bounding set. bwrap needs one capability more to build the container; it gets
 * it through the inheritable set, which the last step before the program empties.
 */
export const BOUNDED: readonly string[] = [
  ...['setpriv', '--inh-caps=+sys_admin'],
  ...['setpriv', `--bounding-set=-all,${CONTAINER_CAPABILITIES.map(name => `+${name}`).join(',')}`]
];

/** Options of bwrap that leave it these capabilities and no other. */
export const CAPABILITY_OPTIONS: readonly string[] = [
  ...['--cap-drop', 'ALL'],
  ...CONTAINER_CAPABILITIES.flatMap(name => ['--cap-add', `CAP_${name.toUpperCase()}`])
];
