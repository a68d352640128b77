import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  KeyUsage,
  SubjectKeyIdentifier,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  type AlgorithmIdentifier,
  type Extension,
  type Time
} from '@peculiar/asn1-x509';
import { digestOf, type Digest } from '../bytes/digest.js';
import { equalBytes, fromBase64 } from '../bytes/encoding.js';
import type { ChainCode } from './steps.js';

/** Thrown when a certificate chain is not valid. It does not leave this folder: a report shows it as a failed step. */
export class ChainFailure extends Error {
  override readonly name = 'ChainFailure';

  constructor(
    readonly code: ChainCode,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options);
  }
}

/** The parts of a certificate that are needed to verify a chain. Names and keys are DER, so that they can be compared bytewise. */
export interface ChainCertificate {
  readonly digest: Digest;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: Uint8Array;
  readonly publicKeyAlgorithm: string;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
  /** The extension keyUsage; `undefined` if the certificate does not restrict the use of its key. */
  readonly usage: KeyUsage | undefined;
  readonly subjectKey: Uint8Array | undefined;
  readonly authorityKey: AuthorityKeyIdentifier | undefined;
}

const NULL_PARAMETERS = Uint8Array.of(0x05, 0x00);
const UNDERSTOOD_WHEN_CRITICAL: readonly string[] = [id_ce_basicConstraints, id_ce_keyUsage];

/**
 * Returns the DER bytes of an entry of `x5c`: base64 of DER, or PEM as in older tokens.
 *
 * @throws ChainFailure `certificate-malformed`
 */
export function certificateBytes(entry: string): Uint8Array {
  const pem = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\r?\n?$/.exec(
    entry
  );
  try {
    return fromBase64(pem?.[1] === undefined ? entry : pem[1].replaceAll(/[\r\n]/g, ''));
  } catch (cause) {
    throw new ChainFailure('certificate-malformed', 'is neither base64 nor PEM', { cause });
  }
}

/** Most tokens have the same roots and intermediates, and parsing one takes longer than verifying its signature. */
const CACHE_SIZE = 32;
const cache = new Map<Digest, ChainCertificate>();

/**
 * Parses a certificate, which must be of X.509 version 3. Its signature is not verified.
 *
 * @throws ChainFailure `certificate-malformed`, `certificate-extension` or `certificate-algorithm`
 */
export function parseCertificate(der: Uint8Array): ChainCertificate {
  const digest = digestOf(der);
  const known = cache.get(digest);
  if (known !== undefined) return known;
  const certificate = Object.freeze(readCertificate(der, digest));
  const [oldest] = cache.keys();
  if (oldest !== undefined && cache.size >= CACHE_SIZE) cache.delete(oldest);
  cache.set(digest, certificate);
  return certificate;
}

function readCertificate(der: Uint8Array, digest: Digest): ChainCertificate {
  const certificate = parseAsn1(() => {
    requireOneDerSequence(der);
    return AsnConvert.parse(der, Certificate);
  });
  const body = certificate.tbsCertificate;
  if (body.version !== Version.v3 || certificate.tbsCertificateRaw === undefined) {
    throw new ChainFailure('certificate-malformed', 'is not a certificate of X.509 version 3');
  }
  const extensions = distinctExtensions(body.extensions ?? []);
  const constraints = extensionOf(extensions, id_ce_basicConstraints, BasicConstraints);
  const subjectKey = extensionOf(extensions, id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  return {
    digest,
    signed: new Uint8Array(certificate.tbsCertificateRaw),
    signature: new Uint8Array(certificate.signatureValue),
    signatureAlgorithm: signatureAlgorithmOf(certificate.signatureAlgorithm, body.signature),
    subject: serialize(body.subject),
    issuer: serialize(body.issuer),
    serial: new Uint8Array(body.serialNumber),
    notBefore: toDate(body.validity.notBefore),
    notAfter: toDate(body.validity.notAfter),
    publicKey: serialize(body.subjectPublicKeyInfo),
    publicKeyAlgorithm: body.subjectPublicKeyInfo.algorithm.algorithm,
    ca: constraints?.cA ?? false,
    pathLength: constraints?.pathLenConstraint,
    usage: extensionOf(extensions, id_ce_keyUsage, KeyUsage),
    subjectKey: subjectKey === undefined ? undefined : new Uint8Array(subjectKey.buffer),
    authorityKey: extensionOf(extensions, id_ce_authorityKeyIdentifier, AuthorityKeyIdentifier)
  };
}

function parseAsn1<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof ChainFailure) throw cause;
    throw new ChainFailure('certificate-malformed', 'is not a certificate in DER', { cause });
  }
}

/** The parser also accepts BER and trailing bytes. A certificate must be one SEQUENCE whose length is definite and minimal. */
function requireOneDerSequence(der: Uint8Array): void {
  const [tag, first = 0] = der;
  const size = first < 0x80 ? 0 : first - 0x80;
  let length = size === 0 ? first : 0;
  for (const byte of der.subarray(2, 2 + size)) length = length * 256 + byte;
  const shortest = length < 0x80 ? 0 : Math.ceil(Math.log2(length + 1) / 8);
  if (tag !== 0x30 || size > 4 || size !== shortest || der.length !== 2 + size + length) {
    throw new ChainFailure('certificate-malformed', 'is not exactly one DER sequence');
  }
}

function serialize(value: unknown): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value));
}

function toDate(time: Time): Date {
  const date = time.utcTime ?? time.generalTime;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw new ChainFailure('certificate-malformed', 'has an unreadable validity period');
  }
  return date;
}

/** Returns the extensions by their ID. None may occur twice, and every critical one must be known. */
function distinctExtensions(extensions: readonly Extension[]): ReadonlyMap<string, Extension> {
  const byId = new Map<string, Extension>();
  for (const extension of extensions) {
    if (byId.has(extension.extnID)) {
      throw new ChainFailure('certificate-extension', `has the extension ${extension.extnID} twice`);
    }
    if (extension.critical && !UNDERSTOOD_WHEN_CRITICAL.includes(extension.extnID)) {
      throw new ChainFailure(
        'certificate-extension',
        `has the unknown critical extension ${extension.extnID}`
      );
    }
    byId.set(extension.extnID, extension);
  }
  return byId;
}

function extensionOf<T>(
  extensions: ReadonlyMap<string, Extension>,
  id: string,
  type: new () => T
): T | undefined {
  const extension = extensions.get(id);
  return extension === undefined ? undefined : parseAsn1(() => AsnConvert.parse(extension.extnValue, type));
}

/** Returns the signature algorithm. It is in the certificate twice, but only the inner one is signed, so both must be equal. */
function signatureAlgorithmOf(outer: AlgorithmIdentifier, inner: AlgorithmIdentifier): string {
  for (const { parameters } of [outer, inner]) {
    if (parameters && !equalBytes(new Uint8Array(parameters), NULL_PARAMETERS)) {
      throw new ChainFailure('certificate-algorithm', 'is signed by an algorithm with parameters');
    }
  }
  if (outer.algorithm !== inner.algorithm) {
    throw new ChainFailure('certificate-algorithm', 'names two different signature algorithms');
  }
  return outer.algorithm;
}
