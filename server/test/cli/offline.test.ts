import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkSchema, Envelope, generateSigningKey } from '@clean-room/protocol/documents';
import { Roster } from '@clean-room/protocol/parties';
import { digestOf, fromBase64, toBase64Url, type Digest } from '@clean-room/protocol/bytes';
import { KernelImageRevocations } from '@clean-room/protocol/kernel-images';
import type { Command } from 'commander';
import { makeReceipt } from '../../../packages/protocol/test/support/receipt.js';
import { createProgram, runCommand } from '../../src/cli/program.js';
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
  return {
    code,
    out: out.join('\n'),
    err: err.join('\n'),
    json: () => JSON.parse(out.join('\n')) as Record<string, unknown>
  };
}

describe('exit codes', () => {
  it('are documented for every error code', () => {
    for (const code of ERROR_CODES) expect(Object.keys(EXIT_MEANINGS)).toContain(String(exitCodeOf(code)));
  });

  it('are listed by --help', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('7  the run ended without a result');
  });

  it('report an invalid command line', async () => {
    expect((await run(['nonsense'])).code).toBe(2);
    expect((await run([])).code).toBe(2);
  });

  it('report that no address is configured', async () => {
    const { code, json } = await run(['runs', '--json']);
    expect(code).toBe(3);
    expect(json()).toMatchObject({ code: 'unavailable', remedy: expect.stringContaining('CLEAN_ROOM_URL') });
  });

  it('report that a credential would be sent unencrypted', async () => {
    const { code, out } = await run(['runs', '--json'], {
      CLEAN_ROOM_URL: 'http://example.org',
      CLEAN_ROOM_TOKEN: 'x'
    });
    expect(code).toBe(3);
    expect(out).toContain('not safe to send a credential');
  });
});

describe('the program definition', () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];

  it('describes every command and option in a phrase that starts with a capital letter', () => {
    const commands = all(createProgram());
    const texts = commands.flatMap(command => [
      command.description(),
      ...command
        .createHelp()
        .visibleOptions(command)
        .map(({ description }) => description)
    ]);
    for (const text of texts) expect(text).toMatch(/^[A-Z]/);
  });
});

describe('a person’s keys', () => {
  it('are created once in a file that only the person can read, and only the public keys are shown', async () => {
    expect((await run(['identity', '--json'])).code).toBe(5);
    const created = (await run(['identity', '--make', '--json'])).json();
    expect((await run(['identity', '--make', '--json'])).json()).toEqual(created);
    const file = path.join(folder, 'home/identity.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { signing, age } = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
    const shown = (await run(['identity'])).out;
    expect(shown).toContain(created.key);
    expect(shown).not.toContain(signing);
    expect(shown).not.toContain(age);
  });

  it('are not used when other users can read the file', async () => {
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

  it('is signed with its own root key', async () => {
    const output = await run([
      'roster',
      'sign',
      'roster.json',
      '--key',
      'root.key',
      '--out',
      'signed.json',
      '--json'
    ]);
    expect(output.json()).toMatchObject({ party: 'hospital', version: 2 });
    const signed = checkSchema(
      Envelope,
      JSON.parse(await readFile(path.join(folder, 'signed.json'), 'utf8')),
      'signed roster'
    );
    expect(Roster.open(signed, root.publicKey).value).toEqual(roster);
  });

  it('is not signed with another key', async () => {
    await writeFile(path.join(folder, 'root.key'), toBase64Url(generateSigningKey().secret), { mode: 0o600 });
    const output = await run(['roster', 'sign', 'roster.json', '--key', 'root.key', '--out', 'signed.json']);
    expect(output.code).toBe(1);
    expect(existsSync(path.join(folder, 'signed.json'))).toBe(false);
  });
});

describe('a receipt', () => {
  it('that is incomplete fails its checks without an exception', async () => {
    const output = await run(['verify', '-', '--json'], {}, '{"format":"clean-room.receipt/v1"}');
    expect(output.code).toBe(1);
    expect(output.json()).toMatchObject({ outcome: 'failed' });
    expect((output.json()['steps'] as unknown[])[0]).toMatchObject({ id: 'format', status: 'fail' });
  });

  it('is not verified with trust roots that do not exist', async () => {
    await writeFile(path.join(folder, 'r.json'), '{}');
    expect((await run(['verify', 'r.json', '--trust', path.join(folder, 'none.json')])).code).toBe(5);
    expect((await run(['verify', 'none.json'])).code).toBe(5);
  });
});

describe('a receipt on a revoked kernel image', () => {
  const key = generateSigningKey();
  const inFolder = (name: string): string => path.join(folder, name);

  /** Writes a list with a version and one entry, signed by a release key of the trust roots. */
  async function writeList(name: string, version: number, digest: Digest, revokedAt: string): Promise<void> {
    const list: KernelImageRevocations = {
      format: 'clean-room.kernel-image-revocations/v1',
      signer: key.publicKey,
      version,
      entries: [{ digest, revokedAt, reason: 'A hole in the sandbox' }]
    };
    await writeFile(inFolder(name), JSON.stringify(KernelImageRevocations.sign(list, key)));
  }

  async function writeReceipt(): Promise<Digest> {
    const { receipt, trust } = await makeReceipt();
    const kernelImageSigners = [...trust.kernelImageSigners, key.publicKey];
    await mkdir(inFolder('home'));
    await writeFile(inFolder('home/trust.json'), JSON.stringify({ ...trust, kernelImageSigners }));
    await writeFile(inFolder('receipt.json'), JSON.stringify(receipt));
    return digestOf(fromBase64(receipt.kernelImage.manifest));
  }

  it('stays verified, with a note, if the run ended before the revocation', async () => {
    await writeList('list.json', 1, await writeReceipt(), '2126-11-02T00:00:00Z');
    expect(await run(['verify', 'receipt.json', '--revocations', 'list.json'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(
        'It was revoked on 2126-11-02 (A hole in the sandbox), after this run had ended.'
      )
    });
  });

  it('fails if the run ended after it, from then on and also without naming the list', async () => {
    const digest = await writeReceipt();
    await writeList('list.json', 2, digest, '2020-11-02T00:00:00Z');
    await writeList('older.json', 1, digestOf(fromBase64('AAAA')), '2020-11-02T00:00:00Z');
    expect((await run(['verify', 'receipt.json'])).code).toBe(0);
    for (const options of [['--revocations', 'list.json'], []]) {
      expect(await run(['verify', 'receipt.json', ...options])).toMatchObject({
        code: 1,
        out: expect.stringContaining('The kernel image was revoked on 2020-11-02')
      });
    }
    expect(await run(['verify', 'receipt.json', '--revocations', 'older.json'])).toMatchObject({
      code: 6,
      err: expect.stringContaining('older')
    });
  });

  it('is not judged by a list that its own key has not signed', async () => {
    const digest = await writeReceipt();
    const list: KernelImageRevocations = {
      format: 'clean-room.kernel-image-revocations/v1',
      signer: key.publicKey,
      version: 1,
      entries: [{ digest, revokedAt: '2020-11-02T00:00:00Z', reason: 'x' }]
    };
    await writeFile(
      inFolder('list.json'),
      JSON.stringify(KernelImageRevocations.sign(list, generateSigningKey()))
    );
    expect((await run(['verify', 'receipt.json', '--revocations', 'list.json'])).code).toBe(1);
    expect((await run(['verify', 'receipt.json'])).code).toBe(0);
  });
});

describe('the command measure', () => {
  const notebook = 'it’s mine.ipynb';

  it('reports what is missing, and the command that creates it', async () => {
    const absent = await run(['measure', notebook]);
    expect(absent).toMatchObject({ code: 5, err: expect.stringContaining(`${notebook} does not exist`) });
    await writeFile(path.join(folder, notebook), '{}');
    const without = await run(['measure', notebook]);
    expect(without).toMatchObject({ code: 5, err: expect.stringContaining('has no clean-room.lock.json') });
    expect(without.err).toContain(`submit 'it’s mine.ipynb' --purpose`);
    await writeFile(
      path.join(folder, 'clean-room.lock.json'),
      '{"format":"clean-room.lock/v1","notebooks":{}}'
    );
    const unnamed = await run(['measure', notebook]);
    expect(unnamed).toMatchObject({ code: 5, err: expect.stringContaining(`does not list ${notebook}`) });
  });
});

const FIXTURES = fileURLToPath(new URL('../../../../shared/fixtures/gcp', import.meta.url));
const withFixtures = existsSync(FIXTURES) ? describe : describe.skip;
if (!existsSync(FIXTURES)) process.stderr.write('skipped: the fixtures with real tokens are missing\n');

withFixtures('a real Confidential Space token', () => {
  const inspect = (...args: string[]) => run(['attestation', 'inspect', ...args, '--json']);
  const PRODUCTION = path.join(FIXTURES, 'cs-pki-tdx-prod-20250905.jwt');
  const AT = ['--at', '1757060300'];

  it('of a production machine is accepted in both profiles', async () => {
    expect((await inspect(PRODUCTION, ...AT)).json()).toMatchObject({ ok: true, simulated: false });
    expect((await inspect(PRODUCTION, ...AT, '--profile', 'production')).code).toBe(0);
  });

  it('of a debug machine is accepted in only one profile', async () => {
    const debug = [path.join(FIXTURES, 'cs-pki-sev-debug-20250623.jwt'), '--at', '1750688600'];
    expect((await inspect(...debug)).code).toBe(0);
    const output = await inspect(...debug, '--profile', 'production');
    expect(output.code).toBe(1);
    expect(output.json()['steps']).toContainEqual(
      expect.objectContaining({ id: 'debug', status: 'fail', code: 'debug-enabled' })
    );
  });

  it('from OIDC needs the keys of its issuer', async () => {
    const oidc = [path.join(FIXTURES, 'cs-oidc-sev-debug-20241104.jwt'), '--at', '2024-11-04T00:00:30Z'];
    expect((await inspect(...oidc)).code).toBe(1);
    expect((await inspect(...oidc, '--jwks', path.join(FIXTURES, 'jwks-historic.json'))).code).toBe(0);
  });

  it.each([
    ['audience', ['--audience', 'another audience'], 'audience-mismatch'],
    ['nonce', ['--nonce', 'another nonce'], 'nonce-missing'],
    ['image', ['--image-digest', `sha256:${'0'.repeat(64)}`], 'image-digest-mismatch'],
    ['project', ['--project', 'another'], 'project-mismatch'],
    ['arguments', ['--args=/bin/sh', '--args=-c'], 'arguments-mismatch'],
    ['environment', ['--env', 'EXPECTED=1'], 'environment-mismatch'],
    ['empty list of arguments', ['--args'], 'arguments-mismatch'],
    ['age', ['--max-age', '1'], 'token-too-old']
  ])('is refused when the %s is not as expected', async (_description, args, code) => {
    const output = await inspect(PRODUCTION, ...AT, ...args);
    expect(output.code).toBe(1);
    expect(output.json()['steps']).toContainEqual(expect.objectContaining({ status: 'fail', code }));
  });

  it('is refused after it has expired', async () => {
    expect((await inspect(PRODUCTION, '--at', '1757070000')).json()['steps']).toContainEqual(
      expect.objectContaining({ code: 'token-expired' })
    );
  });
});
