import { describe, expect, test } from '@jest/globals';
import { createHash, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { StepCode } from '../../src/attestation/steps.js';
import { verifyToken } from '../../src/attestation/verify.js';
import {
  CA,
  CERT_SIGN,
  chainPlan,
  leafKey,
  makeChain,
  makeKey,
  NO_CA,
  NOW,
  pinned,
  pkiHeader,
  productionPayload,
  signToken,
  type ChainPlan
} from './support/authority.js';

const GOOD = makeChain();

/** Verifies a token with a chain, signed by the usual key of the leaf. Returns the code of the first step that fails. */
async function failureOf(chain: readonly Buffer[], options: { at?: Date; root?: Buffer } = {}) {
  const token = signToken(pkiHeader(chain), productionPayload(), leafKey());
  const appraisal = await verifyToken(token, {
    profile: 'signature',
    at: options.at ?? NOW,
    trust: { pkiRoots: [pinned(options.root ?? chain[2] ?? Buffer.alloc(0))] }
  });
  return appraisal.steps.find(step => step.status === 'fail')?.code;
}

/** Verifies a chain with node:crypto. */
function oracle(chain: readonly Buffer[], at = NOW): boolean {
  try {
    const [leaf, intermediate, root] = chain.map(der => new X509Certificate(der));
    if (leaf === undefined || intermediate === undefined || root === undefined) return false;
    const inTime = [leaf, intermediate, root].every(
      ({ validFromDate, validToDate }) => at >= validFromDate && at <= validToDate
    );
    const issued = (below: X509Certificate, above: X509Certificate) =>
      below.checkIssued(above) && below.verify(above.publicKey);
    const allowedToIssue = !leaf.ca && intermediate.ca && root.ca;
    return inTime && allowedToIssue && issued(leaf, intermediate) && issued(intermediate, root);
  } catch {
    return false;
  }
}

/** Makes a chain with a change in its plan. */
function planned(change: (plan: ChainPlan) => void): [Buffer, Buffer, Buffer] {
  const plan = chainPlan();
  change(plan);
  return makeChain(plan);
}

const later = new Date('2026-06-01');
const earlier = new Date('2026-01-01');
const critical = { id: '1.3.6.1.4.1.11129.1', critical: true, value: '\x05\x00' };
const constraints = (value: string) => ({ id: '2.5.29.19', critical: true, value });

type Case = [string, StepCode, (plan: ChainPlan) => void];

const BROKEN: Case[] = [
  ['expired leaf', 'certificate-expired', p => (p.leaf.to = earlier)],
  ['expired intermediate', 'certificate-expired', p => (p.intermediate.to = earlier)],
  ['expired root', 'certificate-expired', p => (p.root.to = earlier)],
  ['leaf that is not valid yet', 'certificate-not-yet-valid', p => (p.leaf.from = later)],
  ['intermediate that is not valid yet', 'certificate-not-yet-valid', p => (p.intermediate.from = later)],
  ['root that is not valid yet', 'certificate-not-yet-valid', p => (p.root.from = later)],
  ['leaf that is a CA', 'leaf-is-ca', p => (p.leaf.extensions = [CA, CERT_SIGN])],
  ['intermediate that is not a CA', 'not-a-ca', p => (p.intermediate.extensions = [NO_CA])],
  ['intermediate without constraints', 'not-a-ca', p => (p.intermediate.extensions = [])],
  ['root that is not a CA', 'not-a-ca', p => (p.root.extensions = [NO_CA])],
  [
    'intermediate that may only sign lists',
    'certificate-usage',
    p => (p.intermediate.extensions = [CA, { name: 'keyUsage', critical: true, cRLSign: true }])
  ],
  [
    'root that may only sign data',
    'certificate-usage',
    p => (p.root.extensions = [CA, { name: 'keyUsage', critical: true, digitalSignature: true }])
  ],
  [
    'basic constraints twice, the second time as CA',
    'certificate-extension',
    p => p.leaf.extensions.push(constraints('\x30\x03\x01\x01\xff'))
  ],
  [
    'unreadable basic constraints',
    'certificate-malformed',
    p => (p.leaf.extensions = [constraints('\x30\x05\x01')])
  ],
  ['leaf that names another issuer', 'chain-broken', p => (p.leaf.issuer = 'Confidential Space Other CA')],
  ['intermediate that names another issuer', 'chain-broken', p => (p.intermediate.issuer = 'Root')],
  [
    'leaf that names another key of its issuer',
    'chain-broken',
    p => p.leaf.extensions.push({ name: 'authorityKeyIdentifier', keyIdentifier: 'x'.repeat(20) })
  ],
  [
    'leaf that names another serial of its issuer',
    'chain-broken',
    p => p.leaf.extensions.push({ name: 'authorityKeyIdentifier', serialNumber: '0777' })
  ],
  ['leaf signed by itself', 'chain-signature', p => (p.leaf.signer = p.leaf.key)],
  ['leaf signed by the root', 'chain-signature', p => (p.leaf.signer = p.root.key)],
  ['intermediate signed by itself', 'chain-signature', p => (p.intermediate.signer = p.intermediate.key)]
];

/** Chains that node:crypto accepts. */
const STRICTER: Case[] = [
  ['intermediate without a key usage', 'certificate-usage', p => (p.intermediate.extensions = [CA])],
  [
    'leaf that may only encrypt',
    'certificate-usage',
    p => p.leaf.extensions.push({ name: 'keyUsage', keyEncipherment: true })
  ],
  [
    'root that allows no intermediate',
    'path-length',
    p => (p.root.extensions = [{ ...CA, pathLenConstraint: 0 }, CERT_SIGN])
  ],
  ['unknown critical extension in the leaf', 'certificate-extension', p => p.leaf.extensions.push(critical)],
  [
    'unknown critical extension in the intermediate',
    'certificate-extension',
    p => p.intermediate.extensions.push(critical)
  ],
  [
    'critical name constraints',
    'certificate-extension',
    p => p.intermediate.extensions.push({ id: '2.5.29.30', critical: true, value: '\x30\x00' })
  ],
  ['SHA-1 under the leaf', 'certificate-algorithm', p => (p.leaf.digest = () => forge.md.sha1.create())],
  [
    'SHA-1 under the intermediate',
    'certificate-algorithm',
    p => (p.intermediate.digest = () => forge.md.sha1.create())
  ],
  ['leaf key of 1024 bits', 'certificate-key', p => (p.leaf.key = weak)],
  ['leaf key with exponent 3', 'certificate-key', p => (p.leaf.key = exponentThree)]
];
const weak = makeKey(1024);
const exponentThree = makeKey(2048, 3);

describe('the verification of chains, compared with node:crypto', () => {
  test('both accept a valid chain', async () => {
    expect(await failureOf(GOOD)).toBeUndefined();
    expect(oracle(GOOD)).toBe(true);
  });

  test.each(BROKEN)('both refuse: %s (%s)', async (_, code, change) => {
    const chain = planned(change);
    expect(oracle(chain)).toBe(false);
    expect(await failureOf(chain)).toBe(code);
  });

  test.each(STRICTER)('only this verification refuses: %s (%s)', async (_, code, change) => {
    const chain = planned(change);
    expect(oracle(chain)).toBe(true);
    expect(await failureOf(chain)).toBe(code);
  });

  test.each<[string, (plan: ChainPlan) => void]>([
    ['SHA-384', p => (p.leaf.digest = () => forge.md.sha384.create())],
    ['SHA-512', p => (p.intermediate.digest = () => forge.md.sha512.create())],
    [
      'a leaf without extensions but a key identifier',
      p => (p.leaf.extensions = [{ name: 'subjectKeyIdentifier' }])
    ],
    [
      'a leaf that may sign',
      p => p.leaf.extensions.push({ name: 'keyUsage', critical: true, digitalSignature: true })
    ],
    ['a path length of one', p => (p.root.extensions = [{ ...CA, pathLenConstraint: 1 }, CERT_SIGN])],
    [
      'a path length of zero below it',
      p => (p.intermediate.extensions = [{ ...CA, pathLenConstraint: 0 }, CERT_SIGN])
    ],
    [
      'an unknown extension that is not critical',
      p => p.leaf.extensions.push({ ...critical, critical: false })
    ],
    ['times after 2049', p => (p.root.to = new Date('2060-01-01'))]
  ])('both accept %s', async (_, change) => {
    const chain = planned(change);
    expect(oracle(chain)).toBe(true);
    expect(await failureOf(chain)).toBeUndefined();
  });

  test('both have the same time of expiry', async () => {
    const end = new Date('2027-01-01T00:00:00Z');
    const after = new Date(end.getTime() + 1000);
    expect([oracle(GOOD, end), oracle(GOOD, after)]).toEqual([true, false]);
    expect(await failureOf(GOOD, { at: after })).toBe('certificate-expired');
    expect(await failureOf(GOOD, { at: end })).not.toBe('certificate-expired');
  });

  const other = makeChain(chainPlan({ leaf: leafKey(), intermediate: makeKey(), root: makeKey() }));

  test.each<[string, readonly Buffer[], StepCode]>([
    ['leaf and intermediate swapped', [GOOD[1], GOOD[0], GOOD[2]], 'leaf-is-ca'],
    ['reverse order', [GOOD[2], GOOD[1], GOOD[0]], 'root-unknown'],
    ['intermediate and root swapped', [GOOD[0], GOOD[2], GOOD[1]], 'root-unknown'],
    ['a root of the same name', other, 'root-unknown'],
    ['leaf of another authority', [other[0], GOOD[1], GOOD[2]], 'chain-signature'],
    ['intermediate of another authority', [other[0], other[1], GOOD[2]], 'chain-signature'],
    ['a leaf that issues a leaf', [makeChain(issuedByLeaf())[0], GOOD[0], GOOD[2]], 'not-a-ca'],
    ['the root as its own intermediate', [GOOD[0], GOOD[2], GOOD[2]], 'chain-broken']
  ])('both refuse: %s', async (_, chain, code) => {
    expect(await failureOf(chain, { root: GOOD[2] })).toBe(code);
    const rooted = createHash('sha256')
      .update(chain[2] ?? '')
      .digest('hex');
    expect(oracle(chain) && rooted === createHash('sha256').update(GOOD[2]).digest('hex')).toBe(false);
  });

  function issuedByLeaf(): ChainPlan {
    const plan = chainPlan();
    plan.leaf.issuer = plan.leaf.subject;
    plan.leaf.signer = plan.leaf.key;
    return plan;
  }

  test('400 chains with a changed, missing or added byte are accepted only if node:crypto accepts them', async () => {
    const random = sequence(20260301);
    const tally = { accepted: 0, refused: 0 };
    for (let round = 0; round < 400; round++) {
      const victim = random(3);
      const chain = GOOD.map((der, index) => (index === victim ? mutate(der, random) : der));
      const code = await failureOf(chain);
      if (code === undefined) {
        tally.accepted++;
        expect({ round, victim, oracle: oracle(chain) }).toEqual({ round, victim, oracle: true });
      } else tally.refused++;
    }
    // Some bytes of the root (its own signature) are not part of what is verified; here the changed root is the pinned one.
    expect(tally.refused).toBeGreaterThan(250);
    expect(tally.accepted).toBeGreaterThan(0);
  });
});

/** Changes, removes or adds a byte. */
function mutate(der: Buffer, random: (below: number) => number): Buffer {
  const at = random(der.length);
  const [before, after] = [der.subarray(0, at), der.subarray(at + 1)];
  const byte = Buffer.of(random(256));
  switch (random(3)) {
    case 0:
      return Buffer.concat([before, Buffer.of((der[at] ?? 0) ^ (1 << random(8))), after]);
    case 1:
      return Buffer.concat([before, after]);
    default:
      return Buffer.concat([before, byte, der.subarray(at)]);
  }
}

/** Returns a generator of numbers that depend only on the seed (an LCG), so that a failure can be reproduced. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('a text that is not a certificate, or has bytes after it, is refused', async () => {
  const token = (x5c: string[]) => signToken({ ...pkiHeader(GOOD), x5c }, productionPayload());
  const [leaf, intermediate, root] = GOOD.map(der => der.toString('base64')) as [string, string, string];
  const trailing = Buffer.concat([GOOD[0], Buffer.of(0)]).toString('base64');
  const request = { profile: 'signature', at: NOW, trust: { pkiRoots: [pinned(GOOD[2])] } } as const;
  for (const bad of [
    '',
    'AAAA',
    '!!!',
    trailing,
    leaf.slice(0, 40),
    `${leaf}\n`,
    `-----BEGIN CERTIFICATE-----\n${leaf}`
  ]) {
    const { steps } = await verifyToken(token([bad, intermediate, root]), request);
    expect(steps.find(step => step.status === 'fail')?.code).toBe('certificate-malformed');
  }
});
