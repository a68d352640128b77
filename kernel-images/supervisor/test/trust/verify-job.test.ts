import { AssetVersion } from '@clean-room/protocol/assets';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { Collaboration, Roster } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { verifyJob } from '../../src/trust/verify-job.js';
import { readOwnToken } from '../../src/trust/own-token.js';
import { makeToken } from '../support/authority.js';
import { NOW, makeWorld, type World, type WorldOptions } from '../support/world.js';

const refused = (code: string) => expect.objectContaining({ code });

/** Judges the job of a world, changed as an operator might. */
async function judge(options: WorldOptions, change: (world: World) => Partial<JobDocument> = () => ({})) {
  const world = await makeWorld(options);
  return verifyJob({ ...world.job, ...change(world) }, world.facts);
}

function first(world: World): JobDocument['assets'][number] {
  const [asset] = world.job.assets;
  if (asset === undefined) throw new Error('the world has no asset');
  return asset;
}

describe('a job', () => {
  test('is believed when every document is what the spec pins, in simulation and on hardware', async () => {
    const simulated = await judge({});
    expect(simulated.providers.map(({ party, rosterVersion }) => [party, rosterVersion])).toEqual([
      ['hospital', 4]
    ]);
    expect(simulated.terms.outputs.valuesPerRow).toBe(2);
    await expect(judge({ sealedFor: 'hardware' })).resolves.toMatchObject({
      assets: [{ pinned: { name: 'hospital/visits' } }]
    });
  });

  test('without assets needs no approval', async () => {
    const job = await judge({ withoutAssets: true });
    expect(job.providers).toEqual([]);
  });
});

describe('the operator can not pass off', () => {
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
      'a collaboration that one member did not sign',
      {},
      ({ collaborationValue, keys }) => ({
        collaboration: Collaboration.sign(collaborationValue, keys.hospital)
      }),
      'signature-invalid'
    ],
    [
      'an asset version signed by another',
      {},
      world => ({
        assets: [{ ...first(world), version: AssetVersion.sign(world.assetValue, world.keys.stranger) }]
      }),
      'signature-invalid'
    ],
    [
      'another version of the asset by the same custodian',
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
      'a laxer policy by the same custodian',
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
    ['no asset at all', {}, () => ({ assets: [] }), 'digest-mismatch'],
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
      'an approval for which nobody’s passkey answered',
      { sealedFor: 'hardware' },
      ({ approve }) => ({ approvals: [{ ...approve(), assertion: undefined } as never] }),
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
      'a kernel image that nobody knows the signer of',
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
      'a roster of the submitter that its party did not sign',
      {},
      ({ universityRoster, keys }) => ({ submitterRoster: Roster.sign(universityRoster, keys.hospital) }),
      'signature-invalid'
    ],
    [
      'a submitter who is no researcher',
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
    await expect(judge(options, change)).rejects.toEqual(refused(code));
  });

  test('an envelope with another payload under a good signature', async () => {
    const { job, facts, policyValue } = await makeWorld();
    const forged: Envelope = {
      ...job.assets[0]!.policy,
      payload: Buffer.from(Policy.write({ ...policyValue, version: 9 })).toString('base64')
    };
    const assets = [{ ...job.assets[0]!, policy: forged }];
    await expect(verifyJob({ ...job, assets }, facts)).rejects.toEqual(refused('signature-invalid'));
  });
});

describe('the rules of providers', () => {
  const cases: [string, WorldOptions, string][] = [
    ['an approval that has ended', { approval: { expires: '2026-11-20T12:00:00Z' } }, 'expired'],
    ['a policy that has ended', { policy: { validUntil: '2026-11-01T00:00:00Z' } }, 'expired'],
    ['more attempts than the policy grants', { approval: { attempts: 4 } }, 'approval-invalid'],
    ['an unattended approval on hardware', { sealedFor: 'hardware', unattended: true }, 'approval-invalid'],
    ['another purpose', { spec: { purpose: 'Marketing' } }, 'policy-refused'],
    [
      'a co-hosted custodian where the policy wants its own host',
      { policy: { coHosted: false } },
      'policy-refused'
    ],
    [
      'a development kernel image on hardware',
      { sealedFor: 'hardware', kernelImage: { development: true } },
      'policy-refused'
    ],
    ['a kernel image for other hardware', { kernelImage: { accelerator: 'gpu' } }, 'policy-refused'],
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
    await expect(judge(options)).rejects.toEqual(refused(code));
  });

  test('refuse a party that the policy is not open to', async () => {
    const world = await makeWorld();
    await expect(judge({ policy: { parties: [world.keys.stranger.publicKey] } })).rejects.toEqual(
      refused('policy-refused')
    );
  });

  test('refuse a listed kernel image of another digest', async () => {
    const world = await makeWorld();
    const kernelImages = { digests: [digestOf(utf8('older'))], signers: [world.keys.stranger.publicKey] };
    await expect(judge({ policy: { kernelImages } })).rejects.toEqual(refused('policy-refused'));
  });
});

describe('the machine', () => {
  const cases: [string, WorldOptions][] = [
    [
      'is a simulation, and the data is sealed for hardware',
      { sealedFor: 'hardware', machine: { simulated: true } }
    ],
    ['is hardware, and the data is sealed for simulation', { machine: { simulated: false } }],
    [
      'is a debug image',
      { sealedFor: 'hardware', machine: { change: payload => void (payload.dbgstat = 'enabled') } }
    ],
    [
      'restarts by itself',
      { machine: { change: payload => void (payload.submods.container.restart_policy = 'Always') } }
    ],
    ['does not satisfy the TEE rule', { machine: { change: payload => void (payload.swname = 'GCE') } }]
  ];

  test.each(cases)('is refused when it %s', async (_, options) => {
    await expect(judge(options)).rejects.toEqual(refused('attestation-refused'));
  });

  test('is refused when its root is not one of the policy’s', async () => {
    const roots = [{ kind: 'simulated' as const, certificate: digestOf(utf8('another root')) }];
    const tee = { rule: 'true', roots, sandboxProfiles: ['second-uid' as const] };
    await expect(judge({ policy: { tee } })).rejects.toEqual(refused('attestation-refused'));
  });
});

describe('the supervisor’s own token', () => {
  const order = { audience: 'clean-room:supervisor:v1', nonce: 'a'.repeat(43) };
  const machine = { image: digestOf(utf8('image')), issuedAt: NOW, simulated: true };

  test('tells image, time and kind of machine', () => {
    const own = readOwnToken(makeToken(order, machine), order);
    expect(own).toMatchObject({ image: machine.image, issuedAt: NOW.getTime() / 1000, simulated: true });
  });

  test.each([
    ['for another audience', { ...order, audience: 'https://sts.googleapis.com' }],
    ['with another nonce', { ...order, nonce: 'b'.repeat(43) }]
  ])('is refused %s', (_, other) => {
    expect(() => readOwnToken(makeToken(other, machine), order)).toThrow(refused('attestation-refused'));
  });

  test('is refused when it is no token', () => {
    expect(() => readOwnToken('<html>busy</html>', order)).toThrow(refused('attestation-refused'));
  });
});
