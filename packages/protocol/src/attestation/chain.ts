import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { equalBytes } from '../bytes/encoding.js';
import type { ChainCertificate } from './certificate.js';
import { ChainFailure } from './chain-failure.js';
import { requireWebCrypto } from './web-crypto.js';

/** Leaf, intermediate, root: in this order, always all three. */
export type CertificateChain = readonly [ChainCertificate, ChainCertificate, ChainCertificate];

const NAMES = ['The leaf certificate', 'The intermediate certificate', 'The root certificate'] as const;

const RSA = '1.2.840.113549.1.1.1';
const SIGNATURE_HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'SHA-256',
  '1.2.840.113549.1.1.12': 'SHA-384',
  '1.2.840.113549.1.1.13': 'SHA-512'
};

/**
 * Checks what each certificate may do and that each is issued and signed by the next. The root is trusted for being
 * pinned, so its own signature proves nothing and is not looked at. Extended key usages are not matched: Google's
 * intermediates carry one that their leaves do not.
 *
 * @returns the leaf's key, ready to verify RS256
 * @throws ChainFailure
 */
export async function walkChain(chain: CertificateChain): Promise<CryptoKey> {
  const [leaf, intermediate, root] = chain;
  checkLeaf(leaf);
  checkAuthority(intermediate, 1, 0);
  checkAuthority(root, 2, 1);
  await checkIssued(leaf, intermediate, 0);
  await checkIssued(intermediate, root, 1);
  return publicKeyOf(leaf, 0, 'SHA-256');
}

/** @throws ChainFailure `certificate-expired`, `certificate-not-yet-valid` */
export function checkValidity(chain: CertificateChain, at: Date): void {
  for (const [index, { notBefore, notAfter }] of chain.entries()) {
    if (at < notBefore) {
      throw new ChainFailure(
        'certificate-not-yet-valid',
        `${NAMES[index]} begins at ${notBefore.toISOString()}.`
      );
    }
    if (at > notAfter) {
      throw new ChainFailure('certificate-expired', `${NAMES[index]} ended at ${notAfter.toISOString()}.`);
    }
  }
}

function checkLeaf(leaf: ChainCertificate): void {
  if (leaf.ca) throw new ChainFailure('leaf-is-ca', `${NAMES[0]} may issue certificates.`);
  if (leaf.usage !== undefined && !allows(leaf, KeyUsageFlags.digitalSignature)) {
    throw new ChainFailure('certificate-usage', `${NAMES[0]} may not sign.`);
  }
}

function checkAuthority(certificate: ChainCertificate, index: 1 | 2, below: number): void {
  if (!certificate.ca) throw new ChainFailure('not-a-ca', `${NAMES[index]} may not issue certificates.`);
  if (!allows(certificate, KeyUsageFlags.keyCertSign)) {
    throw new ChainFailure('certificate-usage', `${NAMES[index]} may not sign certificates.`);
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
    throw new ChainFailure(
      'chain-broken',
      `${NAMES[index]} was not issued by the certificate that follows it.`
    );
  }
  const hash = SIGNATURE_HASHES[certificate.signatureAlgorithm];
  if (hash === undefined) {
    throw new ChainFailure(
      'certificate-algorithm',
      `${NAMES[index]} is signed by the algorithm ${certificate.signatureAlgorithm}.`
    );
  }
  const key = await publicKeyOf(issuer, index + 1, hash);
  const { signature, signed } = certificate;
  if (!(await requireWebCrypto().verify('RSASSA-PKCS1-v1_5', key, signature.slice(), signed.slice()))) {
    throw new ChainFailure(
      'chain-signature',
      `${NAMES[index]} is not signed by the certificate that follows it.`
    );
  }
}

function namesKeyOf({ authorityKey }: ChainCertificate, issuer: ChainCertificate): boolean {
  const { keyIdentifier, authorityCertSerialNumber: serial } = authorityKey ?? {};
  const sameKey =
    keyIdentifier === undefined ||
    issuer.subjectKey === undefined ||
    equalBytes(new Uint8Array(keyIdentifier.buffer), issuer.subjectKey);
  return sameKey && (serial === undefined || equalBytes(new Uint8Array(serial), issuer.serial));
}

async function publicKeyOf(certificate: ChainCertificate, index: number, hash: string): Promise<CryptoKey> {
  const refuse = (why: string, cause?: unknown) =>
    new ChainFailure('certificate-key', `${NAMES[index]} has a key that ${why}.`, { cause });
  if (certificate.publicKeyAlgorithm !== RSA) throw refuse('is not RSA');
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash };
  const key = await requireWebCrypto()
    .importKey('spki', certificate.publicKey.slice(), algorithm, true, ['verify'])
    .catch((cause: unknown) => {
      throw refuse('can not be read', cause);
    });
  const problem = rsaProblem(key);
  if (problem !== undefined) throw refuse(problem);
  return key;
}

/** Why an RSA key is not one to rely on, or `undefined`. */
export function rsaProblem(key: CryptoKey): string | undefined {
  const { modulusLength, publicExponent } = key.algorithm as RsaKeyAlgorithm;
  const exponent = publicExponent.reduce((value, byte) => value * 256 + byte, 0);
  if (modulusLength < 2048 || modulusLength > 8192) return `has ${modulusLength} bits`;
  if (exponent < 65537 || exponent > 0xffffffff || exponent % 2 === 0) return 'has an unusual exponent';
  return undefined;
}
