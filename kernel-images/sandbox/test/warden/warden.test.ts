import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policyBytes } from '../../src/policy/index.js';
import { parseStatus, runArguments, type WardenOptions } from '../../src/warden/index.js';
import { LIMITS, PROFILES } from '../support/container.js';
import { ORDINARY_USER } from '../support/paths.js';
import { isRoot, stageOf } from '../support/stage.js';

const folder = mkdtempSync(join(tmpdir(), 'clean-room-warden-'));
chmodSync(folder, 0o755);
const policyPath = join(folder, 'policy.bpf');
writeFileSync(policyPath, policyBytes());

const options = (profile: WardenOptions['mode']): WardenOptions => ({
  jail: join(stageOf(profile), 'jail'),
  mode: profile,
  wardenPath: join(stageOf(profile), 'usr/lib/clean-room/warden'),
  policyPath,
  uid: 10001,
  killerUid: 10002,
  limits: LIMITS,
  env: {},
  command: ['/usr/bin/bash', '-c', 'echo ran'],
  workdir: '/nb',
  writable: ['/nb']
});

const STDIO: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'];

/** Starts the warden with descriptors as the supervisor gives them; its control pipe is at its end at once. */
function start(wardenPath: string, words: readonly string[], missing?: number) {
  const run = spawnSync(wardenPath, [...words], {
    stdio: missing === undefined ? STDIO : STDIO.map((pipe, at) => (at === missing ? 'ignore' : pipe)),
    env: {},
    ...(isRoot && wardenPath.includes(stageOf('nested-namespace'))
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
  const instead = (name: string, value: string): string[] =>
    good.map((word, at) => (good[at - 1] === name ? value : word));

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
    const run = start(warden, without(name));
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
    expect(start(warden, instead(name, value))).toMatchObject({ code: 124, stdout: '' });
  });

  it('runs nothing with a word it does not know', () => {
    expect(start(warden, ['run', '--no-policy', 'yes', ...good.slice(1)])).toMatchObject({
      code: 124,
      stdout: ''
    });
  });

  it.each([
    ['a jail that is not there', '--jail', '/nonexistent'],
    ['a folder that is not in the jail', '--workdir', '/nowhere'],
    ['a writable folder that is not there', '--writable', '/nowhere']
  ])('reports a setup that failed: %s', (_, name, value) => {
    const run = start(warden, instead(name, value));
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed' });
  });

  it('reports a policy that the kernel refuses', () => {
    const broken = join(folder, 'broken.bpf');
    writeFileSync(broken, Buffer.from('0500000010000000', 'hex'));
    const run = start(warden, instead('--policy', broken));
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed', what: 'policy' });
  });

  it.each([3, 4, 6])('runs nothing when it was not given descriptor %i', missing => {
    const run = start(warden, good, missing);
    expect(run).toMatchObject({ code: 125, stdout: '' });
    expect(parseStatus(run.status.trim())).toMatchObject({ type: 'setup-failed', what: 'descriptors' });
  });

  it('reports a command that is not there', () => {
    const words = [...good.slice(0, good.indexOf('--') + 1), '/usr/bin/no-such-program'];
    const run = start(warden, words);
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
  ])('refuses %j', line => expect(() => parseStatus(line)).toThrow('no status'));
});
