import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { LayoutStore, RegistryStore } from '@clean-room/oci';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import {
  KernelImageRevocations,
  KernelImageStatement,
  openRevocations
} from '@clean-room/protocol/kernel-images';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { collect, makeKernelImage } from '../../../packages/oci/test/support/image.js';
import { startRegistry, type Registry } from '../../../packages/oci/test/support/registry.js';
import { runCommand } from '../../src/cli/program.js';
import { KernelImages } from '../../src/coordinator/images/kernel-images.js';

const NOW = new Date('2026-11-20T12:00:00Z');
let folder: string;
let digest: Digest;
const inFolder = (...parts: string[]): string => path.join(folder, ...parts);

async function run(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(['kernel-image', ...args], {
    print: line => void out.push(line),
    remark: line => void err.push(line),
    readInput: async () => new Uint8Array(),
    ask: async () => undefined,
    env: { HOME: folder, CLEAN_ROOM_HOME: inFolder('home') },
    folder,
    now: () => NOW,
    stopped: new AbortController().signal
  });
  const text = out.join('\n');
  return { code, out: text, err: err.join('\n'), json: () => JSON.parse(text) as Record<string, string> };
}

const readEnvelope = async (name: string): Promise<Envelope> =>
  checkSchema(Envelope, parseStrictJson(new Uint8Array(await readFile(inFolder(name)))), name);

function sbomOf(image: Digest): string {
  const hashes = [{ alg: 'SHA-256', content: image.slice('sha256:'.length) }];
  return JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: { hashes } } });
}

/** Writes a built kernel image: its documents in the folder `python-cpu`, its layers in an OCI layout. */
async function writeBuild(): Promise<Digest> {
  const image = await makeKernelImage();
  const store = await LayoutStore.open(inFolder('layout'));
  for (const layer of image.layers)
    await store.writeBlob(layer.digest, layer.bytes.length, async function* () {
      yield layer.bytes;
    });
  await store.writeBlob(digestOf(image.config), image.config.length, async function* () {
    yield image.config;
  });
  await store.writeManifest(image.manifest, 'python-cpu');
  await mkdir(inFolder('python-cpu'));
  await writeFile(inFolder('python-cpu/manifest.json'), image.manifest);
  await writeFile(inFolder('python-cpu/config.json'), image.config);
  await writeFile(inFolder('python-cpu/sbom.json'), sbomOf(digestOf(image.manifest)));
  return digestOf(image.manifest);
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-release-'));
  digest = await writeBuild();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Creates a release key and signs the image with it. */
async function release(...options: string[]): Promise<string> {
  const { key = '' } = (await run('create-key', 'release.key', '--json')).json();
  const signed = await run('sign', 'python-cpu', '--key', 'release.key', '--digest', digest, ...options);
  expect(signed).toMatchObject({ code: 0, err: '' });
  return key;
}

describe('a release key', () => {
  it('is created in a file that only its owner can read, and never overwritten', async () => {
    const { key } = (await run('create-key', 'release.key', '--json')).json();
    expect(key).toMatch(/^ed25519:/);
    expect((await stat(inFolder('release.key'))).mode & 0o777).toBe(0o600);
    const before = await readFile(inFolder('release.key'), 'utf8');
    expect((await run('create-key', 'release.key')).code).toBe(6);
    expect(await readFile(inFolder('release.key'), 'utf8')).toBe(before);
  });

  it('is not used when other users can read it', async () => {
    await run('create-key', 'release.key');
    await chmod(inFolder('release.key'), 0o644);
    const output = await run('sign', 'python-cpu', '--key', 'release.key', '--digest', digest);
    expect(output).toMatchObject({ code: 4, err: expect.stringContaining('chmod 600') });
  });
});

describe('a signed kernel image', () => {
  it('names the image and its bill of materials, and is what a coordinator loads', async () => {
    const key = await release();
    const { value } = KernelImageStatement.open(await readEnvelope('python-cpu/statement.json'), key);
    expect(value).toEqual({
      format: 'clean-room.kernel-image/v1',
      name: 'python-cpu',
      digest,
      accelerator: 'none',
      development: false,
      hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256),
      sbom: {
        digest: digestOf(utf8(sbomOf(digest))),
        format: 'application/vnd.cyclonedx+json;version=1.6'
      }
    });
    const loaded = (await KernelImages.read([inFolder('python-cpu')])).get(digest);
    expect(loaded).toMatchObject({ name: 'python-cpu', development: false, signer: key });
  });

  it('is not signed if it is not the image that was compared', async () => {
    await run('create-key', 'release.key');
    const other = digestOf(utf8('another build'));
    const output = await run('sign', 'python-cpu', '--key', 'release.key', '--digest', other);
    expect(output).toMatchObject({ code: 1, err: expect.stringContaining('Nothing was signed') });
    expect(existsSync(inFolder('python-cpu/statement.json'))).toBe(false);
  });

  it.each([
    ['another image', () => sbomOf(digestOf(utf8('another image')))],
    ['no image', () => '{"bomFormat":"CycloneDX","specVersion":"1.6"}'],
    ['nothing readable', () => 'Packages: libc6']
  ])('is not signed if its bill of materials is about %s', async (_name, sbom) => {
    await run('create-key', 'release.key');
    await writeFile(inFolder('python-cpu/sbom.json'), sbom());
    const output = await run('sign', 'python-cpu', '--key', 'release.key', '--digest', digest);
    expect(output).toMatchObject({ code: 1, err: expect.stringContaining('bill of materials') });
  });

  it('is verified against the keys that the command line or the trust roots name, with all its layers', async () => {
    const key = await release();
    expect(await run('verify', 'python-cpu')).toMatchObject({
      code: 5,
      err: expect.stringContaining('--signer')
    });
    const named = await run('verify', 'python-cpu', '--signer', key, '--layout', 'layout');
    expect(named).toMatchObject({ code: 0, out: expect.stringContaining('All layers are present') });
    const trust: TrustRoots = {
      format: 'clean-room.trust-roots/v1',
      parties: [],
      kernelImageSigners: [key],
      tee: [],
      logs: []
    };
    await writeFile(inFolder('trust.json'), JSON.stringify(trust));
    const trusted = await run('verify', 'python-cpu', '--trust', inFolder('trust.json'), '--json');
    expect(trusted.json()).toMatchObject({ digest, signer: key, development: false });
  });

  it('is not verified with another key, another bill of materials, or a damaged layer', async () => {
    const key = await release();
    const stranger = (await run('create-key', 'other.key', '--json')).json()['key'] ?? '';
    expect(await run('verify', 'python-cpu', '--signer', stranger)).toMatchObject({
      code: 1,
      err: expect.stringContaining('which you do not trust')
    });
    const sbom = inFolder('python-cpu/sbom.json');
    const original = await readFile(sbom, 'utf8');
    await writeFile(sbom, `${original}\n`);
    expect(await run('verify', 'python-cpu', '--signer', key)).toMatchObject({
      code: 1,
      err: expect.stringContaining('another bill of materials')
    });
    await writeFile(sbom, original);
    const { layers } = JSON.parse(await readFile(inFolder('python-cpu/manifest.json'), 'utf8')) as {
      layers: { digest: Digest }[];
    };
    const blob = inFolder('layout/blobs/sha256', layers[1]!.digest.slice('sha256:'.length));
    await chmod(blob, 0o644);
    await writeFile(blob, 'damaged');
    expect((await run('verify', 'python-cpu', '--signer', key, '--layout', 'layout')).code).toBe(1);
  });
});

describe('promotion into a registry', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry();
  });
  afterAll(() => registry.stop());

  const promote = (key: string) =>
    run(
      'promote',
      'python-cpu',
      '--layout',
      'layout',
      '--to',
      `http://${registry.host}/kernel-images/python-cpu`,
      '--signer',
      key
    );

  it('copies the image with statement and bill of materials, and changes nothing the second time', async () => {
    const key = await release();
    const first = await promote(key);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect((await promote(key)).out).toBe(first.out);
    const store = RegistryStore.open(`http://${registry.host}/kernel-images/python-cpu`);
    expect(await store.hasManifest(digest)).toBe(true);
    const artifact = await store.resolve(`${digest.replace(':', '-')}.statement`);
    const { subject, layers } = JSON.parse(Buffer.from(await store.readManifest(artifact!)).toString()) as {
      subject: { digest: Digest };
      layers: { digest: Digest; mediaType: string }[];
    };
    expect(subject.digest).toBe(digest);
    expect(layers.map(({ mediaType }) => mediaType)).toEqual([
      'application/vnd.clean-room.kernel-image.v1+dsse+json',
      'application/vnd.cyclonedx+json'
    ]);
    const [statement, sbom] = await Promise.all(
      layers.map(async layer => Buffer.from(await collect(store.readBlob(layer.digest))))
    );
    const envelope = checkSchema(Envelope, parseStrictJson(new Uint8Array(statement!)), 'statement');
    expect(KernelImageStatement.open(envelope, key).value.digest).toBe(digest);
    expect(sbom!.toString()).toBe(sbomOf(digest));
  });

  it('refuses a development image and an image of another key', async () => {
    const key = await release('--development');
    expect(await promote(key)).toMatchObject({ code: 1, err: expect.stringContaining('Nothing was copied') });
    const stranger = (await run('create-key', 'other.key', '--json')).json()['key'] ?? '';
    expect((await promote(stranger)).code).toBe(1);
    const store = RegistryStore.open(`http://${registry.host}/kernel-images/python-cpu`);
    expect(await store.hasManifest(digest)).toBe(false);
  });
});

describe('the list of revoked kernel images', () => {
  const revoke = (image: Digest, ...options: string[]) =>
    run(
      'revoke',
      image,
      '--key',
      'release.key',
      '--list',
      'revocations.json',
      '--reason',
      'A hole in the sandbox',
      ...options
    );

  it('gets a next version with one more entry, signed by the release key', async () => {
    const key = await release();
    expect((await revoke(digest)).code).toBe(0);
    const first = openRevocations(await readEnvelope('revocations.json')).value;
    expect(first).toEqual({
      format: 'clean-room.kernel-image-revocations/v1',
      signer: key,
      version: 1,
      entries: [{ digest, revokedAt: '2026-11-20T12:00:00Z', reason: 'A hole in the sandbox' }]
    });
    const other = digestOf(utf8('another'));
    expect((await revoke(other, '--at', '2026-10-01')).code).toBe(0);
    const second = openRevocations(await readEnvelope('revocations.json')).value;
    expect(second).toMatchObject({ version: 2, entries: [...first.entries, { digest: other }] });
    expect(await revoke(other)).toMatchObject({ code: 6, err: expect.stringContaining('since 2026-10-01') });
  });

  it('is not extended with another key', async () => {
    await release();
    await revoke(digest);
    await run('create-key', 'other.key');
    const before = await readFile(inFolder('revocations.json'), 'utf8');
    const output = await run(
      'revoke',
      digestOf(utf8('x')),
      '--key',
      'other.key',
      '--list',
      'revocations.json',
      '--reason',
      'x'
    );
    expect(output).toMatchObject({ code: 1, err: expect.stringContaining('another release key') });
    expect(await readFile(inFolder('revocations.json'), 'utf8')).toBe(before);
  });

  it('makes verification of the image fail, from then on and also without naming the list', async () => {
    const key = await release();
    await revoke(digest);
    const trust = {
      format: 'clean-room.trust-roots/v1',
      parties: [],
      kernelImageSigners: [key],
      tee: [],
      logs: []
    };
    await mkdir(inFolder('home'));
    await writeFile(inFolder('home/trust.json'), JSON.stringify(trust));
    expect((await run('verify', 'python-cpu')).code).toBe(0);
    const refused = {
      code: 1,
      err: expect.stringContaining('was revoked on 2026-11-20: A hole in the sandbox')
    };
    expect(await run('verify', 'python-cpu', '--revocations', 'revocations.json')).toMatchObject(refused);
    expect(await run('verify', 'python-cpu')).toMatchObject(refused);
  });

  it('is not accepted when it is older than the one that was seen', async () => {
    const key = await release();
    await revoke(digestOf(utf8('one')));
    const older = await readFile(inFolder('revocations.json'));
    await revoke(digestOf(utf8('two')));
    await writeFile(inFolder('older.json'), older);
    const trust = {
      format: 'clean-room.trust-roots/v1',
      parties: [],
      kernelImageSigners: [key],
      tee: [],
      logs: []
    };
    await mkdir(inFolder('home'));
    await writeFile(inFolder('home/trust.json'), JSON.stringify(trust));
    expect((await run('verify', 'python-cpu', '--revocations', 'revocations.json')).code).toBe(0);
    expect(await run('verify', 'python-cpu', '--revocations', 'older.json')).toMatchObject({
      code: 6,
      err: expect.stringContaining('it is version 1, which is older')
    });
  });
});

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const hasModule = existsSync(MODULE) && existsSync('/usr/bin/pkcs11-tool');
if (!hasModule && process.env['CI'] === 'true') throw new Error('softhsm2 and opensc are not installed');
if (!hasModule)
  process.stderr.write('skipped: install softhsm2 and opensc to test keys in security modules\n');

(hasModule ? describe : describe.skip)('a release key in a security module', () => {
  // Jest's `process.env` is a copy, which programs do not inherit on their own.
  const execute = (program: string, args: string[]) =>
    promisify(execFile)(program, args, { env: process.env });
  const saved = process.env['SOFTHSM2_CONF'];

  beforeEach(async () => {
    await mkdir(inFolder('tokens'));
    await writeFile(
      inFolder('softhsm2.conf'),
      `directories.tokendir = ${inFolder('tokens')}\nlog.level = ERROR\n`
    );
    await writeFile(inFolder('pin'), '1234\n', { mode: 0o600 });
    process.env['SOFTHSM2_CONF'] = inFolder('softhsm2.conf');
    await execute('softhsm2-util', [
      '--init-token',
      '--free',
      '--label',
      'release',
      '--so-pin',
      '12345678',
      '--pin',
      '1234'
    ]);
    const token = [
      '--module',
      MODULE,
      '--token-label',
      'release',
      '--login',
      '--pin',
      '1234',
      '--keypairgen'
    ];
    await execute('pkcs11-tool', [
      ...token,
      '--key-type',
      'EC:edwards25519',
      '--label',
      'key of 2026',
      '--id',
      '01'
    ]);
    await execute('pkcs11-tool', [...token, '--key-type', 'EC:prime256v1', '--label', 'other', '--id', 'a2']);
  });
  afterEach(() => {
    if (saved === undefined) delete process.env['SOFTHSM2_CONF'];
    else process.env['SOFTHSM2_CONF'] = saved;
  });

  const uri = (id: string, pin = 'pin'): string =>
    `pkcs11:token=release;id=${id}?module-path=${MODULE}&pin-source=${inFolder(pin)}`;
  const sign = (key: string) => run('sign', 'python-cpu', '--key', key, '--digest', digest, '--json');

  it('signs a kernel image and a list of revocations', async () => {
    const signed = await sign(uri('%01'));
    expect(signed).toMatchObject({ code: 0, err: '' });
    const { signer = '' } = signed.json();
    expect(
      KernelImageStatement.open(await readEnvelope('python-cpu/statement.json'), signer).value.digest
    ).toBe(digest);
    const revoked = await run(
      'revoke',
      digest,
      '--key',
      uri('%01'),
      '--list',
      'revocations.json',
      '--reason',
      'A test'
    );
    expect(revoked.code).toBe(0);
    expect(KernelImageRevocations.open(await readEnvelope('revocations.json'), signer).value.version).toBe(1);
  });

  it('is not used with a wrong PIN, a PIN that others can read, another kind of key or an unknown label', async () => {
    await writeFile(inFolder('wrong'), '9999', { mode: 0o600 });
    await writeFile(inFolder('open'), '1234', { mode: 0o644 });
    expect((await sign(uri('%01', 'wrong'))).code).toBe(3);
    expect((await sign(uri('%01', 'open'))).code).toBe(4);
    expect((await sign(uri('%a2'))).out).toContain('is not an Ed25519 key');
    expect((await sign(uri('%03'))).code).toBe(3);
    expect(existsSync(inFolder('python-cpu/statement.json'))).toBe(false);
  });

  it.each([
    ['has no module', 'pkcs11:token=release;id=%01'],
    ['has an attribute that is not supported', `pkcs11:token=release;id=%01;serial=1?module-path=${MODULE}`],
    ['names a token twice', `pkcs11:token=a;token=b;id=%01?module-path=${MODULE}`],
    ['is not encoded correctly', `pkcs11:token=%zz;id=%01?module-path=${MODULE}`],
    ['has an id that is not encoded correctly', `pkcs11:token=a;id=%0?module-path=${MODULE}`]
  ])('is not used if its URI %s', async (_name, key) => {
    expect((await sign(key)).json()).toMatchObject({ code: 'malformed' });
  });
});
