import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
  type KeyObject
} from 'node:crypto';
import forge from 'node-forge';
import { GOOGLE_ISSUER, type PkiRoot } from '../../../src/attestation/trust.js';
import { asDigest } from '../../../src/bytes/digest.js';

/** The time at which everything made here is valid. */
export const NOW = new Date('2026-03-01T12:00:00Z');

/** Makes an RSA key. */
export function makeKey(modulusLength = 2048, publicExponent = 65537): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
}

/** The content of a certificate, and the key that signs it. */
export interface CertificatePlan {
  subject: string;
  issuer: string;
  key: KeyObject;
  signer: KeyObject;
  from: Date;
  to: Date;
  extensions: object[];
  digest: () => forge.md.MessageDigest;
}

/** The three certificates of a chain. */
export interface ChainPlan {
  leaf: CertificatePlan;
  intermediate: CertificatePlan;
  root: CertificatePlan;
}

export const CA = { name: 'basicConstraints', cA: true, critical: true };
export const NO_CA = { name: 'basicConstraints', cA: false, critical: true };
export const CERT_SIGN = { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true };

const KEYS = { leaf: makeKey(), intermediate: makeKey(), root: makeKey() };

/** Returns a plan for a chain like Google's, with the same names, extensions, order and algorithms. */
export function chainPlan(keys = KEYS): ChainPlan {
  const common = {
    from: new Date('2025-01-01'),
    to: new Date('2027-01-01'),
    digest: () => forge.md.sha256.create()
  };
  const ROOT = 'Confidential Space Root CA';
  const INTERMEDIATE = 'Confidential Space Intermediate CA';
  return {
    leaf: {
      ...common,
      subject: 'Confidential Space Leaf Cert',
      issuer: INTERMEDIATE,
      key: keys.leaf,
      signer: keys.intermediate,
      extensions: [NO_CA, { name: 'subjectKeyIdentifier' }]
    },
    intermediate: {
      ...common,
      subject: INTERMEDIATE,
      issuer: ROOT,
      key: keys.intermediate,
      signer: keys.root,
      extensions: [
        CERT_SIGN,
        { name: 'extKeyUsage', '2.23.133.8.1': true },
        CA,
        { name: 'subjectKeyIdentifier' }
      ]
    },
    root: {
      ...common,
      subject: ROOT,
      issuer: ROOT,
      key: keys.root,
      signer: keys.root,
      extensions: [CERT_SIGN, CA, { name: 'subjectKeyIdentifier' }]
    }
  };
}

/** Makes a certificate as DER. */
function makeCertificate(plan: CertificatePlan, serial: string): Buffer {
  const certificate = forge.pki.createCertificate();
  const publicKey = createPublicKey(plan.key).export({ type: 'spki', format: 'pem' });
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey.toString());
  certificate.serialNumber = serial;
  certificate.validity.notBefore = plan.from;
  certificate.validity.notAfter = plan.to;
  certificate.setSubject([{ name: 'commonName', value: plan.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: plan.issuer }]);
  // forge changes the objects that it is given, so it gets a copy.
  certificate.setExtensions(structuredClone(plan.extensions));
  certificate.sign(signingWith(plan.signer), plan.digest());
  return Buffer.from(forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes(), 'binary');
}

/** Returns a key with which forge makes a certificate but node:crypto signs it, because forge needs seconds for that under Jest. */
function signingWith(key: KeyObject): forge.pki.rsa.PrivateKey {
  const signature = (md: forge.md.MessageDigest) => {
    const prefix = Buffer.from(DIGEST_INFO[md.digestLength] ?? '', 'hex');
    const info = Buffer.concat([prefix, Buffer.from(md.digest().getBytes(), 'binary')]);
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info).toString('binary');
  };
  return { sign: signature } as unknown as forge.pki.rsa.PrivateKey;
}

/** The DER bytes of a DigestInfo before the digest (RFC 8017 §9.2), by the length of the digest. */
const DIGEST_INFO: Readonly<Record<number, string>> = {
  20: '3021300906052b0e03021a05000414',
  32: '3031300d060960864801650304020105000420',
  48: '3041300d060960864801650304020205000430',
  64: '3051300d060960864801650304020305000440'
};

/** Makes a leaf, an intermediate and a root as DER. */
export function makeChain(plan: ChainPlan = chainPlan()): [Buffer, Buffer, Buffer] {
  return [
    makeCertificate(plan.leaf, '03'),
    makeCertificate(plan.intermediate, '02'),
    makeCertificate(plan.root, '01')
  ];
}

/** Returns a root as a trusted root. */
export function pinned(root: Buffer, kind: PkiRoot['kind'] = 'hardware'): PkiRoot {
  return { sha256: asDigest(`sha256:${createHash('sha256').update(root).digest('hex')}`), kind };
}

/** Returns a text, or a value as JSON, as base64url. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs any header and payload with RS256, even if the header names another algorithm. */
export function signToken(header: object, payload: object, key: KeyObject = KEYS.leaf): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

/** Returns the header of a PKI token. */
export function pkiHeader(chain: readonly Buffer[]): object {
  return { alg: 'RS256', kid: 'test', typ: 'JWT', x5c: chain.map(der => der.toString('base64')) };
}

export const leafKey = (): KeyObject => KEYS.leaf;

export type Payload = ReturnType<typeof productionPayload>;

/** Returns claims that pass every check of the profile `production`. */
export function productionPayload() {
  const iat = NOW.getTime() / 1000 - 60;
  const container = {
    image_reference: `europe-docker.pkg.dev/operator/runs/notebook@sha256:${'1'.repeat(64)}`,
    image_digest: `sha256:${'1'.repeat(64)}`,
    image_id: `sha256:${'2'.repeat(64)}`,
    restart_policy: 'Never',
    args: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
    env: { HOSTNAME: 'run-1', PATH: '/usr/bin:/bin', CLEAN_ROOM_JOB: JOB } as Record<string, string>,
    env_override: { CLEAN_ROOM_JOB: JOB } as Record<string, string>
  };
  return {
    aud: 'clean-room:run:v1',
    iss: GOOGLE_ISSUER,
    iat,
    nbf: iat,
    exp: iat + 3600,
    sub: 'https://www.googleapis.com/compute/v1/projects/operator/zones/europe-west4-a/instances/run-1',
    eat_nonce: ['n'.repeat(43), 'm'.repeat(43)] as string | string[],
    eat_profile:
      'https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims',
    secboot: true,
    oemid: 11129,
    hwmodel: 'GCP_INTEL_TDX',
    swname: 'CONFIDENTIAL_SPACE',
    swversion: ['260800'],
    attester_tcb: ['INTEL'],
    dbgstat: 'disabled-since-boot',
    submods: {
      confidential_space: {
        support_attributes: ['LATEST', 'STABLE', 'USABLE'] as string[] | undefined,
        monitoring_enabled: { memory: false } as { memory?: boolean } | undefined
      },
      container: container as typeof container & { cmd_override?: string[] | null },
      gce: {
        zone: 'europe-west4-a',
        project_id: 'operator',
        project_number: '123456789012',
        instance_name: 'run-1',
        instance_id: '1234567890123456789'
      }
    },
    tdx: { gcp_attester_tcb_status: 'UpToDate', gcp_attester_tcb_date: '2024-03-13T00:00:00Z' } as unknown,
    google_service_accounts: ['workload@operator.iam.gserviceaccount.com']
  };
}

export const JOB = `https://coordinator.example:8443/v1/jobs/${'a1_-'.repeat(8)}`;
