import { describe, expect, it } from '@jest/globals';
import type { Approval } from '../../src/approvals/approval.js';
import { verifyApproval } from '../../src/approvals/verify.js';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { Approval as ApprovalDocument } from '../../src/approvals/approval.js';
import { Roster, type Custodian, type Roster as RosterValue } from '../../src/parties/roster.js';
import { makeWorld } from '../support/world.js';
import { SoftPasskey, type AssertionChanges } from '../support/passkey.js';

/** Matches an error whose message gives the reason. */
const invalid = (reason: RegExp) => expect.objectContaining({ message: expect.stringMatching(reason) });

describe('an approval', () => {
  it('is valid when custodian, roster, passkey and all digests are those of the spec', () => {
    const world = makeWorld();
    expect(verifyApproval(world.bundle(world.approvalValue), 'hospital', world.context).value.runs).toBe(1);
  });

  const other = digestOf(utf8('something else'));
  it.each<[string, Partial<Approval>, RegExp]>([
    ['another image', { image: other }, /another image/],
    ['another spec', { spec: other }, /another spec/],
    [
      'another asset version',
      { assets: [{ name: 'hospital/visits', version: other, policy: other }] },
      /other assets/
    ],
    ['another provider', { provider: 'university' }, /another provider/],
    ['a reviewer who is not in the roster', { reviewer: 'mallory' }, /reviewer is not in the roster/],
    ['a period that has ended', { expires: '2026-11-20T12:00:00Z' }, /expired/]
  ])('is refused for %s', (_name, change, reason) => {
    const world = makeWorld();
    const bundle = world.bundle({ ...world.approvalValue, ...change });
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(invalid(reason));
  });

  it('is refused when another key than the one in the spec signed it', () => {
    const world = makeWorld();
    const forged = ApprovalDocument.sign(world.approvalValue, generateSigningKey());
    const bundle = { ...world.bundle(world.approvalValue), envelope: forged };
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(invalid(/not signed by/));
  });

  it('is refused with a roster that the party’s root key did not sign', () => {
    const world = makeWorld();
    const forged = Roster.sign(world.rosterValue, world.keys.university);
    const bundle = { ...world.bundle(world.approvalValue), roster: forged };
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(invalid(/not signed by/));
  });

  it('is refused with a roster that names another custodian', () => {
    const world = makeWorld();
    const custodian = { ...world.rosterValue.custodian!, key: generateSigningKey().publicKey };
    const bundle = world.bundle(world.approvalValue, { ...world.rosterValue, custodian });
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(
      invalid(/custodian is not the one/)
    );
  });

  it('is refused when the person is not a reviewer', () => {
    const world = makeWorld();
    const people = world.rosterValue.people.map(person => ({ ...person, roles: ['steward' as const] }));
    const roster: RosterValue = { ...world.rosterValue, people };
    const bundle = world.bundle(world.approvalValue, roster);
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(
      invalid(/reviewer is not in the roster/)
    );
  });

  it('is refused without a passkey assertion', () => {
    const world = makeWorld();
    const { envelope, roster } = world.bundle(world.approvalValue);
    expect(() => verifyApproval({ envelope, roster }, 'hospital', world.context)).toThrow(
      invalid(/no passkey assertion/)
    );
  });

  it('is refused with a passkey that is not in the roster', () => {
    const world = makeWorld();
    const bundle = world.bundle(world.approvalValue);
    const stranger = new SoftPasskey('hospital.localhost', 'http://hospital.localhost:8080');
    const forged = { ...bundle, assertion: stranger.assertOver(bundle.envelope) };
    expect(() => verifyApproval(forged, 'hospital', world.context)).toThrow(invalid(/not in the roster/));
  });

  it('is refused with another key’s signature under the id of a listed passkey', () => {
    const world = makeWorld();
    const bundle = world.bundle(world.approvalValue);
    const stranger = new SoftPasskey('hospital.localhost', 'http://hospital.localhost:8080');
    const assertion = {
      ...stranger.assertOver(bundle.envelope),
      credentialId: world.passkey.listed().credentialId
    };
    expect(() => verifyApproval({ ...bundle, assertion }, 'hospital', world.context)).toThrow(
      invalid(/not by the listed passkey/)
    );
  });

  it.each<[string, AssertionChanges, RegExp]>([
    ['for another challenge', { challenge: 'AAAA' }, /other bytes/],
    ['made on another origin', { origin: 'http://university.localhost:8080' }, /another origin/],
    ['made on another port', { origin: 'http://hospital.localhost:9999' }, /another origin/],
    ['made in a frame of another origin', { crossOrigin: true }, /frame/],
    ['of a registration', { type: 'webauthn.create' }, /not an assertion/],
    ['for another relying party', { relyingParty: 'localhost' }, /relying party/],
    ['without a person present', { flags: 0x04 }, /no person/],
    ['without the person verified', { flags: 0x01 }, /not verified/]
  ])('is refused with an assertion %s', (_name, changes, reason) => {
    const world = makeWorld();
    const bundle = world.bundle(world.approvalValue);
    const assertion = world.passkey.assertOver(bundle.envelope, changes);
    expect(() => verifyApproval({ ...bundle, assertion }, 'hospital', world.context)).toThrow(
      invalid(reason)
    );
  });

  it('may be unattended only for data sealed for simulation', () => {
    const simulated = makeWorld();
    const bundle = simulated.bundle({ ...simulated.approvalValue, unattended: true });
    expect(verifyApproval(bundle, 'hospital', simulated.context).value.unattended).toBe(true);

    const real = makeWorld({ sealedFor: 'hardware' });
    const refused = real.bundle({ ...real.approvalValue, unattended: true });
    expect(() => verifyApproval(refused, 'hospital', real.context)).toThrow(
      invalid(/not sealed for simulation/)
    );
    expect(() => verifyApproval(refused, 'hospital', { ...real.context, assets: [] })).toThrow(
      invalid(/not sealed for simulation/)
    );
  });

  it.each<[string, Partial<Custodian>, Partial<Approval>, RegExp]>([
    ['by a demo custodian', { demo: true }, { demo: true }, /is a demo, and the data is not sealed/],
    [
      'by a co-hosted custodian',
      { hosting: 'co-hosted' },
      { coHosted: true },
      /is co-hosted with the coordinator, and the data is not sealed/
    ]
  ])('%s is valid only for data sealed for simulation', (_name, custodian, marks, reason) => {
    const honest = { hosting: 'own', demo: false } as const;
    for (const sealedFor of ['simulation', 'hardware'] as const) {
      const world = makeWorld({ sealedFor, custodian: { ...honest, ...custodian } });
      const bundle = world.bundle({ ...world.approvalValue, demo: false, coHosted: false, ...marks });
      const verify = () => verifyApproval(bundle, 'hospital', world.context);
      if (sealedFor === 'simulation') expect(verify().value).toMatchObject(marks);
      else expect(verify).toThrow(invalid(reason));
    }
  });

  it.each<[string, Partial<Approval>]>([
    ['that its custodian is a demo', { demo: false }],
    ['that its custodian is co-hosted', { coHosted: false }]
  ])('is refused if it conceals %s', (_name, marks) => {
    const world = makeWorld();
    const bundle = world.bundle({ ...world.approvalValue, ...marks });
    expect(() => verifyApproval(bundle, 'hospital', world.context)).toThrow(
      invalid(/describes the custodian differently/)
    );
  });

  it('is refused under another collaboration', () => {
    const world = makeWorld();
    const elsewhere = makeWorld();
    const context = { ...world.context, collaboration: elsewhere.collaboration };
    expect(() => verifyApproval(world.bundle(world.approvalValue), 'hospital', context)).toThrow(
      invalid(/collaboration is not the one/)
    );
  });
});
