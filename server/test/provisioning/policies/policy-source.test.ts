import { describe, expect, it } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { satisfiesTeeRule } from '@clean-room/protocol/policies';
import {
  describePolicy,
  readPolicySource,
  type PolicyDeployment
} from '../../../src/provisioning/policies/policy-source.js';
import { POLICY_PRESETS } from '../../../src/provisioning/policies/presets.js';

const keys = {
  university: generateSigningKey(),
  hospital: generateSigningKey(),
  release: generateSigningKey()
};
const DEPLOYMENT: PolicyDeployment = {
  party: 'hospital',
  collaboration: {
    format: 'clean-room.collaboration/v1',
    name: 'demo',
    title: 'Demo',
    members: [
      { party: 'university', title: 'University', rootKey: keys.university.publicKey },
      { party: 'hospital', title: 'Hospital', rootKey: keys.hospital.publicKey }
    ],
    purposes: ['Research', 'Teaching'],
    ends: '2099-01-01T00:00:00Z'
  },
  kernelImages: [{ digest: digestOf(utf8('image')), signer: keys.release.publicKey }],
  trust: {
    format: 'clean-room.trust-roots/v1',
    parties: [],
    kernelImageSigners: [keys.release.publicKey],
    tee: [{ kind: 'simulated', certificate: digestOf(utf8('root')) }],
    logs: []
  },
  coHosted: false,
  rhoOf: async epsilon => `0.0${epsilon.replace('.', '')}`,
  now: new Date('2026-11-27T00:00:00Z')
};
const read = (text: string, changes: Partial<PolicyDeployment> = {}) =>
  readPolicySource(utf8(text), { ...DEPLOYMENT, ...changes });

describe('a policy of a preset', () => {
  it('is complete with the name of the preset only', async () => {
    const { policy } = await read('preset: health-research');
    expect(policy).toMatchObject({
      parties: ['university'],
      purposes: ['Research', 'Teaching'],
      validUntil: '2027-11-27T00:00:00Z',
      kernelImages: { digests: [digestOf(utf8('image'))], signers: [keys.release.publicKey] },
      tee: { roots: [{ kind: 'simulated' }] },
      outputs: { valuesPerRow: 2, review: 'none' },
      coHosted: false
    });
    expect(policy.privacy).toEqual({ rho: '0.120582428912', epsilon: '3', delta: '0.000000001' });
  });

  it('keeps what the provider writes, and takes the rest from the preset', async () => {
    const { policy } = await read(`
      preset: advertising-measurement
      purposes: [Teaching]
      run: { runs: 2 }
      outputs:
        valuesPerRow: 1
      epsilon: 0.5`);
    expect(policy.purposes).toEqual(['Teaching']);
    expect(policy.run).toMatchObject({ runs: 2, wallSeconds: 1800 });
    expect(policy.outputs).toMatchObject({ valuesPerRow: 1, bytesPerOutput: 262_144 });
    expect(policy.privacy).toEqual({ rho: '0.005', epsilon: '0.5', delta: '0.000000001' });
  });

  it('requires a production machine if the trust roots name hardware, and then names no simulator', async () => {
    const hardware = { kind: 'hardware' as const, certificate: digestOf(utf8('Google')) };
    const trust = { ...DEPLOYMENT.trust, tee: [...DEPLOYMENT.trust.tee, hardware] };
    const { tee } = (await read('preset: open-data', { trust })).policy;
    expect(tee.roots).toEqual([hardware]);
    const claims = {
      swname: 'CONFIDENTIAL_SPACE',
      hwmodel: 'GCP_INTEL_TDX',
      dbgstat: 'disabled-since-boot',
      submods: { confidential_space: { support_attributes: ['USABLE', 'STABLE', 'LATEST'] } }
    };
    expect(satisfiesTeeRule(tee.rule, claims)).toBe(true);
    for (const change of [
      { dbgstat: 'enabled' },
      { hwmodel: 'SIMULATED' },
      { swname: 'GCE' },
      { submods: { confidential_space: { support_attributes: ['USABLE'] } } }
    ]) {
      expect(satisfiesTeeRule(tee.rule, { ...claims, ...change })).toBe(false);
    }
  });

  it.each([...POLICY_PRESETS.keys()])('%s is explained, and described line by line', async name => {
    const lines = describePolicy(await read(`preset: ${name}`));
    expect(lines[0]).toContain('Stand-ins may spend ε');
    expect(lines.join('\n')).toContain('researchers of university');
    expect(lines.join('\n')).toContain('SIMULATED only');
  });

  it.each<[string, string, Partial<PolicyDeployment>, RegExp]>([
    ['an unknown preset', 'preset: secret', {}, /no policy preset named "secret"/],
    [
      'an unknown field',
      'preset: open-data\nreveiw: none',
      {},
      /policy file does not have the expected form/
    ],
    ['a wrong value', 'preset: open-data\nrun: { runs: many }', {}, /\/run\/runs/],
    ['a file that is not YAML', 'preset: [', {}, /neither YAML nor JSON/],
    ['a field that occurs twice', 'preset: open-data\npreset: open-data', {}, /neither YAML nor JSON/],
    ['an alias', 'preset: &a open-data\npurposes: [*a]', {}, /neither YAML nor JSON/],
    ['a deployment without kernel images', 'preset: open-data', { kernelImages: [] }, /no kernel image/],
    [
      'trust roots without a TEE',
      'preset: open-data',
      { trust: { ...DEPLOYMENT.trust, tee: [] } },
      /name no TEE/
    ],
    ['an incomplete policy without preset', 'purposes: [Teaching]', {}, /policy file does not have/]
  ])('is refused for %s', async (_what, text, changes, message) => {
    await expect(read(text, changes)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(message)
    });
  });
});
