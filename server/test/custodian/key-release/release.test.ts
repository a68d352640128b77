import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openIdentity } from '@clean-room/simulator';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import { KeyReleaseAnswer, openFileKey } from '@clean-room/protocol/key-release';
import { Roster } from '@clean-room/protocol/parties';
import { openWithFileKey } from '@clean-room/protocol/sealing';
import { revokeApprovals } from '../../../src/custodian/approvals/reject.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { countAttempt } from '../../../src/custodian/key-release/attempts.js';
import { releaseKeys } from '../../../src/custodian/key-release/release.js';
import { readSigningKey } from '../../../src/custodian/keys/key-folder.js';
import { createKeyRequest, type Tampering } from '../support/attempt.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let submission: string;

/** Submits a notebook and approves it for a number of runs. */
async function submitApproved(runs: number, ...sources: string[]): Promise<string> {
  const { id } = await world.submit(...sources);
  const output = await world.run(
    'approve',
    id,
    '--party',
    'hospital',
    '--without-passkey',
    '--runs',
    String(runs),
    '--json'
  );
  if (output.code !== 0) throw new Error(output.out + output.err);
  return id;
}

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await world.provision();
  context = world.custodian!.context;
  submission = await submitApproved(3);
});
afterAll(() => world.stop());
beforeEach(() => {
  world.clockOffsetMs = 0;
});

/** Returns the number of attempts that were counted, for all approvals. */
async function countedAttempts(): Promise<number> {
  return (await context.db.selectFrom('attempt').selectAll().execute()).length;
}

describe('an honest attempt', () => {
  it('receives the file keys of the approved asset versions, sealed to its own key', async () => {
    const { key, request, message } = await createKeyRequest(world, submission);
    const envelope = await releaseKeys(context, message);
    const { value } = KeyReleaseAnswer.open(envelope, context.keys.publicKey);
    expect(value).toMatchObject({ request: request.digest, attemptKey: key.publicKey, attempt: 1 });
    const [asset] = await context.registry.list();
    const fileKey = await openFileKey(value.assets[0]!.fileKey, key, request.digest, asset!.version.digest);
    const open = await openWithFileKey(fileKey, new Uint8Array(await readFile(asset!.sealedFile)));
    expect(Buffer.from(open.subarray(0, 4)).toString()).toBe('PAR1');
  });

  it('receives the same answer when it asks again, and is counted once', async () => {
    const { key, message } = await createKeyRequest(world, submission);
    const first = await releaseKeys(context, message);
    const before = await countedAttempts();
    expect(await releaseKeys(context, message)).toEqual(first);
    const again = await createKeyRequest(world, submission, { key });
    const { value } = KeyReleaseAnswer.open(
      await releaseKeys(context, again.message),
      context.keys.publicKey
    );
    expect(value.attempt).toBe(KeyReleaseAnswer.open(first, context.keys.publicKey).value.attempt);
    expect(await countedAttempts()).toBe(before);
  });
});

describe('a key request is refused without being counted', () => {
  const other = digestOf(utf8('another'));
  const cases: [string, string, () => Tampering | Promise<Tampering>][] = [
    ['with a token for another request', 'attestation-refused', () => ({ nonce: 'A'.repeat(43) })],
    [
      'with a token for another custodian',
      'attestation-refused',
      () => ({ audience: `clean-room:custodian:v1:${generateSigningKey().publicKey}` })
    ],
    ['with the token of a run statement', 'attestation-refused', () => ({ audience: 'clean-room:run:v1' })],
    ['with a token that is older than 300 seconds', 'attestation-refused', () => ({ age: 302 })],
    ['from another image', 'attestation-refused', () => ({ container: { imageDigest: other } })],
    [
      'from an image with an overridden command',
      'attestation-refused',
      () => ({ container: { cmdOverride: ['/bin/sh'], args: ['/bin/sh'] } })
    ],
    [
      'from an image with additional arguments',
      'attestation-refused',
      () => ({ container: { args: ['/usr/lib/clean-room/node', '--inspect'] } })
    ],
    [
      'from an image with an additional environment variable',
      'attestation-refused',
      () => ({
        container: { env: { NODE_OPTIONS: '--inspect' }, envOverride: { NODE_OPTIONS: '--inspect' } }
      })
    ],
    [
      'with a token of another simulator',
      'attestation-refused',
      async () => ({ identity: await otherSimulator() })
    ],
    [
      'for another custodian',
      'key-release-refused',
      () => ({ request: { custodian: generateSigningKey().publicKey } })
    ],
    [
      'for an image other than the approved one',
      'key-release-refused',
      () => ({ request: { image: other } })
    ],
    ['for another spec', 'key-release-refused', () => ({ request: { spec: other } })],
    ['for an approval that was never given', 'approval-missing', () => ({ request: { approval: other } })],
    [
      'with a roster that is older than the approval',
      'key-release-refused',
      () => ({ request: { rosterVersion: 0 } })
    ],
    [
      'with a log that is older than the approval',
      'key-release-refused',
      () => ({ request: { logHead: EMPTY_TREE_HEAD } })
    ],
    [
      'with the head of another log',
      'key-release-refused',
      async () => ({ request: { logHead: { size: (await context.log.head()).size, root: other } } })
    ],
    [
      'with a log that has unknown entries',
      'key-release-refused',
      () => ({ request: { logHead: { size: 100_000, root: other } } })
    ],
    ['that is not a key request', 'malformed', () => ({ message: { request: 'e30=' } })]
  ];

  it.each(cases)('%s', async (_description, code, tamper) => {
    const before = await countedAttempts();
    const { message } = await createKeyRequest(world, submission, await tamper());
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code });
    expect(await countedAttempts()).toBe(before);
  });

  it('with the token of another attempt', async () => {
    const honest = await createKeyRequest(world, submission);
    const dishonest = await createKeyRequest(world, submission, { message: { token: honest.message.token } });
    await expect(releaseKeys(context, dishonest.message)).rejects.toMatchObject({
      code: 'attestation-refused'
    });
  });

  it('with an approval of another submission', async () => {
    const second = await submitApproved(1, 'print("other")');
    const { message: otherMessage } = await createKeyRequest(world, second);
    const { message } = await createKeyRequest(world, submission, {
      message: { approval: otherMessage.approval }
    });
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('after the approval has expired', async () => {
    const { message } = await createKeyRequest(world, submission);
    world.clockOffsetMs = 31 * 86_400_000;
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'expired' });
  });
});

describe('the number of attempts', () => {
  it('is limited: no further attempt receives keys once all are used', async () => {
    const id = await submitApproved(2, 'print("twice")');
    for (const number of [1, 2]) {
      const { message } = await createKeyRequest(world, id);
      const { value } = KeyReleaseAnswer.open(await releaseKeys(context, message), context.keys.publicKey);
      expect(value.attempt).toBe(number);
    }
    const { message } = await createKeyRequest(world, id);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'attempts-spent' });
  });

  it('is limited for attempts that ask at the same time', async () => {
    const id = await submitApproved(1, 'print("race")');
    const requests = await Promise.all(Array.from({ length: 5 }, () => createKeyRequest(world, id)));
    const outcomes = await Promise.allSettled(requests.map(({ message }) => releaseKeys(context, message)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('includes an attempt that was counted before the custodian crashed, and only that attempt may ask again', async () => {
    const id = await submitApproved(1, 'print("crash")');
    const { key, request, message } = await createKeyRequest(world, id);
    const record = await context.db
      .selectFrom('approval')
      .selectAll()
      .where('digest', '=', request.value.approval)
      .executeTakeFirstOrThrow();
    await countAttempt(context.db, record, key.publicKey, new Date()); // The custodian crashes here.
    const late = await createKeyRequest(world, id);
    await expect(releaseKeys(context, late.message)).rejects.toMatchObject({ code: 'attempts-spent' });
    const { value } = KeyReleaseAnswer.open(await releaseKeys(context, message), context.keys.publicKey);
    expect(value.attempt).toBe(1);
  });
});

describe('an approval', () => {
  it('that was revoked releases no keys', async () => {
    const id = await submitApproved(1, 'print("revoked")');
    const { message } = await createKeyRequest(world, id);
    expect(await revokeApprovals(context, id)).toBe(1);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('that was revoked through the coordinator releases no keys', async () => {
    const id = await submitApproved(1, 'print("rejected")');
    const { message } = await createKeyRequest(world, id);
    await world.run('reject', id, '--party', 'hospital', '--reason', 'On second thoughts, no.', '--json');
    const isRevoked = async () => {
      const rows = await context.db
        .selectFrom('approval')
        .select('revoked_at')
        .where('submission', '=', id)
        .execute();
      return rows.every(({ revoked_at }) => revoked_at !== null);
    };
    for (let tries = 0; tries < 100 && !(await isRevoked()); tries++)
      await new Promise(done => setTimeout(done, 100));
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  // This test is the last one, because it changes the roster.
  it('by a person who has left the roster releases no keys, even if the attempt was shown an older roster', async () => {
    const { message } = await createKeyRequest(world, submission);
    const { config, rosters } = context;
    const root = await readSigningKey(world.layout.rootKey('hospital'));
    const known = await rosters.newest(config.party, config.rootKey);
    const next = { ...known!.roster, version: known!.roster.version + 1, people: [] };
    await rosters.store(Roster.sign(next, root), config.party, config.rootKey);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
    await rosters.store(known!.envelope, config.party, config.rootKey);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });
});

let otherFolder: string | undefined;
async function otherSimulator() {
  otherFolder ??= await mkdtemp(path.join(tmpdir(), 'clean-room-other-simulator-'));
  return openIdentity(otherFolder);
}
afterAll(async () => {
  if (otherFolder !== undefined) await rm(otherFolder, { recursive: true });
});
