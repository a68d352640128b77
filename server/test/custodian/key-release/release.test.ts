import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openIdentity } from '@clean-room/simulator';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { fromTimestamp, generateSigningKey, type Envelope } from '@clean-room/protocol/documents';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import {
  KeyReleaseAnswer,
  KeyReleaseReady,
  openFileKey,
  READY_SECONDS
} from '@clean-room/protocol/key-release';
import { Roster } from '@clean-room/protocol/parties';
import { openWithFileKey } from '@clean-room/protocol/sealing';
import { revokeApprovals } from '../../../src/custodian/approvals/reject.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { countAttempt } from '../../../src/custodian/key-release/attempts.js';
import { nextStep, type KeyReleaseStep } from '../../../src/custodian/key-release/release.js';
import { readSigningKey } from '../../../src/custodian/keys/key-folder.js';
import { createKeyRequest, releaseKeys, type SentKeyRequest, type Tampering } from '../support/attempt.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let submission: string;

/** Submits a notebook and approves it for a number of runs. */
async function submitApproved(runs: number, ...sources: string[]): Promise<string> {
  const { id } = await world.submit(...sources);
  await world.approve(id, 'hospital', runs);
  return id;
}

/** Returns the first step of a custodian that has received a request with its token. */
function stepFor({ message, token }: SentKeyRequest): Promise<KeyReleaseStep> {
  return nextStep(context, { message, token, tokensWanted: 1, ready: [] });
}

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await world.provision();
  context = world.custodian('hospital').context;
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
    const sent = await createKeyRequest(world, submission);
    const { key, request } = sent;
    const envelope = await releaseKeys(context, sent);
    const { value } = KeyReleaseAnswer.open(envelope, context.keys.publicKey);
    expect(value).toMatchObject({ request: request.digest, attemptKey: key.publicKey, attempt: 1 });
    const [asset] = await context.registry.list();
    const fileKey = await openFileKey(value.assets[0]!.fileKey, key, request.digest, asset!.version.digest);
    const { stream } = await context.objects.get(asset!.version.value.sealed.digest);
    const open = await openWithFileKey(fileKey, new Uint8Array(await buffer(stream)));
    expect(Buffer.from(open.subarray(0, 4)).toString()).toBe('PAR1');
  });

  it('receives the same answer when it asks again, and is counted once', async () => {
    const sent = await createKeyRequest(world, submission);
    const first = await releaseKeys(context, sent);
    const before = await countedAttempts();
    expect(await stepFor(sent)).toEqual({ answer: first });
    const again = await createKeyRequest(world, submission, { key: sent.key });
    const { value } = KeyReleaseAnswer.open(await releaseKeys(context, again), context.keys.publicKey);
    expect(value.attempt).toBe(KeyReleaseAnswer.open(first, context.keys.publicKey).value.attempt);
    expect(await countedAttempts()).toBe(before);
  });

  it('is asked for a token once, and again only when that token is too old', async () => {
    const { message, token } = await createKeyRequest(world, submission);
    expect(await nextStep(context, { message, tokensWanted: 0, ready: [] })).toEqual({ tokensWanted: 1 });
    expect(await nextStep(context, { message, tokensWanted: 1, ready: [] })).toEqual({ wait: true });
    const old = await createKeyRequest(world, submission, { age: 302 });
    expect(await stepFor(old)).toEqual({ tokensWanted: 2 });
    expect(await nextStep(context, { message, token, tokensWanted: 1, ready: [] })).toHaveProperty('ready');
  });

  it('is declared ready once, for ten minutes at most', async () => {
    const sent = await createKeyRequest(world, submission);
    const step = await stepFor(sent);
    expect(await stepFor(sent)).toEqual(step);
    const { value } = KeyReleaseReady.open((step as { ready: Envelope }).ready, context.keys.publicKey);
    expect(value).toMatchObject({ spec: sent.request.value.spec, attemptKey: sent.key.publicKey });
    const seconds = (fromTimestamp(value.expires).getTime() - Date.now()) / 1000;
    expect(seconds).toBeLessThanOrEqual(READY_SECONDS);
    expect(seconds).toBeGreaterThan(READY_SECONDS - 60);
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
    const sent = await createKeyRequest(world, submission, await tamper());
    await expect(stepFor(sent)).rejects.toMatchObject({ code });
    expect(await countedAttempts()).toBe(before);
  });

  it('with the token of another attempt', async () => {
    const honest = await createKeyRequest(world, submission);
    const dishonest = { ...(await createKeyRequest(world, submission)), token: honest.token };
    await expect(stepFor(dishonest)).rejects.toMatchObject({
      code: 'attestation-refused'
    });
  });

  it('with an approval of another submission', async () => {
    const second = await submitApproved(1, 'print("other")');
    const { message: otherMessage } = await createKeyRequest(world, second);
    const sent = await createKeyRequest(world, submission, {
      message: { approval: otherMessage.approval }
    });
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('after the approval has expired', async () => {
    const sent = await createKeyRequest(world, submission);
    world.clockOffsetMs = 31 * 86_400_000;
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'expired' });
  });
});

describe('the number of attempts', () => {
  it('is limited: no further attempt receives keys once all are used', async () => {
    const id = await submitApproved(2, 'print("twice")');
    for (const number of [1, 2]) {
      const sent = await createKeyRequest(world, id);
      const { value } = KeyReleaseAnswer.open(await releaseKeys(context, sent), context.keys.publicKey);
      expect(value.attempt).toBe(number);
    }
    const sent = await createKeyRequest(world, id);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'attempts-spent' });
  });

  it('is limited for attempts that ask at the same time', async () => {
    const id = await submitApproved(1, 'print("race")');
    const requests = await Promise.all(Array.from({ length: 5 }, () => createKeyRequest(world, id)));
    const outcomes = await Promise.allSettled(requests.map(sent => releaseKeys(context, sent)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('includes an attempt that was counted before the custodian crashed, and only that attempt may ask again', async () => {
    const id = await submitApproved(1, 'print("crash")');
    const sent = await createKeyRequest(world, id);
    const { key, request } = sent;
    const record = await context.db
      .selectFrom('approval')
      .selectAll()
      .where('digest', '=', request.value.approval)
      .executeTakeFirstOrThrow();
    await countAttempt(context.db, record, key.publicKey, new Date()); // The custodian crashes here.
    const late = await createKeyRequest(world, id);
    await expect(releaseKeys(context, late)).rejects.toMatchObject({ code: 'attempts-spent' });
    const { value } = KeyReleaseAnswer.open(await releaseKeys(context, sent), context.keys.publicKey);
    expect(value.attempt).toBe(1);
  });
});

describe('an approval', () => {
  it('that was revoked releases no keys', async () => {
    const id = await submitApproved(1, 'print("revoked")');
    const sent = await createKeyRequest(world, id);
    expect(await revokeApprovals(context, id)).toBe(1);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('that was revoked after the release does not give the stored answer again', async () => {
    const id = await submitApproved(1, 'print("revoked later")');
    const sent = await createKeyRequest(world, id);
    await releaseKeys(context, sent);
    await revokeApprovals(context, id);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('that was revoked after the custodian declared itself ready releases no keys', async () => {
    const id = await submitApproved(1, 'print("revoked in between")');
    const sent = await createKeyRequest(world, id);
    const { ready } = (await stepFor(sent)) as { ready: Envelope };
    await revokeApprovals(context, id);
    await expect(nextStep(context, { ...sent, tokensWanted: 1, ready: [ready] })).rejects.toMatchObject({
      code: 'approval-invalid'
    });
  });

  it('that was revoked through the coordinator releases no keys', async () => {
    const id = await submitApproved(1, 'print("rejected")');
    const sent = await createKeyRequest(world, id);
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
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  // This test is the last one, because it changes the roster.
  it('by a person who has left the roster releases no keys, even if the attempt was shown an older roster', async () => {
    const sent = await createKeyRequest(world, submission);
    const { config, rosters } = context;
    const root = await readSigningKey(world.layout.rootKey('hospital'));
    const known = await rosters.newest(config.party, config.rootKey);
    const next = { ...known!.roster, version: known!.roster.version + 1, people: [] };
    await rosters.store(Roster.sign(next, root), config.party, config.rootKey);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
    await rosters.store(known!.envelope, config.party, config.rootKey);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'approval-invalid' });
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
