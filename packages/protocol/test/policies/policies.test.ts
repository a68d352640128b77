import { HARDWARE_ROOTS } from '../../src/attestation/hardware-roots.js';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { strictestTerms } from '../../src/policies/strictest.js';
import { attestationTrust } from '../../src/policies/tee-roots.js';
import { satisfiesTeeRule } from '../../src/policies/tee-rule.js';
import { makeWorld } from '../support/world.js';
import { describe, expect, it } from '@jest/globals';

describe('the roots of a policy', () => {
  it('are trusted if they are compiled in or of simulators; other hardware roots are not', () => {
    const [google] = HARDWARE_ROOTS;
    const other = digestOf(utf8('another root'));
    const { pkiRoots } = attestationTrust([
      { kind: 'hardware', certificate: google.sha256 },
      { kind: 'hardware', certificate: other },
      { kind: 'simulated', certificate: other }
    ]);
    expect(pkiRoots).toEqual([
      { sha256: google.sha256, kind: 'hardware' },
      { sha256: other, kind: 'simulated' }
    ]);
  });
});

describe('a TEE rule', () => {
  const claims = {
    hwmodel: 'GCP_INTEL_TDX',
    secboot: true,
    submods: { container: { image_digest: 'sha256:1' } }
  };

  it.each([
    ["assertion.hwmodel == 'GCP_INTEL_TDX' && assertion.secboot", true],
    ["assertion.submods.container.image_digest in ['sha256:1']", true],
    ["assertion.hwmodel == 'GCP_AMD_SEV'", false],
    ['assertion.missing.claim == true', false],
    ['assertion.hwmodel', false],
    ['1', false],
    ["'true'", false],
    [
      '!has(assertion.submods.container.cmd_override) || size(assertion.submods.container.cmd_override) == 0',
      true
    ]
  ])('%s is %s', (rule, expected) => {
    expect(satisfiesTeeRule(rule, claims)).toBe(expected);
  });

  it('is an error when it does not parse', () => {
    expect(() => satisfiesTeeRule('assertion.hwmodel ==', claims)).toThrow(/not valid CEL/);
  });

  it('evaluates a regular expression in linear time', () => {
    // A backtracking engine needs minutes for this expression.
    expect(satisfiesTeeRule("assertion.hwmodel.matches('^(a+)+$')", { hwmodel: `${'a'.repeat(40)}!` })).toBe(
      false
    );
  });
});

describe('the terms of several policies', () => {
  const { policyValue } = makeWorld();

  it('are the strictest limits and the intersections of the lists', () => {
    const other = {
      ...policyValue,
      run: { ...policyValue.run, wallSeconds: 60, timeGridSeconds: 3600 },
      outputs: {
        ...policyValue.outputs,
        mimeTypes: ['text/plain'],
        review: 'person' as const,
        valuesPerRow: 1
      },
      tee: { ...policyValue.tee, sandboxProfiles: ['second-uid' as const] }
    };
    expect(strictestTerms([policyValue, other])).toMatchObject({
      run: { wallSeconds: 60, timeGridSeconds: 3600 },
      outputs: { mimeTypes: ['text/plain'], review: 'person', valuesPerRow: 1 },
      sandboxProfiles: ['second-uid']
    });
  });

  it('do not exist when the policies have no sandbox profile in common', () => {
    const profiles = (profile: 'second-uid' | 'nested-namespace') => ({
      ...policyValue,
      tee: { ...policyValue.tee, sandboxProfiles: [profile] }
    });
    expect(() => strictestTerms([profiles('second-uid'), profiles('nested-namespace')])).toThrow(
      /no sandbox profile in common/
    );
  });
});
