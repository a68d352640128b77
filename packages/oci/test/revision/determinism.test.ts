import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const measure = fileURLToPath(new URL('../support/measure.ts', import.meta.url));

let folder: string;
let program: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'determinism-'));
  chmodSync(folder, 0o777);
  program = join(folder, 'measure.mjs');
  buildSync({
    entryPoints: [measure],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error'
  });
  chmodSync(program, 0o644);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Environment {
  readonly path: string;
  readonly seed?: number;
  readonly umask?: string;
  readonly user?: number;
  readonly env?: Record<string, string>;
}

/** Only root can run the program as another user. */
const ANOTHER_USER: [string, Environment][] =
  process.getuid?.() === 0
    ? [['for another user under another umask', { path: 'other-user', user: 65534, umask: '077', seed: 7 }]]
    : [];

function measureIn({ path, seed = 0, umask = '022', user, env = {} }: Environment): string {
  const target = join(folder, path);
  mkdirSync(target, { recursive: true });
  chmodSync(target, 0o777);
  const command = `umask ${umask}; exec "$0" "$@"`;
  const as = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const options: ExecFileSyncOptions = { env: { PATH: process.env['PATH'], ...env }, cwd: tmpdir() };
  return execFileSync(
    'sh',
    ['-c', command, ...as, process.execPath, program, target, String(seed)],
    options
  ).toString();
}

describe('the image digest of a revision', () => {
  let digest: string;
  beforeAll(() => {
    digest = measureIn({ path: 'first' });
  });

  it('has not changed since the first version', () => {
    expect(digest).toBe('sha256:50e25ff8f05d047e25b63ce004139f2011ff7736eb6a919944c93c095b1e123f');
  });

  it.each<[string, Environment]>([
    ['in another folder, written in another order', { path: 'some/where else/ü', seed: 5 }],
    ['under umask 077', { path: 'umask-077', umask: '077', seed: 2 }],
    ['under umask 000', { path: 'umask-000', umask: '000', seed: 3 }],
    ['in Turkish', { path: 'turkish', env: { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' } }],
    ['in the C locale', { path: 'c', env: { LC_ALL: 'C' } }],
    ['in another time zone', { path: 'chatham', env: { TZ: 'Pacific/Chatham' } }],
    [
      'with another home and temporary folder',
      { path: 'home', env: { HOME: '/nonexistent', TMPDIR: '/var/tmp' } }
    ],
    ['in a later year', { path: 'later', env: { SOURCE_DATE_EPOCH: '2000000000' } }],
    ...ANOTHER_USER
  ])('is the same %s', (_name, environment) => {
    expect(measureIn(environment)).toBe(digest);
  });
});
