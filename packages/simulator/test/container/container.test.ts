import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LayoutStore } from '@clean-room/oci/layout';
import { isRoot, requireTools } from '../../src/container/tools.js';
import { writeImage, scriptLayer, toolsLayer } from '../support/image.js';
import { workspace } from '../support/workspace.js';

const root = workspace();
const driver = fileURLToPath(new URL('../support/run-container.js', import.meta.url));
const layout = join(root, 'layout');
let tools: Buffer;

/** The id of a user that does not exist on this machine, and so has no privileges. */
const ORDINARY = 54321;
const users = isRoot() ? (['root', 'an ordinary user'] as const) : (['an ordinary user'] as const);
type User = (typeof users)[number];

beforeAll(async () => {
  chmodSync(root, 0o755);
  await requireTools();
  await LayoutStore.open(layout);
  tools = await toolsLayer();
});

interface Run {
  end: { exitCode?: number };
  stdout: string;
  stderr: string;
  error?: { code: string; message: string; remedy: string };
}

async function run(
  user: User,
  script: string,
  environment: Record<string, string> = {},
  mounts: readonly object[] = []
): Promise<Run> {
  const digest = await writeImage(layout, [tools, await scriptLayer(script)]);
  const folder = mkdtempSync(join(root, 'run-'));
  const launcher = join(folder, 'launcher');
  mkdirSync(launcher);
  writeFileSync(join(launcher, 'token'), 'the token', { mode: 0o644 });
  const cache = join(root, `cache-of-${user.replaceAll(' ', '-')}`);
  mkdirSync(cache, { recursive: true });
  const options = { layout, digest, cache, scratch: join(folder, 'scratch'), launcher, environment, mounts };
  const command = [process.execPath, driver, JSON.stringify(options)];
  if (user === 'an ordinary user' && isRoot()) {
    for (const owned of [folder, launcher, cache]) chownSync(owned, ORDINARY, ORDINARY);
    command.unshift(
      'setpriv',
      `--reuid=${ORDINARY}`,
      `--regid=${ORDINARY}`,
      '--clear-groups',
      '--inh-caps=-all'
    );
  }
  const [program = '', ...rest] = command;
  const result = JSON.parse(execFileSync(program, rest, { encoding: 'utf8', cwd: '/' })) as Run;
  const output = (name: string) =>
    existsSync(join(folder, 'scratch', name)) ? readFileSync(join(folder, 'scratch', name), 'utf8') : '';
  const seen = { ...result, stdout: output('stdout.log'), stderr: output('stderr.log') };
  rmSync(folder, { recursive: true });
  return seen;
}

describe.each(users)('a container of %s', user => {
  test('has exactly the capabilities of Confidential Space, and cannot gain any', async () => {
    const { end, stdout } = await run(user, 'cat /proc/self/status; exit 3');
    const line = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stdout)?.[1];
    expect(end).toEqual({ exitCode: 3 });
    expect(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(line)).toEqual([
      '0000000000000000',
      '00000000a80425fb',
      '00000000a80425fb',
      '00000000a80425fb',
      '0000000000000000'
    ]);
    expect([line('NoNewPrivs'), line('Seccomp')]).toEqual(['1', '0']);
  });

  test('is root and process 1, in its own namespaces except for the network', async () => {
    const { stdout } = await run(
      user,
      'id -u; echo $$; hostname; for n in net pid ipc uts mnt; do readlink /proc/self/ns/$n; done'
    );
    const [uid, pid, hostname, net, ...others] = stdout.trim().split('\n');
    expect([uid, pid, hostname]).toEqual(['0', '1', 'test-machine']);
    expect(net).toBe(readlinkSync('/proc/self/ns/net'));
    const own = ['pid', 'ipc', 'uts', 'mnt'].map(name => readlinkSync(`/proc/self/ns/${name}`));
    expect(others).toHaveLength(4);
    for (const [index, namespace] of others.entries()) expect(namespace).not.toBe(own[index]);
  });

  test('can read the launcher’s folder and cannot write to it', async () => {
    const { stdout, stderr } = await run(
      user,
      'cat /run/container_launcher/token; echo; echo x > /run/container_launcher/token'
    );
    expect(stdout).toBe('the token\n');
    expect(stderr).toMatch(/Read-only file system/);
  });

  test('can write to its root, and the next container does not see that', async () => {
    const write =
      'echo x > /bin/mine && cat /bin/mine; ls /bin/other 2>/dev/null; echo y > /bin/other; echo "" > /clean-room/run.sh';
    expect((await run(user, write)).stdout).toBe('x\n');
    expect((await run(user, write)).stdout).toBe('x\n');
  });

  test('can neither mount nor leave the network namespace', async () => {
    const { stdout } = await run(
      user,
      'mount -t tmpfs t /tmp 2>/dev/null || echo no mount; unshare -n /bin/id 2>/dev/null || echo no unshare'
    );
    expect(stdout).toBe('no mount\nno unshare\n');
  });

  test('has only the given environment and three descriptors', async () => {
    const { stdout } = await run(user, 'env; for d in /proc/self/fd/*; do echo "$d"; done', {
      CLEAN_ROOM_JOB: 'a b\n"c"'
    });
    const variables = stdout.split('\n/proc')[0];
    expect(variables).toContain('CLEAN_ROOM_JOB=a b\n"c"');
    expect(variables).toContain('HOSTNAME=test-machine');
    expect(variables).not.toContain('npm_');
    const descriptors = [...stdout.matchAll(/\/proc\/self\/fd\/(\d+)/g)].map(([, number]) => Number(number));
    // The shell keeps its script open, and the folder while it lists it.
    expect(descriptors.filter(number => number < 10 && number > 3)).toEqual([]);
  });

  test('has the usual devices, and 64 MiB of shared memory', async () => {
    const script =
      'for d in null zero full random urandom tty pts shm mqueue; do ls -d /dev/$d; done; stat -f -c "%b %S" /dev/shm; echo x > /dev/null && echo written; stat -c %F /jail/dev/null';
    const { stdout } = await run(user, script);
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 9)).toHaveLength(9);
    const [blocks, size] = (lines[9] ?? '').split(' ').map(Number);
    expect((blocks ?? 0) * (size ?? 0)).toBe(64 * 1024 ** 2);
    expect(lines[10]).toBe('written');
    expect(lines[11]).toBe(user === 'root' ? 'character special file' : 'regular empty file');
  });

  test('has the mounts of containerd, and those of the operator', async () => {
    const mounts = [{ destination: '/jail/nb', sizeBytes: 1024 ** 2 }, { destination: '/new' }];
    const script = `chmod 750 /jail 2>/dev/null; cat /proc/self/mountinfo; echo ---
      for d in /run /dev/shm /jail/nb /new; do stat -c '%a %n' $d; stat -f -c '%b %S' $d; done
      echo '#!/bin/sh' > /new/x; /bin/sh -c 'chmod 755 /new/x' 2>/dev/null; /new/x || echo no execution`;
    const { stdout } = await run(user, script, {}, mounts);
    const [table = '', rest = ''] = stdout.split('---\n');
    const options = (path: string) =>
      (
        table
          .split('\n')
          .findLast(line => line.split(' ')[4] === path)
          ?.split(' ')[5] ?? ''
      )
        .split(',')
        .sort();
    for (const path of ['/dev/shm', '/jail/nb', '/new'])
      expect(options(path)).toEqual(expect.arrayContaining(['nodev', 'noexec', 'nosuid', 'rw']));
    expect(options('/run')).toEqual(expect.arrayContaining(['nosuid', 'rw']));
    expect(options('/run')).not.toContain('noexec');
    if (user === 'root') expect(options('/run')).not.toContain('nodev');
    const lines = rest.trim().split('\n');
    expect(lines.filter((_, index) => index % 2 === 0).slice(0, 4)).toEqual([
      '755 /run',
      '1777 /dev/shm',
      '755 /jail/nb',
      '1777 /new'
    ]);
    const bytes = (index: number) =>
      (lines[index] ?? '').split(' ').reduce((product, part) => product * Number(part), 1);
    expect([bytes(1), bytes(3), bytes(5)]).toEqual([64 * 1024 ** 2, 64 * 1024 ** 2, 1024 ** 2]);
    expect(lines.at(-1)).toBe('no execution');
  });

  test('may open as many files as in Confidential Space, or as its user may', async () => {
    const own = /^Max open files +\S+ +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    const limits = (await run(user, 'cat /proc/self/limits')).stdout;
    const [soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits)?.slice(1).map(Number) ?? [];
    expect(soft).toBe(hard);
    // A privileged user may raise the limit.
    const most = own === undefined || own === 'unlimited' ? Infinity : Number(own);
    expect([131_072, most]).toContain(soft);
    expect(soft).toBeLessThanOrEqual(131_072);
  });

  test('cannot see the machine’s firmware and power consumption', async () => {
    const { stdout } = await run(
      user,
      'for d in firmware devices/virtual/powercap; do ls -A /sys/$d; done; echo end'
    );
    expect(stdout).toBe('end\n');
  });

  test('discards its output unless it is redirected', async () => {
    const silent = await run(user, 'echo secret; echo secret >&2; exit 5', { QUIET: '1' });
    expect(silent).toMatchObject({ end: { exitCode: 5 }, stdout: '', stderr: '' });
  });

  test('does not see the processes of the machine', async () => {
    const { stdout } = await run(user, 'for p in /proc/[0-9]*; do echo "$p"; done; cat /proc/1/cmdline');
    expect([...stdout.matchAll(/^\/proc\/\d+$/gm)].length).toBeLessThanOrEqual(2);
    expect(stdout).toContain('/clean-room/run.sh');
  });
});

if (isRoot()) {
  test('as root, the program has only the group of root', async () => {
    const { stdout } = await run('root', 'cat /proc/self/status');
    expect(/^Groups:\s*(.*?)\s*$/m.exec(stdout)?.[1]).toBe('0');
  });

  test('as root, kernel settings are read-only and the paths that containerd masks are masked', async () => {
    const script =
      'echo 1 > /proc/sys/kernel/panic || echo read-only; cat /proc/kcore; cat /proc/keys; echo; echo x > /jail/dev/null && echo device; mknod /tmp/n c 1 3 && echo made';
    const { stdout } = await run('root', script);
    expect(stdout).toBe('read-only\n\ndevice\nmade\n');
  });
}

describe('an error names the missing', () => {
  test('tool', async () => {
    const error: unknown = await requireTools('/nowhere').catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'backend-unavailable',
      remedy: expect.stringContaining('apt-get install bubblewrap')
    });
  });

  test.each([
    ['unshare', 'exit 1', 'none'],
    ['mount', 'echo "mount: refused" >&2; exit 32', 'namespace'],
    ['bwrap', 'echo "bwrap: refused" >&2; exit 1', 'overlay']
  ])('mechanism if %s fails', async (tool, script, stage) => {
    const digest = await writeImage(layout, [tools]);
    const folder = mkdtempSync(join(root, 'broken-'));
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, tool), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    mkdirSync(join(folder, 'launcher'));
    const options = {
      layout,
      digest,
      cache: join(folder, 'cache'),
      scratch: join(folder, 'scratch'),
      launcher: join(folder, 'launcher'),
      environment: {}
    };
    const output = execFileSync(process.execPath, [driver, JSON.stringify(options)], {
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    });
    const { error } = JSON.parse(output) as { error: { code: string; stage: string; remedy: string } };
    expect(error).toMatchObject({ code: 'backend-unavailable', stage });
    expect(error.remedy.length).toBeGreaterThan(20);
  });
});
