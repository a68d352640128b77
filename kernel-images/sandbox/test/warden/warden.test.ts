import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policyBytes } from '../../src/policy/assemble.js';
import { runArguments, type WardenOptions } from '../../src/warden/arguments.js';
import { parseStatus } from '../../src/warden/status.js';
import { LIMITS } from '../support/container.js';
import { PROFILES } from '../support/emulation.js';
import { ORDINARY_USER } from '../support/paths.js';
import { isRoot, layerWith } from '../support/fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'clean-room-warden-'));
chmodSync(folder, 0o755);
const policyPath = join(folder, 'policy.bpf');
writeFileSync(policyPath, policyBytes());

const WARDEN = 'usr/lib/clean-room/warden';

/** Creates the folders and files of a jail that the warden needs before it runs the command. */
function makeJail(profile: WardenOptions['mode']): string {
  const jail = join(folder, profile);
  for (const name of ['nb', 'dev']) mkdirSync(join(jail, name), { recursive: true });
  for (const name of ['null', 'zero', 'full', 'random', 'urandom'])
    writeFileSync(join(jail, 'dev', name), '');
  if (isRoot && profile === 'nested-namespace') chownSync(join(jail, 'nb'), ORDINARY_USER, ORDINARY_USER);
  return jail;
}

const jails = new Map(PROFILES.map(profile => [profile, makeJail(profile)]));

const options = (profile: WardenOptions['mode']): WardenOptions => ({
  jail: jails.get(profile) ?? '',
  mode: profile,
  wardenPath: join(layerWith(profile, WARDEN), WARDEN),
  policyPath,
  // Other tests use other ids: these tests run outside a container, where the killer kills all processes of the user.
  uid: 10101,
  killerUid: 10102,
  limits: LIMITS,
  env: {},
  command: ['/usr/bin/bash', '-c', 'echo ran'],
  workdir: '/nb',
  writable: ['/nb']
});

const STDIO: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'];

/** Runs the warden with descriptors like those of the supervisor, except that the control pipe is closed at once. */
function runWarden(wardenPath: string, parameters: readonly string[], missing?: number) {
  const run = spawnSync(wardenPath, [...parameters], {
    stdio: missing === undefined ? STDIO : STDIO.map((pipe, at) => (at === missing ? 'ignore' : pipe)),
    env: {},
    ...(isRoot && wardenPath.includes(layerWith('nested-namespace', WARDEN))
      ? { uid: ORDINARY_USER, gid: ORDINARY_USER }
      : {})
  });
  return {
    code: run.status,
    stdout: String(run.stdout),
    stderr: String(run.stderr),
    status: String(run.output[5])
  };
}

describe.each(PROFILES)('the warden in %s', profile => {
  const good = runArguments(options(profile));
  const warden = options(profile).wardenPath;
  const without = (name: string): string[] =>
    good.filter((_, at) => good[at] !== name && good[at - 1] !== name);
  const replaced = (name: string, value: string): string[] =>
    good.map((parameter, at) => (good[at - 1] === name ? value : parameter));

  it.each([
    ['--mode'],
    ['--jail'],
    ['--policy'],
    ['--uid'],
    ['--workdir'],
    ['--memory'],
    ['--memory-floor'],
    ['--disk'],
    ['--inodes'],
    ['--wall-ms'],
    ['--data'],
    ['--processes'],
    ['--open-files'],
    ['--cpu-seconds']
  ])('runs nothing without %s', name => {
    const run = runWarden(warden, without(name));
    expect(run).toMatchObject({ code: 124, stdout: '', status: '' });
    expect(run.stderr).toContain('warden:');
  });

  it.each([
    ['--mode', 'none'],
    ['--mode', ''],
    ['--uid', '0'],
    ['--uid', '-1'],
    ['--uid', '10001x'],
    ['--memory', '0'],
    ['--memory', '1e9'],
    ['--jail', 'relative'],
    ['--jail', '/a/../b'],
    ['--policy', '/nonexistent'],
    ['--policy', '/dev/null']
  ])('runs nothing with %s "%s"', (name, value) => {
    expect(runWarden(warden, replaced(name, value))).toMatchObject({ code: 124, stdout: '' });
  });

  it('runs nothing with an unknown option', () => {
    expect(runWarden(warden, ['run', '--no-policy', 'yes', ...good.slice(1)])).toMatchObject({
      code: 124,
      stdout: ''
    });
  });

  it.each([
    ['a jail that does not exist', '--jail', '/nonexistent'],
    ['a folder that is not in the jail', '--workdir', '/nowhere'],
    ['a writable folder that does not exist', '--writable', '/nowhere']
  ])('reports that the setup failed because of %s', (_, name, value) => {
    const run = runWarden(warden, replaced(name, value));
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed' });
  });

  it('reports that the kernel refused the policy', () => {
    const broken = join(folder, 'broken.bpf');
    writeFileSync(broken, Buffer.from('0500000010000000', 'hex'));
    const run = runWarden(warden, replaced('--policy', broken));
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed', what: 'policy' });
  });

  it.each([3, 4, 6])('runs nothing without descriptor %i', missing => {
    const run = runWarden(warden, good, missing);
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed', what: 'descriptors' });
  });

  it('reports that the command does not exist', () => {
    const parameters = [...good.slice(0, good.indexOf('--') + 1), '/usr/bin/no-such-program'];
    const run = runWarden(warden, parameters);
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed', what: 'execve', errno: 2 });
  });
});

describe('parseStatus', () => {
  it.each([
    '',
    'null',
    '{}',
    '[]',
    '{"type":"end"}',
    '{"type":"started","mode":1}',
    '{"type":"end","why":"bored"}'
  ])('refuses %j', line => expect(() => parseStatus(line)).toThrow('invalid status'));
});
