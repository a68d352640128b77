import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Roster } from '@clean-room/protocol/parties';
import { toBase64Url } from '@clean-room/protocol/bytes';
import { runCommand } from '../../src/cli/program.js';
import { EXIT_MEANINGS, exitCodeOf } from '../../src/cli/terminal/exit-codes.js';
import { ERROR_CODES } from '@clean-room/protocol/errors';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], env: Record<string, string> = {}, input = '') {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    print: line => void out.push(line),
    remark: line => void err.push(line),
    readInput: async () => new TextEncoder().encode(input),
    ask: async () => undefined,
    env: { HOME: folder, CLEAN_ROOM_HOME: path.join(folder, 'home'), ...env },
    folder,
    now: () => new Date(),
    stopped: new AbortController().signal
  });
  return { code, out: out.join('\n'), err: err.join('\n'), json: () => JSON.parse(out.join('\n')) };
}

describe('exit codes', () => {
  it('are one table that every error has a place in', () => {
    for (const code of ERROR_CODES) expect(Object.keys(EXIT_MEANINGS)).toContain(String(exitCodeOf(code)));
  });

  it('are told by --help', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('7  the run ended without a result');
  });

  it('say that the command line is wrong', async () => {
    expect((await run(['nonsense'])).code).toBe(2);
    expect((await run([])).code).toBe(2);
  });

  it('say that no clean room is known', async () => {
    const { code, json } = await run(['runs', '--json']);
    expect(code).toBe(3);
    expect(json()).toMatchObject({ code: 'unavailable', remedy: expect.stringContaining('CLEAN_ROOM_URL') });
  });

  it('say that a credential would travel in the open', async () => {
    const { code, out } = await run(['runs', '--json'], {
      CLEAN_ROOM_URL: 'http://example.org',
      CLEAN_ROOM_TOKEN: 'x'
    });
    expect(code).toBe(3);
    expect(out).toContain('not an address that a credential can safely be sent to');
  });
});

describe('a person’s keys', () => {
  it('are made once, for the person’s eyes alone, and shown by their public halves', async () => {
    expect((await run(['identity', '--json'])).code).toBe(5);
    const made = (await run(['identity', '--make', '--json'])).json();
    expect((await run(['identity', '--make', '--json'])).json()).toEqual(made);
    const file = path.join(folder, 'home/identity.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { signing, age } = JSON.parse(await readFile(file, 'utf8'));
    const shown = (await run(['identity'])).out;
    expect(shown).toContain(made.key);
    expect(shown).not.toContain(signing);
    expect(shown).not.toContain(age);
  });

  it('are not used when others can read them', async () => {
    await run(['identity', '--make']);
    await chmod(path.join(folder, 'home/identity.json'), 0o644);
    const { code, err } = await run(['identity']);
    expect(code).toBe(4);
    expect(err).toContain('chmod 600');
  });
});

describe('a roster', () => {
  const root = generateSigningKey();
  const roster: Roster = {
    format: 'clean-room.roster/v1',
    party: 'hospital',
    title: 'Hospital',
    rootKey: root.publicKey,
    version: 2,
    people: [],
    jupyterHost: 'own'
  };

  beforeEach(async () => {
    await writeFile(path.join(folder, 'roster.json'), Roster.write(roster));
    await writeFile(path.join(folder, 'root.key'), toBase64Url(root.secret), { mode: 0o600 });
  });

  it('is signed with the root key that it names', async () => {
    const said = await run([
      'roster',
      'sign',
      'roster.json',
      '--key',
      'root.key',
      '--out',
      'signed.json',
      '--json'
    ]);
    expect(said.json()).toMatchObject({ party: 'hospital', version: 2 });
    const signed = JSON.parse(await readFile(path.join(folder, 'signed.json'), 'utf8'));
    expect(Roster.open(signed, root.publicKey).value).toEqual(roster);
  });

  it('is not signed with another key', async () => {
    await writeFile(path.join(folder, 'root.key'), toBase64Url(generateSigningKey().secret), { mode: 0o600 });
    const said = await run(['roster', 'sign', 'roster.json', '--key', 'root.key', '--out', 'signed.json']);
    expect(said.code).toBe(1);
    expect(existsSync(path.join(folder, 'signed.json'))).toBe(false);
  });
});

describe('a receipt', () => {
  it('that is none fails, step by step, without an exception', async () => {
    const said = await run(['verify', '-', '--json'], {}, '{"format":"clean-room.receipt/v1"}');
    expect(said.code).toBe(1);
    expect(said.json()).toMatchObject({ outcome: 'failed' });
    expect(said.json().steps[0]).toMatchObject({ id: 'format', status: 'fail' });
  });

  it('is judged by trust roots that are there', async () => {
    await writeFile(path.join(folder, 'r.json'), '{}');
    expect((await run(['verify', 'r.json', '--trust', path.join(folder, 'none.json')])).code).toBe(5);
    expect((await run(['verify', 'none.json'])).code).toBe(5);
  });
});

describe('measuring', () => {
  const notebook = 'it’s mine.ipynb';

  it('says what is missing, and the command that makes it', async () => {
    const absent = await run(['measure', notebook]);
    expect(absent).toMatchObject({ code: 5, err: expect.stringContaining(`${notebook} is not there`) });
    await writeFile(path.join(folder, notebook), '{}');
    const without = await run(['measure', notebook]);
    expect(without).toMatchObject({ code: 5, err: expect.stringContaining('has no clean-room.lock.json') });
    expect(without.err).toContain(`submit 'it’s mine.ipynb' --purpose`);
    await writeFile(
      path.join(folder, 'clean-room.lock.json'),
      '{"format":"clean-room.lock/v1","notebooks":{}}'
    );
    const unnamed = await run(['measure', notebook]);
    expect(unnamed).toMatchObject({ code: 5, err: expect.stringContaining(`does not name ${notebook}`) });
  });
});

const FIXTURES = fileURLToPath(new URL('../../../../shared/fixtures/gcp', import.meta.url));
const withFixtures = existsSync(FIXTURES) ? describe : describe.skip;
if (!existsSync(FIXTURES)) process.stderr.write('skipped: real tokens are not here\n');

withFixtures('a real Confidential Space token', () => {
  const inspect = (...args: string[]) => run(['attestation', 'inspect', ...args, '--json']);
  const PRODUCTION = path.join(FIXTURES, 'cs-pki-tdx-prod-20250905.jwt');
  const AT = ['--at', '1757060300'];

  it('of production holds in both profiles', async () => {
    expect((await inspect(PRODUCTION, ...AT)).json()).toMatchObject({ ok: true, simulated: false });
    expect((await inspect(PRODUCTION, ...AT, '--profile', 'production')).code).toBe(0);
  });

  it('with debugging on holds in the one profile alone', async () => {
    const debug = [path.join(FIXTURES, 'cs-pki-sev-debug-20250623.jwt'), '--at', '1750688600'];
    expect((await inspect(...debug)).code).toBe(0);
    const said = await inspect(...debug, '--profile', 'production');
    expect(said.code).toBe(1);
    expect(said.json().steps).toContainEqual(
      expect.objectContaining({ id: 'debug', status: 'fail', code: 'debug-enabled' })
    );
  });

  it('of the OIDC kind needs its issuer’s keys', async () => {
    const oidc = [path.join(FIXTURES, 'cs-oidc-sev-debug-20241104.jwt'), '--at', '2024-11-04T00:00:30Z'];
    expect((await inspect(...oidc)).code).toBe(1);
    expect((await inspect(...oidc, '--jwks', path.join(FIXTURES, 'jwks-historic.json'))).code).toBe(0);
  });

  it.each([
    ['audience', ['--audience', 'somebody else'], 'audience-mismatch'],
    ['nonce', ['--nonce', 'none of its'], 'nonce-missing'],
    ['image', ['--image-digest', `sha256:${'0'.repeat(64)}`], 'image-digest-mismatch'],
    ['project', ['--project', 'another'], 'project-mismatch'],
    ['arguments', ['--args=/bin/sh', '--args=-c'], 'arguments-mismatch'],
    ['environment', ['--env', 'EXPECTED=1'], 'environment-mismatch'],
    ['list of no arguments', ['--args'], 'arguments-mismatch'],
    ['age', ['--max-age', '1'], 'token-too-old']
  ])('is refused when the %s is not as asked', async (_what, args, code) => {
    const said = await inspect(PRODUCTION, ...AT, ...args);
    expect(said.code).toBe(1);
    expect(said.json().steps).toContainEqual(expect.objectContaining({ status: 'fail', code }));
  });

  it('is refused once it has ended', async () => {
    expect((await inspect(PRODUCTION, '--at', '1757070000')).json().steps).toContainEqual(
      expect.objectContaining({ code: 'token-expired' })
    );
  });
});
