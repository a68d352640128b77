import { describe, expect } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import type { JWK } from 'jose';
import { nonces } from '../../src/attestation/claims.js';
import type { TokenRequest } from '../../src/attestation/request.js';
import { HARDWARE_ROOTS } from '../../src/attestation/hardware-roots.js';
import { GOOGLE_ISSUER } from '../../src/attestation/trust.js';
import { verifyToken } from '../../src/attestation/verify.js';
import { pinned } from './support/authority.js';
import { fixture, testWithFixtures } from './support/fixtures.js';

const TDX = 'cs-pki-tdx-prod-20250905.jwt';
const OIDC = 'cs-oidc-sev-debug-20241104.jwt';
const REAL: [name: string, kind: 'oidc' | 'pki'][] = [
  [OIDC, 'oidc'],
  ['cs-pki-sev-debug-20241104-x5cpem.jwt', 'pki'],
  ['cs-pki-sev-debug-20250623.jwt', 'pki'],
  [TDX, 'pki']
];

const historicKeys = () => (JSON.parse(fixture('jwks-historic.json')) as { keys: JWK[] }).keys;

/** Returns the issue time of a token in seconds, without verifying it. */
function issuedAt(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { iat: number }).iat;
}

function request(token: string, profile: TokenRequest['profile'], later = 60): TokenRequest {
  return {
    profile,
    at: new Date((issuedAt(token) + later) * 1000),
    trust: { pkiRoots: HARDWARE_ROOTS, jwks: [{ issuer: GOOGLE_ISSUER, keys: historicKeys() }] }
  };
}

function failures(appraisal: Awaited<ReturnType<typeof verifyToken>>) {
  return appraisal.steps.filter(step => step.status === 'fail').map(step => step.code);
}

describe('tokens that Google signed', () => {
  testWithFixtures.each(REAL)('%s passes the profile “signature”', async (name, kind) => {
    const token = fixture(name);
    const appraisal = await verifyToken(token, request(token, 'signature'));
    expect(failures(appraisal)).toEqual([]);
    expect(appraisal).toMatchObject({ ok: true, kind, simulated: false });
    expect(appraisal.times?.issuedAt).toEqual(new Date(issuedAt(token) * 1000));
  });

  testWithFixtures('the production token of a TDX machine passes the profile “production”', async () => {
    const token = fixture(TDX);
    const base = request(token, 'production');
    const appraisal = await verifyToken(token, {
      ...base,
      expect: {
        audience: 'z08381475938604996746',
        nonces: ['75a91c8dbe289f190d5e70ab1cb70c93cc14d7243f0ef3ff5326a622ead220a6'],
        imageDigest: 'sha256:e2e5e3672f416ac9ca71aa639abf86db0b713729a48c125a925af6c808b20b5d',
        projectId: 'oak-examples-477357',
        zone: 'us-west1-b',
        serviceAccounts: ['724467010559-compute@developer.gserviceaccount.com'],
        args: ['/usr/local/bin/ctf_sha2'],
        env: {},
        hwmodels: ['GCP_INTEL_TDX'],
        maxAgeSeconds: 300
      }
    });
    expect(failures(appraisal)).toEqual([]);
    expect(appraisal.ok).toBe(true);
    expect(appraisal.steps.filter(step => step.status === 'not-asked').map(step => step.id)).toEqual([
      'gpu',
      'gpu-models'
    ]);
    expect(appraisal.claims?.tdx).toEqual({
      gcp_attester_tcb_status: 'UpToDate',
      gcp_attester_tcb_date: '2024-03-13T00:00:00Z'
    });
  });

  testWithFixtures.each(REAL.filter(([name]) => name !== TDX))(
    '%s does not pass the profile “production”, because it is from a debug image',
    async name => {
      const token = fixture(name);
      const appraisal = await verifyToken(token, request(token, 'production'));
      expect(failures(appraisal)).toEqual(['debug-enabled', 'not-stable']);
      expect(appraisal.claims?.dbgstat).toBe('enabled');
      expect(appraisal.claims && nonces(appraisal.claims)).toHaveLength(1);
    }
  );

  testWithFixtures.each(REAL)('%s is refused after it expires and before it is valid', async name => {
    const token = fixture(name);
    expect(failures(await verifyToken(token, request(token, 'signature', 3661)))).toEqual(['token-expired']);
    expect(failures(await verifyToken(token, request(token, 'signature', -61)))).toEqual([
      'token-not-yet-valid'
    ]);
  });

  testWithFixtures.each(REAL)('%s is refused if any part of it is changed', async name => {
    const token = fixture(name);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const debugOff = Buffer.from(payload, 'base64url').toString().replace('enabled', 'disabled-since-boot');
    const forged = [header, Buffer.from(`${debugOff} `).toString('base64url'), signature].join('.');
    expect(failures(await verifyToken(forged, request(token, 'signature')))).toEqual(['signature-invalid']);
    const otherSignature = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expect(failures(await verifyToken(otherSignature, request(token, 'signature')))).toEqual([
      'signature-invalid'
    ]);
  });

  testWithFixtures('the pinned root is the published one', () => {
    const { raw } = new X509Certificate(fixture('confidential_space_root.pem'));
    expect(HARDWARE_ROOTS).toEqual([{ ...pinned(raw), owner: 'Google' }]);
  });

  testWithFixtures('no token is accepted without trusted roots and keys', async () => {
    const [oidc, pki] = [fixture(OIDC), fixture(TDX)];
    const trust = { pkiRoots: [] };
    expect(failures(await verifyToken(oidc, { ...request(oidc, 'signature'), trust }))).toEqual([
      'key-unknown'
    ]);
    expect(failures(await verifyToken(pki, { ...request(pki, 'signature'), trust }))).toEqual([
      'root-unknown'
    ]);
  });
});
