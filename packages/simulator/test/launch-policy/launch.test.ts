import { describe, expect, test } from '@jest/globals';
import { readLaunchPolicy } from '../../src/launch-policy/labels.js';
import { planLaunch } from '../../src/launch-policy/launch.js';
import { readLaunchSpec, type InstanceMetadata } from '../../src/launch-policy/metadata.js';

const IMAGE = { Entrypoint: ['/entry', 'a'], Env: ['PATH=/bin', 'MODE=x=y'], WorkingDir: '/work' };
const label = (name: string, value: string) => ({ [`tee.launch_policy.${name}`]: value });

const spec = (metadata: InstanceMetadata = {}) => readLaunchSpec({ 'tee-image-reference': 'x', ...metadata });

function launch(labels: Record<string, string>, metadata: InstanceMetadata = {}, hardened = true) {
  return planLaunch({ ...IMAGE, Labels: labels }, spec(metadata), 'host', hardened);
}

const env = (variables: Record<string, string>) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [`tee-env-${name}`, value]));
const mountAt = (destination: string) => ({
  'tee-mount': `type=tmpfs,source=tmpfs,destination=${destination}`
});

const REFUSED = expect.objectContaining({ code: 'policy-refused' });

describe('without labels', () => {
  test('the program starts as the image defines it', () => {
    expect(launch({})).toEqual({
      args: ['/entry', 'a'],
      env: { PATH: '/bin', MODE: 'x=y', HOSTNAME: 'host' },
      envOverride: {},
      cmdOverride: [],
      workingDirectory: '/work',
      restartPolicy: 'Never',
      memoryMonitoring: false,
      logRedirect: 'false',
      mounts: [],
      sharedMemoryKilobytes: 0
    });
  });

  test.each([[undefined], [null], [[]]])('an image with the environment %p gets a default PATH', Env => {
    const bare = planLaunch({ Entrypoint: ['/x'], ...(Env === undefined ? {} : { Env }) }, spec(), 'host');
    expect(bare.env).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: 'host'
    });
    expect(bare.workingDirectory).toBe('/');
  });

  test('the image’s command follows its entrypoint', () => {
    const args = (image: object) => planLaunch(image, spec(), 'host').args;
    expect(args({ Entrypoint: ['/x', 'a'], Cmd: ['b', 'c'] })).toEqual(['/x', 'a', 'b', 'c']);
    expect(args({ Cmd: ['/b'] })).toEqual(['/b']);
  });

  test.each<[string, InstanceMetadata]>([
    ['a variable', env({ A: '1' })],
    ['another command', { 'tee-cmd': '["b"]' }],
    ['log redirection', { 'tee-container-log-redirect': 'true' }],
    ['redirection to the serial console', { 'tee-container-log-redirect': 'serial' }],
    ['redirection to the cloud', { 'tee-container-log-redirect': 'cloud_logging' }],
    ['memory monitoring', { 'tee-monitoring-enable': 'memoryonly' }],
    ['memory monitoring by the old key', { 'tee-monitoring-memory-enable': 'true' }],
    ['all monitoring', { 'tee-monitoring-enable': 'ALL' }],
    ['a mount', mountAt('/tmp')],
    ['a capability', { 'tee-added-capabilities': '["CAP_SYS_ADMIN"]' }],
    ['cgroups', { 'tee-cgroup-ns': 'true' }]
  ])('the operator cannot set %s', (_, metadata) => {
    expect(() => launch({}, metadata)).toThrow(REFUSED);
  });

  test('a debug machine may redirect output and monitor memory, but nothing more', () => {
    const metadata = { 'tee-container-log-redirect': 'true', 'tee-monitoring-enable': 'memoryonly' };
    const plan = launch({}, metadata, false);
    expect([plan.logRedirect, plan.memoryMonitoring]).toEqual(['true', true]);
    expect(() => launch({}, { 'tee-monitoring-enable': 'all' }, false)).toThrow(REFUSED);
    expect(() => launch({}, env({ A: '1' }), false)).toThrow(REFUSED);
  });
});

describe('allow_env_override', () => {
  const allowing = label('allow_env_override', 'A,,CLEAN_ROOM_JOB, B');

  test('allows exactly the named variables, which override those of the image', () => {
    const plan = launch(allowing, env({ A: '', CLEAN_ROOM_JOB: 'url' }));
    expect(plan.env).toEqual({ PATH: '/bin', MODE: 'x=y', A: '', CLEAN_ROOM_JOB: 'url', HOSTNAME: 'host' });
    expect(plan.envOverride).toEqual({ A: '', CLEAN_ROOM_JOB: 'url' });
    expect(launch(label('allow_env_override', 'PATH'), env({ PATH: '/x' })).env['PATH']).toBe('/x');
  });

  test('does not trim names or ignore their case', () => {
    for (const name of ['B', 'a', 'A ', '', 'PATH', 'constructor']) {
      expect(() => launch(allowing, env({ [name]: 'x' }))).toThrow(REFUSED);
    }
  });

  test('does not allow names that are not those of variables', () => {
    for (const name of [' B', 'A-B', '1', 'A.B']) {
      expect(() => launch(label('allow_env_override', name), env({ [name]: 'x' }))).toThrow(
        /malformed env name/
      );
    }
  });

  test('does not override HOSTNAME', () => {
    expect(launch(label('allow_env_override', 'HOSTNAME'), env({ HOSTNAME: 'x' })).env['HOSTNAME']).toBe(
      'host'
    );
  });
});

test('allow_cmd_override appends to the entrypoint', () => {
  const plan = launch(label('allow_cmd_override', 'true'), { 'tee-cmd': '["--x"]' });
  expect(plan.args).toEqual(['/entry', 'a', '--x']);
  expect(plan.cmdOverride).toEqual(['--x']);
  for (const yes of ['1', 't', 'T', 'TRUE', 'True'])
    launch(label('allow_cmd_override', yes), { 'tee-cmd': '["b"]' });
  for (const no of ['0', 'f', 'false']) {
    expect(() => launch(label('allow_cmd_override', no), { 'tee-cmd': '["b"]' })).toThrow(REFUSED);
  }
  for (const broken of ['yes', '', 'tRUE', ' true']) {
    expect(() => launch(label('allow_cmd_override', broken))).toThrow(REFUSED);
  }
});

test.each([
  ['always', true, true],
  ['always', false, true],
  ['never', true, false],
  ['never', false, false],
  ['debugonly', true, false],
  ['debugonly', false, true],
  [' NEVER ', false, false]
])('log_redirect %p, hardened %p: redirected %p', (rule, hardened, allowed) => {
  const metadata = { 'tee-container-log-redirect': 'serial' };
  const redirected = () => launch(label('log_redirect', rule), metadata, hardened).logRedirect;
  if (allowed) expect(redirected()).toBe('serial');
  else expect(redirected).toThrow(REFUSED);
  expect(launch(label('log_redirect', rule), {}, hardened).logRedirect).toBe('false');
});

describe('monitoring', () => {
  test('is allowed by a label for each kind of machine', () => {
    const labels = { ...label('hardened_monitoring', 'memoryOnly'), ...label('debug_monitoring', 'ALL') };
    launch(labels, { 'tee-monitoring-enable': 'memoryonly' });
    expect(() => launch(labels, { 'tee-monitoring-enable': 'all' })).toThrow(REFUSED);
    launch(labels, { 'tee-monitoring-enable': 'all' }, false);
  });

  test('is allowed by the old label, but not together with the new ones', () => {
    const read = (rule: string) => readLaunchPolicy(label('monitoring_memory_allow', rule));
    expect(read('always')).toMatchObject({ hardenedMonitoring: 'memoryonly', debugMonitoring: 'memoryonly' });
    expect(read('never')).toMatchObject({ hardenedMonitoring: 'none', debugMonitoring: 'none' });
    expect(read('debugonly')).toMatchObject({ hardenedMonitoring: 'none', debugMonitoring: 'memoryonly' });
    const both = { ...label('monitoring_memory_allow', 'never'), ...label('debug_monitoring', 'none') };
    expect(() => readLaunchPolicy(both)).toThrow(REFUSED);
  });
});

describe('allow_mount_destinations', () => {
  const allowing = label('allow_mount_destinations', ':/jail/nb/:/data/../scratch');
  const mount = (destination: string) => () => launch(allowing, mountAt(destination));

  test.each(['/jail/nb', '/jail/nb/', '/jail/nb/deep/er', '/jail/x/../nb', '/scratch'])(
    'allows %s',
    destination => {
      expect(mount(destination)).not.toThrow();
    }
  );

  test('takes a relative path from the root', () => {
    expect(launch(allowing, mountAt('jail/nb')).mounts).toEqual([{ destination: '/jail/nb' }]);
  });

  test.each(['/jail', '/jail/nbx', '/jail/nb/../../etc', '/data', '/', ''])('refuses %p', destination => {
    expect(mount(destination)).toThrow(REFUSED);
  });

  test('refuses a launch if a folder in the label is relative', () => {
    const relative = label('allow_mount_destinations', 'jail');
    expect(() => launch(relative, mountAt('/jail'))).toThrow(REFUSED);
  });
});

test.each([
  'log_redirect',
  'hardened_monitoring',
  'debug_monitoring',
  'monitoring_memory_allow',
  'allow_capabilities',
  'allow_cgroups'
])('an invalid label %s makes every launch fail', name => {
  expect(() => launch(label(name, 'sometimes'))).toThrow(REFUSED);
});

test('settings that the labels allow and the simulator lacks are an error', () => {
  const lacking = expect.objectContaining({ code: 'backend-unavailable' });
  const allowing = { ...label('allow_capabilities', 'true'), ...label('allow_cgroups', '1') };
  expect(() => launch(allowing, { 'tee-added-capabilities': '["CAP_SYS_ADMIN"]' })).toThrow(lacking);
  expect(() => launch(allowing, { 'tee-cgroup-ns': '1' })).toThrow(lacking);
  expect(() => launch({}, { 'test-fake-verifier': 'true' })).toThrow(lacking);
  expect(() => launch({}, { 'gca-service-env': 'staging' })).toThrow(lacking);
  expect(() => planLaunch({ Entrypoint: ['x'] }, spec(), 'host')).toThrow(lacking);
});

test('refuses an image without a program, and ignores other labels', () => {
  expect(() => planLaunch({ Entrypoint: [] }, spec(), 'host')).toThrow(REFUSED);
  const command = { Labels: label('allow_cmd_override', 'true') };
  expect(() => planLaunch(command, spec({ 'tee-cmd': '["/b"]' }), 'host')).toThrow(
    /length of Args \[1\] is shorter or equal to the length of the given Cmd \[1\]/
  );
  expect(
    launch({ 'org.opencontainers.image.title': 'x', 'tee.launch_policy.unheard_of': 'x' }).args
  ).toHaveLength(2);
});
