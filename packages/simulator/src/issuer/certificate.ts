import { createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

/** The position of a certificate in the chain. */
export type CertificateRole = 'root' | 'intermediate' | 'leaf';

/** The input of `makeCertificate`. */
export interface CertificateOptions {
  readonly role: CertificateRole;
  readonly key: KeyObject;
  /** The name and key of the issuer: the next higher role, or the root itself. */
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly from: Date;
  readonly to: Date;
}

/** The names of the certificates, which must not be mistaken for those of Google. */
export const CERTIFICATE_NAMES: Readonly<Record<CertificateRole, string>> = {
  root: 'SIMULATED Clean Room Root CA',
  intermediate: 'SIMULATED Clean Room Intermediate CA',
  leaf: 'SIMULATED Clean Room Leaf Cert'
};

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
/** The extended key usage of Google's intermediate certificates (attestation identity keys). Their leaves have none. */
const ATTESTATION_USAGE = '2.23.133.8.1';
const AUTHORITY = [
  { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
  { name: 'basicConstraints', critical: true, cA: true }
];
const EXTENSIONS: Readonly<Record<CertificateRole, readonly object[]>> = {
  root: AUTHORITY,
  intermediate: [...AUTHORITY, { name: 'extKeyUsage', [ATTESTATION_USAGE]: true }],
  leaf: [{ name: 'basicConstraints', critical: true, cA: false }]
};

/**
 * Creates a certificate with the extensions of Confidential Space's certificate of the same role.
 *
 * @returns DER
 */
export function makeCertificate({ role, key, issuer, from, to }: CertificateOptions): Buffer {
  const certificate = forge.pki.createCertificate();
  const issuerKey = forgeKey(issuer.key);
  certificate.publicKey = forgeKey(key);
  certificate.serialNumber = positiveSerial();
  certificate.validity.notBefore = from;
  certificate.validity.notAfter = to;
  certificate.setSubject([{ name: 'commonName', value: CERTIFICATE_NAMES[role] }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer.name }]);
  const keyIdentifier = forge.pki.getPublicKeyFingerprint(issuerKey).getBytes();
  certificate.setExtensions([
    ...EXTENSIONS[role].map(extension => ({ ...extension })),
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier }
  ]);
  return signed(certificate, issuer.key);
}

function forgeKey(key: KeyObject): forge.pki.rsa.PublicKey {
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  return forge.pki.publicKeyFromPem(pem.toString());
}

/** Encodes the certificate with forge and signs it with OpenSSL, which is a hundred times faster than forge. */
function signed(certificate: forge.pki.Certificate, key: KeyObject): Buffer {
  certificate.signatureOid = certificate.siginfo.algorithmOid = SHA256_WITH_RSA;
  certificate.signature = '';
  const [body] = forge.pki.certificateToAsn1(certificate).value;
  if (body === undefined || typeof body === 'string')
    throw new TypeError('forge encoded a certificate without a body.');
  certificate.signature = sign('sha256', der(body), key).toString('binary');
  return der(forge.pki.certificateToAsn1(certificate));
}

function der(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'binary');
}

/** Returns a serial number of 20 bytes. The first byte is fixed, so that the integer is positive and of full length. */
function positiveSerial(): string {
  return `40${randomBytes(19).toString('hex')}`;
}
