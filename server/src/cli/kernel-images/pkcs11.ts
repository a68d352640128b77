import { spawn } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemErrorCode } from '@clean-room/node-support';
import { fromBase64Url } from '@clean-room/protocol/bytes';
import { publicKeyFromBytes, verifyBytes } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Signer } from '../../custodian/index.js';
import { readSecretFile } from '../../platform/files/secret-file.js';

/** The attributes of a PKCS #11 URI that are understood. All others are refused. */
const ATTRIBUTES = ['token', 'id', 'module-path', 'pin-source'] as const;
type Attributes = Partial<Record<(typeof ATTRIBUTES)[number], string>>;

/** The environment variable with which the PIN is passed on, so that it is not visible in the list of processes. */
const PIN_VARIABLE = 'CLEAN_ROOM_PKCS11_PIN';

function invalidUri(reason: string): CleanRoomError {
  return new CleanRoomError('malformed', `The PKCS #11 URI is not valid: ${reason}.`, {
    remedy:
      'Write it as pkcs11:token=LABEL;id=%01?module-path=/path/of/the/module.so&pin-source=/path/of/the/pin.'
  });
}

/** Parses a PKCS #11 URI (RFC 7512). */
function parseUri(uri: string): Attributes {
  const [locator = '', query = ''] = uri.slice('pkcs11:'.length).split('?', 2);
  const pairs = [...locator.split(';'), ...query.split('&')].filter(pair => pair !== '');
  const found: Attributes = {};
  for (const pair of pairs) {
    const [name = '', ...value] = pair.split('=');
    const known = ATTRIBUTES.find(attribute => attribute === name);
    if (known === undefined) throw invalidUri(`"${name}" is not supported`);
    if (found[known] !== undefined) throw invalidUri(`it contains "${name}" twice`);
    found[known] = decode(known, value.join('='));
  }
  return found;
}

/** Decodes a value. The value of `id` is a sequence of bytes, which `pkcs11-tool` takes as hexadecimal digits. */
function decode(name: keyof Attributes, value: string): string {
  if (name === 'id') {
    if (!/^(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+$/.test(value))
      throw invalidUri('the value of "id" is not encoded correctly');
    const bytes = value
      .match(/%..|./g)
      ?.map(part => (part.length === 3 ? parseInt(part.slice(1), 16) : part.charCodeAt(0)));
    return Buffer.from(bytes ?? []).toString('hex');
  }
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalidUri(`the value of "${name}" is not encoded correctly`);
  }
}

function required(attributes: Attributes, name: keyof Attributes): string {
  const value = attributes[name];
  if (value === undefined || value === '') throw invalidUri(`it does not contain "${name}"`);
  return value;
}

/** Runs OpenSC's `pkcs11-tool`. It asks for the PIN on the terminal if no file with the PIN was named. */
async function runTool(args: readonly string[], pin: string | undefined): Promise<void> {
  const env = { ...process.env, ...(pin === undefined ? {} : { [PIN_VARIABLE]: pin }) };
  const child = spawn('pkcs11-tool', args, { env, stdio: ['inherit', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    said.push(chunk);
    if (pin === undefined) process.stderr.write(chunk); // This is how the tool asks for the PIN.
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).catch((cause: unknown) => {
    const missing = systemErrorCode(cause) === 'ENOENT';
    throw new CleanRoomError('unavailable', 'The program pkcs11-tool cannot be started.', {
      remedy: missing
        ? 'Install OpenSC (Debian: apt-get install opensc).'
        : 'Check the installation of OpenSC.',
      cause
    });
  });
  if (code === 0) return;
  throw new CleanRoomError('unavailable', 'The security module did not do what it was asked for.', {
    remedy: 'Check the module’s path, the label of the token, the id of the key, and the PIN.',
    cause: new Error(Buffer.concat(said).toString('utf8'))
  });
}

/** Runs work with a temporary folder, in which `pkcs11-tool` exchanges files. */
async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-pkcs11-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads a public key in the form that the version of `pkcs11-tool` writes: PEM or DER. */
function parsePublicKey(bytes: Buffer): KeyObject {
  return bytes.includes('-----BEGIN')
    ? createPublicKey(bytes)
    : createPublicKey({ key: bytes, format: 'der', type: 'spki' });
}

/**
 * Opens an Ed25519 key in a security module, through its PKCS #11 module and OpenSC's `pkcs11-tool`. The secret key never leaves
 * the module. Every signature is verified before it is returned.
 *
 * @param uri - a PKCS #11 URI (RFC 7512) with `token`, `id` and `module-path`; `pin-source` names a file with the PIN, which
 * only its owner can read. Without it, the tool asks for the PIN.
 * @throws CleanRoomError `malformed`, `forbidden`, `unavailable`
 */
export async function openToken(uri: string): Promise<Signer> {
  const attributes = parseUri(uri);
  // Some versions of the tool ignore the label of a key when they sign, so that only its id tells keys apart.
  const key = ['--id', required(attributes, 'id')];
  const token = [
    '--module',
    required(attributes, 'module-path'),
    '--token-label',
    required(attributes, 'token')
  ];
  const pinFile = attributes['pin-source'];
  const pin = pinFile === undefined ? undefined : await readSecretFile(pinFile.replace(/^file:/, ''));
  const publicKey = await withFolder(async folder => {
    const file = path.join(folder, 'public-key');
    await runTool([...token, '--read-object', '--type', 'pubkey', ...key, '--output-file', file], pin);
    const found = parsePublicKey(await readFile(file));
    const { x } = found.export({ format: 'jwk' });
    if (found.asymmetricKeyType !== 'ed25519' || x === undefined) {
      throw new CleanRoomError(
        'malformed',
        `The key with this id in the security module is not an Ed25519 key.`,
        {
          remedy: 'Create one with "pkcs11-tool --keypairgen --key-type EC:edwards25519".'
        }
      );
    }
    return publicKeyFromBytes(fromBase64Url(x));
  });
  const login = ['--login', ...(pin === undefined ? [] : ['--pin', `env:${PIN_VARIABLE}`])];
  return {
    publicKey,
    sign: bytes =>
      withFolder(async folder => {
        const [input, output] = [path.join(folder, 'message'), path.join(folder, 'signature')];
        await writeFile(input, bytes);
        await runTool(
          [...token, ...login, '--sign', '--mechanism', 'EDDSA', ...key].concat(
            '--input-file',
            input,
            '--output-file',
            output
          ),
          pin
        );
        const signature = new Uint8Array(await readFile(output));
        if (verifyBytes(publicKey, bytes, signature)) return signature;
        throw new CleanRoomError(
          'signature-invalid',
          'The security module made a signature that is not valid.',
          {
            remedy: 'Use a module that signs with pure Ed25519 (RFC 8032). Nothing was signed.'
          }
        );
      })
  };
}
