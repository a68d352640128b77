import { describe, expect, it } from '@jest/globals';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import type { Policy } from '../../src/policies/policy.js';
import { requireTerms, type PolicyFacts } from '../../src/policies/terms.js';
import { makeWorld, NOW } from '../support/world.js';

const { policyValue, collaboration, keys } = makeWorld();
const FACTS: PolicyFacts = {
  collaboration,
  party: keys.university.publicKey,
  purpose: 'Cost of chronic illness',
  kernelImage: policyValue.kernelImages.digests[0]!,
  hosting: 'co-hosted',
  at: NOW
};
const another = digestOf(utf8('another'));

const collaborationWith = (changes: Partial<typeof collaboration.value>): PolicyFacts['collaboration'] => ({
  digest: collaboration.digest,
  value: { ...collaboration.value, ...changes }
});

describe('the terms of a policy', () => {
  it('allow a submission that satisfies all of them', () => {
    expect(() => requireTerms(policyValue, FACTS)).not.toThrow();
  });

  it.each<[string, Partial<Policy>, Partial<PolicyFacts>, string, RegExp]>([
    [
      'in another collaboration',
      {},
      { collaboration: { ...collaboration, digest: another } },
      'policy-refused',
      /another collaboration/
    ],
    [
      'in a collaboration without the provider',
      {},
      { collaboration: collaborationWith({ members: collaboration.value.members.slice(1) }) },
      'policy-refused',
      /hospital is not a member/
    ],
    ['of another party', {}, { party: generateSigningKey().publicKey }, 'policy-refused', /your party/],
    [
      'for a purpose that the policy does not list',
      {},
      { purpose: 'Marketing' },
      'policy-refused',
      /purpose/
    ],
    [
      'for a purpose that the collaboration does not list',
      {},
      { collaboration: collaborationWith({ purposes: ['Teaching'] }) },
      'policy-refused',
      /purpose/
    ],
    ['on another kernel image', {}, { kernelImage: another }, 'policy-refused', /kernel image/],
    ['with a co-hosted custodian', { coHosted: false }, {}, 'policy-refused', /share a host/],
    [
      'after the end of the policy',
      { validUntil: '2020-01-01T00:00:00Z' },
      {},
      'expired',
      /expired on 2020-01-01/
    ],
    [
      'after the end of the collaboration',
      {},
      { collaboration: collaborationWith({ ends: '2020-01-01T00:00:00Z' }) },
      'expired',
      /expired on 2020-01-01/
    ]
  ])('do not allow a submission %s', (_what, policy, facts, code, message) => {
    const refused = expect(() => requireTerms({ ...policyValue, ...policy }, { ...FACTS, ...facts }));
    refused.toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
