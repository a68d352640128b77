import { describe, expect, test } from '@jest/globals';
import { readLaunchPolicy } from '../../src/launch-policy/labels.js';
import { planLaunch, type LaunchMetadata } from '../../src/launch-policy/launch.js';

const IMAGE = { Entrypoint: ['/entry', 'a'], Env: ['PATH=/bin', 'MODE=x=y'], WorkingDir: '/work' };
const label = (name: string, value: string) => ({ [`tee.launch_policy.${name}`]: value });

function launch(labels: Record<string, string>, metadata: Partial<LaunchMetadata> = {}, hardened = true) {
  return planLaunch({ ...IMAGE, Labels: labels }, { imageReference: 'x', ...metadata }, 'host', hardened);
}

const REFUSED = expect.objectContaining({ code: 'policy-refused' });

describe('without labels', () => {
  test('the program starts as the image defines it', () => {
    expect(launch({})).toEqual({
      args: ['/entry', 'a'],
      env: { PATH: '/bin', MODE: 'x=y', HOSTNAME: 'host' },
      envOverride: {},
      cmdOverride: [],
      workingDirectory: '/work',
      logRedirect: false,
      mounts: []
    });
    const bare = planLaunch({ Entrypoint: ['/x'] }, { imageReference: 'x' }, 'host');
    expect(bare.env['PATH']).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    expect(bare.workingDirectory).toBe('/');
  });

  test.each<[string, Partial<LaunchMetadata>]>([
    ['a variable', { env: { A: '1' } }],
    ['another command', { cmd: ['b'] }],
    ['log redirection', { logRedirect: true }],
    ['memory monitoring', { monitoring: 'memoryonly' }],
    ['all monitoring', { monitoring: 'all' }],
    ['a mount', { mounts: [{ destination: '/tmp' }] }],
    ['a capability', { addedCapabilities: ['CAP_SYS_ADMIN'] }],
    ['cgroups', { cgroupNamespace: true }]
  ])('the operator cannot set %s', (_, metadata) => {
    expect(() => launch({}, metadata)).toThrow(REFUSED);
  });

  test('a debug machine may redirect output and monitor memory, but nothing more', () => {
    expect(launch({}, { logRedirect: true, monitoring: 'memoryonly' }, false).logRedirect).toBe(true);
    expect(() => launch({}, { monitoring: 'all' }, false)).toThrow(REFUSED);
    expect(() => launch({}, { env: { A: '1' } }, false)).toThrow(REFUSED);
  });
});

describe('allow_env_override', () => {
  const allowing = label('allow_env_override', 'A,,CLEAN_ROOM_JOB, B');

  test('allows exactly the named variables, which override those of the image', () => {
    const plan = launch({ ...allowing }, { env: { A: '', CLEAN_ROOM_JOB: 'url' } });
    expect(plan.env).toEqual({ PATH: '/bin', MODE: 'x=y', A: '', CLEAN_ROOM_JOB: 'url', HOSTNAME: 'host' });
    expect(plan.envOverride).toEqual({ A: '', CLEAN_ROOM_JOB: 'url' });
    expect(launch(label('allow_env_override', 'PATH'), { env: { PATH: '/x' } }).env['PATH']).toBe('/x');
  });

  test('does not trim names or ignore their case', () => {
    for (const name of ['B', 'a', 'A ', '', 'PATH', 'constructor']) {
      expect(() => launch({ ...allowing }, { env: { [name]: 'x' } })).toThrow(REFUSED);
    }
    expect(launch({ ...allowing }, { env: { ' B': 'x' } }).envOverride).toEqual({ ' B': 'x' });
  });

  test('does not override HOSTNAME', () => {
    expect(launch(label('allow_env_override', 'HOSTNAME'), { env: { HOSTNAME: 'x' } }).env['HOSTNAME']).toBe(
      'host'
    );
  });
});

test('allow_cmd_override appends to the entrypoint', () => {
  const plan = launch(label('allow_cmd_override', 'true'), { cmd: ['--x'] });
  expect(plan.args).toEqual(['/entry', 'a', '--x']);
  expect(plan.cmdOverride).toEqual(['--x']);
  for (const yes of ['1', 't', 'T', 'TRUE', 'True']) launch(label('allow_cmd_override', yes), { cmd: ['b'] });
  for (const no of ['0', 'f', 'false']) {
    expect(() => launch(label('allow_cmd_override', no), { cmd: ['b'] })).toThrow(REFUSED);
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
  const redirected = () => launch(label('log_redirect', rule), { logRedirect: true }, hardened).logRedirect;
  if (allowed) expect(redirected()).toBe(true);
  else expect(redirected).toThrow(REFUSED);
  expect(launch(label('log_redirect', rule), {}, hardened).logRedirect).toBe(false);
});

describe('monitoring', () => {
  test('is allowed by a label for each kind of machine', () => {
    const labels = { ...label('hardened_monitoring', 'memoryOnly'), ...label('debug_monitoring', 'ALL') };
    launch(labels, { monitoring: 'memoryonly' });
    expect(() => launch(labels, { monitoring: 'all' })).toThrow(REFUSED);
    launch(labels, { monitoring: 'all' }, false);
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
  const mount = (destination: string) => () => launch(allowing, { mounts: [{ destination }] });

  test.each(['/jail/nb', '/jail/nb/', '/jail/nb/deep/er', '/jail/x/../nb', '/scratch'])(
    'allows %s',
    destination => {
      expect(mount(destination)).not.toThrow();
    }
  );

  test.each(['/jail', '/jail/nbx', '/jail/nb/../../etc', '/data', '/', 'jail/nb', ''])(
    'refuses %p',
    destination => {
      expect(mount(destination)).toThrow(REFUSED);
    }
  );

  test('refuses a launch if a folder in the label is relative', () => {
    const relative = label('allow_mount_destinations', 'jail');
    expect(() => launch(relative, { mounts: [{ destination: '/jail' }] })).toThrow(REFUSED);
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
  expect(() => launch(allowing, { addedCapabilities: ['CAP_SYS_ADMIN'] })).toThrow(lacking);
  expect(() => launch(allowing, { cgroupNamespace: true })).toThrow(lacking);
});

test('refuses an image without an entrypoint, and ignores other labels', () => {
  expect(() => planLaunch({ Entrypoint: [] }, { imageReference: 'x' }, 'host')).toThrow(REFUSED);
  expect(
    launch({ 'org.opencontainers.image.title': 'x', 'tee.launch_policy.unheard_of': 'x' }).args
  ).toHaveLength(2);
});
