import { createHash, createPrivateKey, generateKeyPair, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { exists, writeFileAtomic } from '@clean-room/node-support';
import type { IssuerKeys, PkiRoot } from '@clean-room/protocol/attestation';
import { SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CertificateRole } from './certificate.js';

/** A private key and its certificate. */
interface CertifiedKey {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/** The keys and certificates that sign a simulator's tokens. Tokens are accepted only under policies that name its root. */
export interface SimulatorIdentity {
  readonly root: PkiRoot;
  /** The root certificate as PEM, for display. */
  readonly rootCertificate: string;
  /** The certificates of leaf, intermediate and root, as base64 of DER, for the header of a PKI token. */
  readonly x5c: readonly [string, string, string];
  readonly pkiKey: KeyObject;
  /** The base64url SHA-256 thumbprint of the leaf's key, 43 characters as in Google's tokens. */
  readonly pkiKeyId: string;
  readonly oidcKey: KeyObject;
  /** 40 hexadecimal digits, as in Google's tokens. */
  readonly oidcKeyId: string;
  /** The public key by which OIDC tokens are verified. */
  readonly issuerKeys: IssuerKeys;
}

const DAY_MS = 86_400_000;
/** The lifetime of each certificate in days, the same as of Google's certificates. */
const LIFE_DAYS: Readonly<Record<CertificateRole, number>> = { root: 3650, intermediate: 1095, leaf: 60 };
/** A certificate is renewed when it is valid for less than this number of days, so that it always outlives the tokens. */
const RENEW_DAYS: Readonly<Record<CertificateRole, number>> = { root: 0, intermediate: 90, leaf: 20 };
const BITS: Readonly<Record<CertificateRole, number>> = { root: 4096, intermediate: 4096, leaf: 2048 };

const OIDC_KEY = 'oidc-key.pem';
const keyFile = (role: CertificateRole) => `${role}-key.pem`;
const certificateFile = (role: CertificateRole) => `${role}.pem`;

/**
 * Opens the identity in `folder`, and creates it if the folder does not exist: a root, an intermediate and a leaf certificate,
 * and a key for OIDC tokens. Only their owner can read the keys. Leaf and intermediate are renewed before they expire. The
 * root is not, because policies name it.
 *
 * @throws CleanRoomError `malformed` if the folder contains something else, `expired` if the root has expired
 */
export async function openIdentity(folder: string, now: Date = new Date()): Promise<SimulatorIdentity> {
  if (!(await exists(join(folder, keyFile('root'))))) await createIdentity(folder, now);
  const root = await readCertifiedKey(folder, 'root');
  if (now > root.certificate.validToDate) {
    throw new CleanRoomError('expired', `The root certificate of the simulator in ${folder} has expired.`, {
      remedy: 'Remove the folder. A new identity is then created, and its root must be named in the policies.'
    });
  }
  const intermediate = await renewIfDue(folder, 'intermediate', root, now);
  const leaf = await renewIfDue(folder, 'leaf', intermediate, now);
  const oidcKey = await readKey(join(folder, OIDC_KEY));
  const oidcKeyId = createHash('sha1').update(thumbprintInput(oidcKey)).digest('hex');
  const [x5c0, x5c1, x5c2] = [leaf, intermediate, root].map(({ certificate }) =>
    certificate.raw.toString('base64')
  );
  return {
    root: { sha256: digestOf(root.certificate.raw), kind: 'simulated' },
    rootCertificate: root.certificate.toString(),
    x5c: [x5c0 ?? '', x5c1 ?? '', x5c2 ?? ''],
    pkiKey: leaf.key,
    pkiKeyId: createHash('sha256').update(thumbprintInput(leaf.key)).digest('base64url'),
    oidcKey,
    oidcKeyId,
    issuerKeys: { issuer: SIMULATOR_ISSUER, keys: [publicJwk(oidcKey, oidcKeyId)] }
  };
}

/** Creates an identity. If two processes do this at the same time, both use the folder of the one that finishes first. */
async function createIdentity(folder: string, now: Date): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.`);
  try {
    const [rootKey, intermediateKey, leafKey, oidcKey] = await Promise.all([
      newKey(BITS.root),
      newKey(BITS.intermediate),
      newKey(BITS.leaf),
      newKey(2048)
    ]);
    const root = await certify('root', rootKey, rootKey, now);
    await writeCertifiedKey(draft, 'root', { key: rootKey, certificate: root });
    const intermediate = await certify('intermediate', intermediateKey, rootKey, now, root);
    await writeCertifiedKey(draft, 'intermediate', { key: intermediateKey, certificate: intermediate });
    const leaf = await certify('leaf', leafKey, intermediateKey, now, intermediate);
    await writeCertifiedKey(draft, 'leaf', { key: leafKey, certificate: leaf });
    await writeSecret(join(draft, OIDC_KEY), oidcKey);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(join(folder, keyFile('root'))))) throw error;
  }
}

async function certify(
  role: CertificateRole,
  key: KeyObject,
  issuerKey: KeyObject,
  now: Date,
  issuer?: X509Certificate
): Promise<X509Certificate> {
  // The module is loaded only when it is needed, because node-forge takes longer to load than all other modules together.
  const { CERTIFICATE_NAMES, makeCertificate } = await import('./certificate.js');
  const ends = now.getTime() + LIFE_DAYS[role] * DAY_MS;
  const to = new Date(Math.min(ends, issuer?.validToDate.getTime() ?? ends));
  const name = role === 'leaf' ? CERTIFICATE_NAMES.intermediate : CERTIFICATE_NAMES.root;
  // The validity begins an hour ago, so that a verifier whose clock is slow accepts the certificate.
  const from = new Date(now.getTime() - 3_600_000);
  return new X509Certificate(makeCertificate({ role, key, issuer: { name, key: issuerKey }, from, to }));
}

/** Returns a certificate, which is renewed first if it expires soon or its issuer has changed. */
async function renewIfDue(
  folder: string,
  role: 'intermediate' | 'leaf',
  issuer: CertifiedKey,
  now: Date
): Promise<CertifiedKey> {
  const present = await readCertifiedKey(folder, role);
  const left = present.certificate.validToDate.getTime() - now.getTime();
  const isValid = present.certificate.verify(issuer.certificate.publicKey);
  if (isValid && left > RENEW_DAYS[role] * DAY_MS) return present;
  const certificate = await certify(role, present.key, issuer.key, now, issuer.certificate);
  const next = { key: present.key, certificate };
  await writeCertifiedKey(folder, role, next);
  return next;
}

async function readCertifiedKey(folder: string, role: CertificateRole): Promise<CertifiedKey> {
  const key = await readKey(join(folder, keyFile(role)));
  try {
    const certificate = new X509Certificate(await readFile(join(folder, certificateFile(role))));
    if (!certificate.checkPrivateKey(key)) throw new Error('The certificate does not belong to the key.');
    return { key, certificate };
  } catch (cause) {
    throw notAnIdentity(folder, cause);
  }
}

async function readKey(path: string): Promise<KeyObject> {
  try {
    return createPrivateKey(await readFile(path));
  } catch (cause) {
    throw notAnIdentity(dirname(path), cause);
  }
}

function notAnIdentity(folder: string, cause: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `${folder} does not contain the identity of a simulator.`, {
    cause,
    remedy: 'Remove the folder. A new identity is then created, and its root must be named in the policies.'
  });
}

async function writeCertifiedKey(
  folder: string,
  role: CertificateRole,
  credential: CertifiedKey
): Promise<void> {
  await writeFileAtomic(join(folder, certificateFile(role)), credential.certificate.toString(), 0o644);
  const secret = join(folder, keyFile(role));
  if (!(await exists(secret))) await writeSecret(secret, credential.key);
}

async function writeSecret(path: string, key: KeyObject): Promise<void> {
  await writeFile(path, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
}

async function newKey(modulusLength: number): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', { modulusLength })).privateKey;
}

/** Returns the bytes that a JWK thumbprint (RFC 7638) hashes. */
function thumbprintInput(key: KeyObject): Buffer {
  const { kty, n, e } = key.export({ format: 'jwk' });
  return Buffer.from(JSON.stringify({ e, kty, n }));
}

function publicJwk(key: KeyObject, kid: string) {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return { kty: 'RSA', use: 'sig', alg: 'RS256', kid, n, e };
}
