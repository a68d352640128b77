import { describe, expect, test } from '@jest/globals';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { openIdentity } from '../../src/issuer/identity.js';
import { TokenIssuer } from '../../src/issuer/token-issuer.js';
import { verifyToken } from '@clean-room/protocol/attestation';
import { SUBJECT } from '../support/subject.js';
import { workspace } from '../support/workspace.js';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-03-01T12:00:00Z');
const root = workspace();
const folder = join(root, 'identity');

describe('a simulator’s identity', () => {
  test('is created once, even if it is opened several times at once', async () => {
    const opened = await Promise.all([openIdentity(folder, NOW), openIdentity(folder, NOW)]);
    const again = await openIdentity(folder, NOW);
    expect(new Set([...opened, again].map(({ root: { sha256 } }) => sha256)).size).toBe(1);
    expect(new Set([...opened, again].map(({ x5c }) => x5c.join())).size).toBe(1);
    expect(readdirSync(root)).toEqual(['identity']);
  });

  test('has keys that only their owner can read', () => {
    const keys = readdirSync(folder).filter(name => name.endsWith('-key.pem'));
    expect(keys.sort()).toEqual(['intermediate-key.pem', 'leaf-key.pem', 'oidc-key.pem', 'root-key.pem']);
    for (const name of keys) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('is marked as simulated in every certificate', async () => {
    const { x5c } = await openIdentity(folder, NOW);
    const certificates = x5c.map(entry => new X509Certificate(Buffer.from(entry, 'base64')));
    for (const certificate of certificates) expect(certificate.subject).toContain('SIMULATED');
    expect(certificates.map(certificate => certificate.ca)).toEqual([false, true, true]);
    expect(certificates[1]?.keyUsage).toEqual(['2.23.133.8.1']);
  });

  test('renews expiring certificates, keeps its root, and its tokens stay valid', async () => {
    const before = await openIdentity(folder, NOW);
    for (const days of [30, 45, 900, 1060]) {
      const at = new Date(NOW.getTime() + days * DAY_MS);
      const identity = await openIdentity(folder, at);
      expect(identity.root).toEqual(before.root);
      const ends = identity.x5c.map(entry => new X509Certificate(Buffer.from(entry, 'base64')).validToDate);
      expect(Math.min(...ends.map(Number)) - at.getTime()).toBeGreaterThan(20 * DAY_MS);
      const issuer = new TokenIssuer(identity, SUBJECT, () => at);
      const token = await issuer.issue({ kind: 'pki', audience: 'a', nonces: [] });
      const trust = { pkiRoots: [before.root] };
      const verdict = await verifyToken(token, { profile: 'production', at, trust, acceptSimulator: true });
      expect(verdict.steps.filter(step => step.status === 'fail')).toEqual([]);
    }
  });

  test('is not used if it has expired or is damaged', async () => {
    const end = new Date(NOW.getTime() + 4000 * DAY_MS);
    await expect(openIdentity(folder, end)).rejects.toMatchObject({ code: 'expired' });
    writeFileSync(join(folder, 'leaf.pem'), 'nonsense');
    await expect(openIdentity(folder, NOW)).rejects.toMatchObject({ code: 'malformed' });
  });
});
