import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../src/bytes/digest.js';
import { canonicalJson } from '../../src/documents/canonical.js';
import {
  type Envelope,
  openEnvelope,
  preAuthenticationEncoding,
  signEnvelope
} from '../../src/documents/dsse.js';
import { signingKey } from '../../src/documents/keys.js';
import { composeImage } from '../../src/packaging/compose.js';
import { heldFile } from '../../src/packaging/file.js';
import { openWith, openWithFileKey } from '../../src/sealing/age.js';

const DOCS = fileURLToPath(new URL('../../../../docs/formats/', import.meta.url));
const vector = (path: string): Uint8Array => new Uint8Array(readFileSync(join(DOCS, 'vectors', path)));
const hex = (path: string): Uint8Array => new Uint8Array(Buffer.from(text(path), 'hex'));
const text = (path: string): string => readFileSync(join(DOCS, 'vectors', path), 'utf8').trim();

/** Runs the shell commands that a page of the documentation gives, in a copy of the vectors. Returns what they print. */
function runCommandsOf(page: string): string {
  const blocks = [...readFileSync(join(DOCS, page), 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(
    ([, code]) => code
  );
  expect(blocks.length).toBeGreaterThan(0);
  const root = mkdtempSync(join(tmpdir(), 'formats-'));
  execFileSync('cp', ['-r', '--parents', 'docs/formats/vectors', root], { cwd: join(DOCS, '../..') });
  const script = blocks.join('\n').replaceAll('/tmp/layer', join(root, 'layer'));
  return execFileSync('bash', ['-euc', script], { cwd: root, encoding: 'utf8' });
}

describe('the envelope vector', () => {
  const key = signingKey(hex('envelope/secret.hex'));
  const payload = vector('envelope/payload.json');
  const envelope = JSON.parse(text('envelope/envelope.json')) as Envelope;

  it('has the canonical bytes of its value', () => {
    const value = { b: [1, 'two', true], a: 'Adaé', nested: { z: 0, y: -1 } };
    expect(canonicalJson(value)).toEqual(payload);
  });

  it('is what signing gives', () => {
    expect(key.publicKey).toBe(text('envelope/public-key.txt'));
    expect(preAuthenticationEncoding(envelope.payloadType, payload)).toEqual(
      vector('envelope/pre-authentication.bin')
    );
    expect(signEnvelope(envelope.payloadType, payload, [key])).toEqual(envelope);
  });

  it('opens for its signer', () => {
    expect(openEnvelope(envelope, envelope.payloadType, [key.publicKey])).toEqual(payload);
  });

  it('can be verified with jq, openssl and a shell', () => {
    expect(runCommandsOf('signed-documents.md')).toContain('Signature Verified Successfully');
  });
});

describe('the image vector', () => {
  const files = readdirSync(join(DOCS, 'vectors/image/workspace')).map(path =>
    heldFile(path, vector(`image/workspace/${path}`))
  );
  const kernelImage = {
    manifest: vector('image/kernel-manifest.json'),
    config: vector('image/kernel-config.json')
  };

  it('is what composing gives, layer, config and manifest', async () => {
    const image = await composeImage(kernelImage, vector('image/spec.json'), files);
    expect(image.layer.digest).toBe(digestOf(vector('image/layer.tar')));
    expect(image.config).toEqual(vector('image/config.json'));
    expect(image.manifest).toEqual(vector('image/manifest.json'));
  });

  it.each(['spec.json', 'layer.tar', 'config.json', 'manifest.json'])(
    'has the digest of %s on its page',
    file => {
      const page = readFileSync(join(DOCS, 'spec-and-image.md'), 'utf8');
      const row = page.split('\n').find(line => line.startsWith(`| \`${file}\``));
      expect(row).toContain(digestOf(vector(`image/${file}`)));
    }
  );

  it('can be computed with tar and sha256sum', () => {
    const printed = runCommandsOf('spec-and-image.md');
    for (const file of ['spec.json', 'layer.tar', 'config.json', 'manifest.json'])
      expect(printed).toContain(digestOf(vector(`image/${file}`)).slice('sha256:'.length));
  });
});

describe('the sealed file vector', () => {
  it('opens with the identity it is sealed to, and with its file key', async () => {
    const sealed = vector('sealed-file/sealed.age');
    const content = vector('sealed-file/content.txt');
    await expect(openWith(text('sealed-file/identity.txt'), sealed)).resolves.toEqual(content);
    await expect(openWithFileKey(hex('sealed-file/file-key.hex'), sealed)).resolves.toEqual(content);
  });

  it('opens with age', () => {
    expect(runCommandsOf('sealed-files.md')).toBe('');
  });
});
