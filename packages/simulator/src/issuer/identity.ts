import { createHash, createPrivateKey, generateKeyPair, X509Certificate, type KeyObject } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { IssuerKeys, PkiRoot } from '@clean-room/protocol/attestation';
import { SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CertificateRole } from './certificate.js';

/** A key and the certificate over it. */
interface Credential {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/** Who signs a simulator's tokens. Its root is what a policy must name for them to be believed. */
export interface SimulatorIdentity {
  readonly root: PkiRoot;
  /** PEM, for people to look at. */
  readonly rootCertificate: string;
  /** Leaf, intermediate, root: base64 of DER, as a PKI token carries them. */
  readonly x5c: readonly [string, string, string];
  readonly pkiKey: KeyObject;
  /** base64url of the SHA-256 of the leaf's key: 43 characters, like Google's. */
  readonly pkiKeyId: string;
  readonly oidcKey: KeyObject;
  /** 40 hex digits, like Google's. */
  readonly oidcKeyId: string;
  /** What a verifier of OIDC tokens needs. */
  readonly issuerKeys: IssuerKeys;
}

const DAY_MS = 86_400_000;
/** Life of each certificate in days, as seen on Google's. */
const LIFE_DAYS: Readonly<Record<CertificateRole, number>> = { root: 3650, intermediate: 1095, leaf: 60 };
/** A certificate with less than this left is made anew, so that a token never outlives its chain. */
const RENEW_DAYS: Readonly<Record<CertificateRole, number>> = { root: 0, intermediate: 90, leaf: 20 };
const BITS: Readonly<Record<CertificateRole, number>> = { root: 4096, intermediate: 4096, leaf: 2048 };

const OIDC_KEY = 'oidc-key.pem';
const keyFile = (role: CertificateRole) => `${role}-key.pem`;
const certificateFile = (role: CertificateRole) => `${role}.pem`;

/**
 * Opens the identity in `folder`, and makes one where there is none: a root, an intermediate and a leaf, and a key for
 * OIDC tokens. Keys are readable by their owner alone. Leaf and intermediate are renewed before they end; the root
 * stays, since policies name it.
 *
 * @throws CleanRoomError `malformed` when the folder holds something else, `expired` when the root has ended
 */
export async function openIdentity(folder: string, now: Date = new Date()): Promise<SimulatorIdentity> {
  if (!(await exists(join(folder, keyFile('root'))))) await found(folder, now);
  const root = await readCredential(folder, 'root');
  if (now > root.certificate.validToDate) {
    throw new CleanRoomError('expired', `The simulator’s root in ${folder} has ended.`, {
      remedy: 'Remove the folder to make a new one, and name its root in the policies again.'
    });
  }
  const intermediate = await renewed(folder, 'intermediate', root, now);
  const leaf = await renewed(folder, 'leaf', intermediate, now);
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

/** Two processes may begin at once: whoever moves its folder into place first wins, and the other takes that one. */
async function found(folder: string, now: Date): Promise<void> {
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
    await writeCredential(draft, 'root', { key: rootKey, certificate: root });
    const intermediate = await certify('intermediate', intermediateKey, rootKey, now, root);
    await writeCredential(draft, 'intermediate', { key: intermediateKey, certificate: intermediate });
    const leaf = await certify('leaf', leafKey, intermediateKey, now, intermediate);
    await writeCredential(draft, 'leaf', { key: leafKey, certificate: leaf });
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
  // Only when a certificate is due: node-forge takes longer to load than everything else here.
  const { CERTIFICATE_NAMES, makeCertificate } = await import('./certificate.js');
  const ends = now.getTime() + LIFE_DAYS[role] * DAY_MS;
  const to = new Date(Math.min(ends, issuer?.validToDate.getTime() ?? ends));
  const name = role === 'leaf' ? CERTIFICATE_NAMES.intermediate : CERTIFICATE_NAMES.root;
  // An hour back, so that a verifier whose clock is behind is not turned away.
  const from = new Date(now.getTime() - 3_600_000);
  return new X509Certificate(makeCertificate({ role, key, issuer: { name, key: issuerKey }, from, to }));
}

async function renewed(
  folder: string,
  role: 'intermediate' | 'leaf',
  issuer: Credential,
  now: Date
): Promise<Credential> {
  const present = await readCredential(folder, role);
  const left = present.certificate.validToDate.getTime() - now.getTime();
  const holds = present.certificate.verify(issuer.certificate.publicKey);
  if (holds && left > RENEW_DAYS[role] * DAY_MS) return present;
  const certificate = await certify(role, present.key, issuer.key, now, issuer.certificate);
  const next = { key: present.key, certificate };
  await writeCredential(folder, role, next);
  return next;
}

async function readCredential(folder: string, role: CertificateRole): Promise<Credential> {
  const key = await readKey(join(folder, keyFile(role)));
  try {
    const certificate = new X509Certificate(await readFile(join(folder, certificateFile(role))));
    if (!certificate.checkPrivateKey(key)) throw new Error('The certificate is over another key.');
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
  return new CleanRoomError('malformed', `${folder} does not hold a simulator’s identity.`, {
    cause,
    remedy: 'Remove the folder to make a new one, and name its root in the policies again.'
  });
}

async function writeCredential(folder: string, role: CertificateRole, credential: Credential): Promise<void> {
  const draft = join(folder, `${role}.draft-${process.pid}`);
  await writeFile(draft, credential.certificate.toString(), { mode: 0o644 });
  await rename(draft, join(folder, certificateFile(role)));
  const secret = join(folder, keyFile(role));
  if (!(await exists(secret))) await writeSecret(secret, credential.key);
}

async function writeSecret(path: string, key: KeyObject): Promise<void> {
  await writeFile(path, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
}

async function newKey(modulusLength: number): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', { modulusLength })).privateKey;
}

/** What a JWK thumbprint (RFC 7638) hashes. */
function thumbprintInput(key: KeyObject): Buffer {
  const { kty, n, e } = key.export({ format: 'jwk' });
  return Buffer.from(JSON.stringify({ e, kty, n }));
}

function publicJwk(key: KeyObject, kid: string) {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return { kty: 'RSA', use: 'sig', alg: 'RS256', kid, n, e };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
