import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { equalBytes } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { ChainFailure, type ChainCertificate } from './certificate.js';

/** The certificates of a token: leaf, intermediate and root. */
export type CertificateChain = readonly [ChainCertificate, ChainCertificate, ChainCertificate];

const NAMES = ['The leaf certificate', 'The intermediate certificate', 'The root certificate'] as const;

const RSA = '1.2.840.113549.1.1.1';
const SIGNATURE_HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'SHA-256',
  '1.2.840.113549.1.1.12': 'SHA-384',
  '1.2.840.113549.1.1.13': 'SHA-512'
};

/**
 * Returns WebCrypto. Browsers provide it only to pages that were loaded over HTTPS or from localhost.
 *
 * @throws CleanRoomError `unavailable`
 */
export function requireWebCrypto(): SubtleCrypto {
  const subtle = typeof crypto === 'undefined' ? undefined : (crypto as Partial<Crypto>).subtle;
  if (subtle === undefined) {
    throw new CleanRoomError(
      'unavailable',
      'This page has no access to WebCrypto, so no signature can be verified here.',
      { remedy: 'Open it over HTTPS or as localhost, or use `clean-room attestation inspect`.' }
    );
  }
  return subtle;
}

/**
 * Verifies that each certificate is issued and signed by the next, and is allowed to sign. The root is trusted because it is
 * pinned; its own signature would prove nothing and is not verified. Extended key usages are not compared: Google's intermediates
 * have one that their leaves do not have.
 *
 * @returns the public key of the leaf, for RS256
 * @throws ChainFailure with the first problem that is found
 */
export async function verifyChain(chain: CertificateChain): Promise<CryptoKey> {
  const [leaf, intermediate, root] = chain;
  checkLeaf(leaf);
  checkAuthority(intermediate, 1, 0);
  checkAuthority(root, 2, 1);
  await checkIssued(leaf, intermediate, 0);
  await checkIssued(intermediate, root, 1);
  return publicKeyOf(leaf, 0, 'SHA-256');
}

/**
 * Checks that all certificates are valid at a time.
 *
 * @throws ChainFailure `certificate-expired` or `certificate-not-yet-valid`
 */
export function checkValidity(chain: CertificateChain, at: Date): void {
  for (const [index, { notBefore, notAfter }] of chain.entries()) {
    if (at < notBefore) {
      throw new ChainFailure(
        'certificate-not-yet-valid',
        `${NAMES[index]} is valid only from ${notBefore.toISOString()}.`
      );
    }
    if (at > notAfter) {
      throw new ChainFailure('certificate-expired', `${NAMES[index]} expired at ${notAfter.toISOString()}.`);
    }
  }
}

function checkLeaf(leaf: ChainCertificate): void {
  if (leaf.ca)
    throw new ChainFailure(
      'leaf-is-ca',
      `${NAMES[0]} is allowed to issue certificates, which a leaf must not be.`
    );
  if (leaf.usage !== undefined && !allows(leaf, KeyUsageFlags.digitalSignature)) {
    throw new ChainFailure('certificate-usage', `${NAMES[0]} is not allowed to sign.`);
  }
}

/** @param below - the number of intermediates between this certificate and the leaf */
function checkAuthority(certificate: ChainCertificate, index: 1 | 2, below: number): void {
  if (!certificate.ca)
    throw new ChainFailure('not-a-ca', `${NAMES[index]} is not allowed to issue certificates.`);
  if (!allows(certificate, KeyUsageFlags.keyCertSign)) {
    throw new ChainFailure('certificate-usage', `${NAMES[index]} is not allowed to sign certificates.`);
  }
  if (certificate.pathLength !== undefined && certificate.pathLength < below) {
    throw new ChainFailure('path-length', `${NAMES[index]} does not allow a chain of this length.`);
  }
}

function allows({ usage }: ChainCertificate, flag: KeyUsageFlags): boolean {
  return usage !== undefined && (usage.toNumber() & flag) !== 0;
}

async function checkIssued(
  certificate: ChainCertificate,
  issuer: ChainCertificate,
  index: 0 | 1
): Promise<void> {
  if (!equalBytes(certificate.issuer, issuer.subject) || !namesKeyOf(certificate, issuer)) {
    throw new ChainFailure('chain-broken', `${NAMES[index]} was not issued by the next certificate.`);
  }
  const hash = SIGNATURE_HASHES[certificate.signatureAlgorithm];
  if (hash === undefined) {
    throw new ChainFailure(
      'certificate-algorithm',
      `${NAMES[index]} is signed with the algorithm ${certificate.signatureAlgorithm}.`
    );
  }
  const key = await publicKeyOf(issuer, index + 1, hash);
  const { signature, signed } = certificate;
  if (!(await requireWebCrypto().verify('RSASSA-PKCS1-v1_5', key, signature.slice(), signed.slice()))) {
    throw new ChainFailure('chain-signature', `${NAMES[index]} is not signed by the next certificate.`);
  }
}

/** Returns whether a certificate's authority key identifier, if it has one, matches its issuer. */
function namesKeyOf({ authorityKey }: ChainCertificate, issuer: ChainCertificate): boolean {
  const keyIdentifier = authorityKey?.keyIdentifier;
  const serial = authorityKey?.authorityCertSerialNumber;
  const sameKey =
    keyIdentifier === undefined ||
    issuer.subjectKey === undefined ||
    equalBytes(new Uint8Array(keyIdentifier.buffer), issuer.subjectKey);
  return sameKey && (serial === undefined || equalBytes(new Uint8Array(serial), issuer.serial));
}

async function publicKeyOf(certificate: ChainCertificate, index: number, hash: string): Promise<CryptoKey> {
  const keyFailure = (why: string, cause?: unknown) =>
    new ChainFailure('certificate-key', `${NAMES[index]} has a key that ${why}.`, { cause });
  if (certificate.publicKeyAlgorithm !== RSA) throw keyFailure('is not RSA');
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash };
  const key = await requireWebCrypto()
    .importKey('spki', certificate.publicKey.slice(), algorithm, true, ['verify'])
    .catch((cause: unknown) => {
      throw keyFailure('cannot be read', cause);
    });
  const problem = rsaProblem(key);
  if (problem !== undefined) throw keyFailure(problem);
  return key;
}

/** Returns why an RSA key is not acceptable, as a predicate ("has 1024 bits"), or `undefined` if it is. */
export function rsaProblem(key: CryptoKey): string | undefined {
  const { modulusLength, publicExponent } = key.algorithm as RsaKeyAlgorithm;
  const exponent = publicExponent.reduce((value, byte) => value * 256 + byte, 0);
  if (modulusLength < 2048 || modulusLength > 8192) return `has ${modulusLength} bits`;
  if (exponent < 65537 || exponent > 0xffffffff || exponent % 2 === 0) return 'has an unusual exponent';
  return undefined;
}
