import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  KeyUsage,
  SubjectKeyIdentifier,
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
import { ChainFailure } from './chain-failure.js';

/** What the walk needs of a certificate. Names and keys are kept as DER, so that they compare byte by byte. */
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
  /** `undefined` when the certificate does not restrict its key's use. */
  readonly usage: KeyUsage | undefined;
  readonly subjectKey: Uint8Array | undefined;
  readonly authorityKey: AuthorityKeyIdentifier | undefined;
}

const NULL_PARAMETERS = Uint8Array.of(0x05, 0x00);
const UNDERSTOOD_WHEN_CRITICAL: readonly string[] = [id_ce_basicConstraints, id_ce_keyUsage];

/** One entry of `x5c`: base64 of DER, or the PEM text that older tokens carry. */
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

/** Roots and intermediates come again with every token; reading one takes longer than checking its signature. */
const MOST_REMEMBERED = 32;
const remembered = new Map<Digest, ChainCertificate>();

/** @throws ChainFailure `certificate-malformed`, `certificate-extension`, `certificate-algorithm` */
export function parseCertificate(der: Uint8Array): ChainCertificate {
  const digest = digestOf(der);
  const known = remembered.get(digest);
  if (known !== undefined) return known;
  const certificate = Object.freeze(readCertificate(der, digest));
  const [oldest] = remembered.keys();
  if (oldest !== undefined && remembered.size >= MOST_REMEMBERED) remembered.delete(oldest);
  remembered.set(digest, certificate);
  return certificate;
}

function readCertificate(der: Uint8Array, digest: Digest): ChainCertificate {
  const certificate = reading(() => {
    refuseOtherLength(der);
    return AsnConvert.parse(der, Certificate);
  });
  const body = certificate.tbsCertificate;
  if (body.version !== 2 || certificate.tbsCertificateRaw === undefined) {
    throw new ChainFailure('certificate-malformed', 'is not of X.509 version 3');
  }
  const extensions = distinctExtensions(body.extensions ?? []);
  const constraints = extensionOf(extensions, id_ce_basicConstraints, BasicConstraints);
  const subjectKey = extensionOf(extensions, id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  return {
    digest,
    signed: new Uint8Array(certificate.tbsCertificateRaw),
    signature: new Uint8Array(certificate.signatureValue),
    signatureAlgorithm: oneAlgorithm(certificate.signatureAlgorithm, body.signature),
    subject: serialize(body.subject),
    issuer: serialize(body.issuer),
    serial: new Uint8Array(body.serialNumber),
    notBefore: moment(body.validity.notBefore),
    notAfter: moment(body.validity.notAfter),
    publicKey: serialize(body.subjectPublicKeyInfo),
    publicKeyAlgorithm: body.subjectPublicKeyInfo.algorithm.algorithm,
    ca: constraints?.cA ?? false,
    pathLength: constraints?.pathLenConstraint,
    usage: extensionOf(extensions, id_ce_keyUsage, KeyUsage),
    subjectKey: subjectKey === undefined ? undefined : new Uint8Array(subjectKey.buffer),
    authorityKey: extensionOf(extensions, id_ce_authorityKeyIdentifier, AuthorityKeyIdentifier)
  };
}

function reading<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof ChainFailure) throw cause;
    throw new ChainFailure('certificate-malformed', 'is not a certificate in DER', { cause });
  }
}

/** The parser takes BER and lets bytes follow; a certificate is one SEQUENCE of definite, shortest length. */
function refuseOtherLength(der: Uint8Array): void {
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

function moment(time: Time): Date {
  const date = time.utcTime ?? time.generalTime;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw new ChainFailure('certificate-malformed', 'has an unreadable validity');
  }
  return date;
}

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
  return extension === undefined ? undefined : reading(() => AsnConvert.parse(extension.extnValue, type));
}

/** Both places that name the signature's algorithm must agree, else one of them is not what was signed. */
function oneAlgorithm(outer: AlgorithmIdentifier, inner: AlgorithmIdentifier): string {
  for (const { parameters } of [outer, inner]) {
    if (parameters && !equalBytes(new Uint8Array(parameters), NULL_PARAMETERS)) {
      throw new ChainFailure('certificate-algorithm', 'is signed by an algorithm with parameters');
    }
  }
  if (outer.algorithm !== inner.algorithm) {
    throw new ChainFailure('certificate-algorithm', 'names two signature algorithms');
  }
  return outer.algorithm;
}
