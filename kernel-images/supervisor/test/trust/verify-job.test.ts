import { AssetVersion } from '@clean-room/protocol/assets';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { Collaboration, Roster } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { verifyJob } from '../../src/trust/verify-job.js';
import { readOwnToken } from '../../src/attestation/own-token.js';
import { makeToken } from '../support/authority.js';
import { NOW, makeWorld, type World, type WorldOptions } from '../support/world.js';

const refused = (code: string) => expect.objectContaining({ code }) as Error;

/** Verifies a job that was changed as a hostile operator could change it. */
async function verify(options: WorldOptions, change: (world: World) => Partial<JobDocument> = () => ({})) {
  const world = await makeWorld(options);
  return verifyJob({ ...world.job, ...change(world) }, world.facts);
}

function first(world: World): JobDocument['assets'][number] {
  const [asset] = world.job.assets;
  if (asset === undefined) throw new Error('the world has no asset');
  return asset;
}

describe('a job', () => {
  test('is accepted when every document is the one that the spec pins', async () => {
    const job = await verify({});
    expect(job.providers.map(({ party, rosterVersion }) => [party, rosterVersion])).toEqual([
      ['hospital', 4]
    ]);
    expect(job.terms.outputs.valuesPerRow).toBe(2);
  });

  test('is refused on hardware whose root is not compiled in, although the policy names the root', async () => {
    await expect(verify({ sealedFor: 'hardware' })).rejects.toMatchObject({
      code: 'attestation-refused',
      details: { code: 'root-unknown' }
    });
  });

  test('without assets needs no approval', async () => {
    const job = await verify({ withoutAssets: true });
    expect(job.providers).toEqual([]);
  });
});

describe('a job is refused if it contains', () => {
  const cases: [string, WorldOptions, (world: World) => Partial<JobDocument>, string][] = [
    [
      'another collaboration, signed by the same members',
      {},
      ({ collaborationValue, keys }) => ({
        collaboration: Collaboration.sign(
          { ...collaborationValue, title: 'Another' },
          keys.hospital,
          keys.university
        )
      }),
      'digest-mismatch'
    ],
    [
      'a collaboration without the signature of one member',
      {},
      ({ collaborationValue, keys }) => ({
        collaboration: Collaboration.sign(collaborationValue, keys.hospital)
      }),
      'signature-invalid'
    ],
    [
      'an asset version with another signer',
      {},
      world => ({
        assets: [{ ...first(world), version: AssetVersion.sign(world.assetValue, world.keys.stranger) }]
      }),
      'signature-invalid'
    ],
    [
      'another version of the asset, signed by the same custodian',
      {},
      world => ({
        assets: [
          {
            ...first(world),
            version: AssetVersion.sign({ ...world.assetValue, version: 2 }, world.keys.custodian)
          }
        ]
      }),
      'digest-mismatch'
    ],
    [
      'a less strict policy, signed by the same custodian',
      {},
      world => ({
        assets: [
          {
            ...first(world),
            policy: Policy.sign(
              { ...world.policyValue, outputs: { ...world.policyValue.outputs, valuesPerRow: 1000 } },
              world.keys.custodian
            )
          }
        ]
      }),
      'digest-mismatch'
    ],
    ['no asset', {}, () => ({ assets: [] }), 'digest-mismatch'],
    ['an asset twice', {}, world => ({ assets: [first(world), first(world)] }), 'digest-mismatch'],
    ['no approval', {}, () => ({ approvals: [] }), 'approval-missing'],
    ['an approval twice', {}, ({ approve }) => ({ approvals: [approve(), approve()] }), 'approval-invalid'],
    [
      'an approval of another spec',
      {},
      ({ approve, approvalValue }) => ({
        approvals: [approve({ ...approvalValue, spec: digestOf(utf8('other')) })]
      }),
      'approval-invalid'
    ],
    [
      'an approval of another image',
      {},
      ({ approve, approvalValue }) => ({
        approvals: [approve({ ...approvalValue, image: digestOf(utf8('other')) })]
      }),
      'approval-invalid'
    ],
    [
      'a roster with another custodian, signed by a stranger',
      {},
      ({ hospitalRoster, keys, approve }) => ({
        approvals: [{ ...approve(), roster: Roster.sign(hospitalRoster, keys.stranger) }]
      }),
      'signature-invalid'
    ],
    [
      'a custodian that the spec does not name',
      {},
      ({ hospitalRoster, keys, approve, approvalValue }) => ({
        approvals: [
          approve(approvalValue, {
            ...hospitalRoster,
            custodian: { ...hospitalRoster.custodian!, key: keys.stranger.publicKey }
          })
        ]
      }),
      'approval-invalid'
    ],
    [
      'an approval without a passkey assertion',
      { sealedFor: 'hardware' },
      ({ approve }) => {
        const { envelope, roster } = approve();
        return { approvals: [{ envelope, roster }] };
      },
      'approval-invalid'
    ],
    [
      'another kernel image',
      {},
      ({ job, keys }) => ({
        kernelImage: KernelImageStatement.sign(
          { ...KernelImageStatement.peek(job.kernelImage).value, digest: digestOf(utf8('other')) },
          keys.release
        )
      }),
      'digest-mismatch'
    ],
    [
      'a kernel image statement by a signer that no policy names',
      {},
      ({ job, keys }) => ({
        kernelImage: KernelImageStatement.sign(
          KernelImageStatement.peek(job.kernelImage).value,
          keys.stranger
        )
      }),
      'policy-refused'
    ],
    [
      'a submitter’s roster without the signature of its party',
      {},
      ({ universityRoster, keys }) => ({ submitterRoster: Roster.sign(universityRoster, keys.hospital) }),
      'signature-invalid'
    ],
    [
      'a roster that does not list the submitter as a researcher',
      {},
      ({ universityRoster, keys }) => ({
        submitterRoster: Roster.sign(
          {
            ...universityRoster,
            people: universityRoster.people.map(person => ({ ...person, roles: ['steward'] }))
          },
          keys.university
        )
      }),
      'forbidden'
    ],
    [
      'the roster of a party outside the collaboration',
      {},
      ({ universityRoster, keys }) => ({
        submitterRoster: Roster.sign(
          { ...universityRoster, party: 'other', rootKey: keys.stranger.publicKey },
          keys.stranger
        )
      }),
      'forbidden'
    ]
  ];

  test.each(cases)('%s', async (_, options, change, code) => {
    await expect(verify(options, change)).rejects.toEqual(refused(code));
  });

  test('an envelope whose payload does not match its signature', async () => {
    const { job, facts, policyValue } = await makeWorld();
    const forged: Envelope = {
      ...job.assets[0]!.policy,
      payload: Buffer.from(Policy.write({ ...policyValue, version: 9 })).toString('base64')
    };
    const assets = [{ ...job.assets[0]!, policy: forged }];
    await expect(verifyJob({ ...job, assets }, facts)).rejects.toEqual(refused('signature-invalid'));
  });
});

describe('the providers’ rules', () => {
  const cases: [string, WorldOptions, string][] = [
    ['an expired approval', { approval: { expires: '2026-11-20T12:00:00Z' } }, 'expired'],
    ['an expired policy', { policy: { validUntil: '2026-11-01T00:00:00Z' } }, 'expired'],
    ['more runs than the policy allows', { approval: { runs: 4 } }, 'approval-invalid'],
    ['more spare starts than the policy allows', { approval: { spareStarts: 2 } }, 'approval-invalid'],
    ['an unattended approval on hardware', { sealedFor: 'hardware', unattended: true }, 'approval-invalid'],
    ['another purpose', { spec: { purpose: 'Marketing' } }, 'policy-refused'],
    [
      'a co-hosted custodian when the policy requires its own host',
      { policy: { coHosted: false } },
      'policy-refused'
    ],
    [
      'a development kernel image on hardware',
      { sealedFor: 'hardware', kernelImage: { development: true } },
      'policy-refused'
    ],
    ['a kernel image for another accelerator', { kernelImage: { accelerator: 'gpu' } }, 'policy-refused'],
    [
      'a sandbox profile that the policy does not name',
      {
        policy: {
          tee: {
            rule: 'true',
            roots: [{ kind: 'simulated', certificate: digestOf(utf8('any')) }],
            sandboxProfiles: ['nested-namespace']
          }
        }
      },
      'policy-refused'
    ]
  ];

  test.each(cases)('refuse %s', async (_, options, code) => {
    await expect(verify(options)).rejects.toEqual(refused(code));
  });

  test('refuse a submitter’s party that the policy does not name', async () => {
    const world = await makeWorld();
    await expect(verify({ policy: { parties: [world.keys.stranger.publicKey] } })).rejects.toEqual(
      refused('policy-refused')
    );
  });

  test('refuse a kernel image that the policy does not list', async () => {
    const world = await makeWorld();
    const kernelImages = { digests: [digestOf(utf8('older'))], signers: [world.keys.stranger.publicKey] };
    await expect(verify({ policy: { kernelImages } })).rejects.toEqual(refused('policy-refused'));
  });
});

describe('the machine', () => {
  const cases: [string, WorldOptions][] = [
    [
      'is a simulation but the data is sealed for hardware',
      { sealedFor: 'hardware', machine: { simulated: true } }
    ],
    ['is hardware but the data is sealed for simulation', { machine: { simulated: false } }],
    [
      'runs a debug image',
      { sealedFor: 'hardware', machine: { change: payload => void (payload.dbgstat = 'enabled') } }
    ],
    [
      'restarts the container automatically',
      { machine: { change: payload => void (payload.submods.container.restart_policy = 'Always') } }
    ],
    ['does not satisfy the TEE rule', { machine: { change: payload => void (payload.swname = 'GCE') } }]
  ];

  test.each(cases)('is refused when it %s', async (_, options) => {
    await expect(verify(options)).rejects.toEqual(refused('attestation-refused'));
  });

  test('is refused when the policy does not name its root', async () => {
    const roots = [{ kind: 'simulated' as const, certificate: digestOf(utf8('another root')) }];
    const tee = { rule: 'true', roots, sandboxProfiles: ['second-uid' as const] };
    await expect(verify({ policy: { tee } })).rejects.toEqual(refused('attestation-refused'));
  });
});

describe('the supervisor’s own token', () => {
  const options = { audience: 'clean-room:supervisor:v1', nonce: 'a'.repeat(43) };
  const machine = { image: digestOf(utf8('image')), issuedAt: NOW, simulated: true };

  test('contains image, time and kind of machine', () => {
    const own = readOwnToken(makeToken(options, machine), options);
    expect(own).toMatchObject({ image: machine.image, issuedAt: NOW.getTime() / 1000, simulated: true });
  });

  test.each([
    ['for another audience', { ...options, audience: 'https://sts.googleapis.com' }],
    ['with another nonce', { ...options, nonce: 'b'.repeat(43) }]
  ])('is refused %s', (_, other) => {
    expect(() => readOwnToken(makeToken(other, machine), options)).toThrow(refused('attestation-refused'));
  });

  test('is refused when it is not a token', () => {
    expect(() => readOwnToken('<html>busy</html>', options)).toThrow(refused('attestation-refused'));
  });
});
