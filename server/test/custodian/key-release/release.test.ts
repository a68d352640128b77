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
import { revokeApprovals } from '../../../src/custodian/approvals/refuse.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { countAttempt } from '../../../src/custodian/key-release/attempts.js';
import { releaseKeys } from '../../../src/custodian/key-release/release.js';
import { readSigningKey } from '../../../src/custodian/keys/key-folder.js';
import { askForKeys, type Lies } from '../support/attempt.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let submission: string;

async function approved(attempts: number, ...sources: string[]): Promise<string> {
  const { id } = await world.submit(...sources);
  const said = await world.run(
    'approve',
    id,
    '--party',
    'hospital',
    '--without-passkey',
    '--attempts',
    String(attempts),
    '--json'
  );
  if (said.code !== 0) throw new Error(said.out + said.err);
  return id;
}

beforeAll(async () => {
  world = await DemoWorld.found();
  await world.start();
  await world.provision();
  context = world.custodian!.context;
  submission = await approved(3);
});
afterAll(() => world.stop());
beforeEach(() => {
  world.ahead = 0;
});

async function counted(): Promise<number> {
  return (await context.db.selectFrom('attempt').selectAll().execute()).length;
}

describe('an honest attempt', () => {
  it('gets the file keys of the approved asset versions, sealed to its own key', async () => {
    const { key, request, message } = await askForKeys(world, submission);
    const envelope = await releaseKeys(context, message);
    const { value } = KeyReleaseAnswer.open(envelope, context.keys.publicKey);
    expect(value).toMatchObject({ request: request.digest, attemptKey: key.publicKey, attempt: 1 });
    const [asset] = await context.registry.list();
    const fileKey = await openFileKey(value.assets[0]!.fileKey, key, request.digest, asset!.version.digest);
    const open = await openWithFileKey(fileKey, new Uint8Array(await readFile(asset!.sealedFile)));
    expect(Buffer.from(open.subarray(0, 4)).toString()).toBe('PAR1');
  });

  it('that asks again gets the same answer, and counts once', async () => {
    const { key, message } = await askForKeys(world, submission);
    const first = await releaseKeys(context, message);
    const before = await counted();
    expect(await releaseKeys(context, message)).toEqual(first);
    const anew = await askForKeys(world, submission, { key });
    const { value } = KeyReleaseAnswer.open(await releaseKeys(context, anew.message), context.keys.publicKey);
    expect(value.attempt).toBe(KeyReleaseAnswer.open(first, context.keys.publicKey).value.attempt);
    expect(await counted()).toBe(before);
  });
});

describe('a request is refused, and counts nothing,', () => {
  const other = digestOf(utf8('another'));
  const lies: [string, string, () => Lies | Promise<Lies>][] = [
    ['with a token for another request', 'attestation-refused', () => ({ nonce: 'A'.repeat(43) })],
    [
      'with a token for another custodian',
      'attestation-refused',
      () => ({ audience: `clean-room:custodian:v1:${generateSigningKey().publicKey}` })
    ],
    ['with the token of a run statement', 'attestation-refused', () => ({ audience: 'clean-room:run:v1' })],
    ['with a token of more than 300 seconds', 'attestation-refused', () => ({ age: 302 })],
    ['from another image', 'attestation-refused', () => ({ container: { imageDigest: other } })],
    [
      'from an image whose command was overridden',
      'attestation-refused',
      () => ({ container: { cmdOverride: ['/bin/sh'], args: ['/bin/sh'] } })
    ],
    [
      'from an image that was given arguments',
      'attestation-refused',
      () => ({ container: { args: ['/usr/lib/clean-room/node', '--inspect'] } })
    ],
    [
      'from an image that was given a variable',
      'attestation-refused',
      () => ({
        container: { env: { NODE_OPTIONS: '--inspect' }, envOverride: { NODE_OPTIONS: '--inspect' } }
      })
    ],
    [
      'with a token of another simulator',
      'attestation-refused',
      async () => ({ identity: await strangerIdentity() })
    ],
    [
      'for another custodian',
      'key-release-refused',
      () => ({ request: { custodian: generateSigningKey().publicKey } })
    ],
    ['for another image than was approved', 'key-release-refused', () => ({ request: { image: other } })],
    ['for another spec', 'key-release-refused', () => ({ request: { spec: other } })],
    ['for an approval that was never given', 'approval-missing', () => ({ request: { approval: other } })],
    [
      'with a roster from before the approval',
      'key-release-refused',
      () => ({ request: { rosterVersion: 0 } })
    ],
    [
      'with a log from before the approval',
      'key-release-refused',
      () => ({ request: { logHead: EMPTY_TREE_HEAD } })
    ],
    [
      'with the head of another log',
      'key-release-refused',
      async () => ({ request: { logHead: { size: (await context.log.head()).size, root: other } } })
    ],
    [
      'with a log that has entries nobody knows',
      'key-release-refused',
      () => ({ request: { logHead: { size: 100_000, root: other } } })
    ],
    ['that is no request', 'malformed', () => ({ message: { request: 'e30=' } })]
  ];

  it.each(lies)('%s', async (_what, code, lie) => {
    const before = await counted();
    const { message } = await askForKeys(world, submission, await lie());
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code });
    expect(await counted()).toBe(before);
  });

  it('with the token of another attempt', async () => {
    const honest = await askForKeys(world, submission);
    const thief = await askForKeys(world, submission, { message: { token: honest.message.token } });
    await expect(releaseKeys(context, thief.message)).rejects.toMatchObject({ code: 'attestation-refused' });
  });

  it('with an approval of another submission', async () => {
    const second = await approved(1, 'print("other")');
    const { message: otherMessage } = await askForKeys(world, second);
    const { message } = await askForKeys(world, submission, { message: { approval: otherMessage.approval } });
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('when the approval has ended', async () => {
    const { message } = await askForKeys(world, submission);
    world.ahead = 31 * 86_400_000;
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'expired' });
  });
});

describe('attempts', () => {
  it('are spent one by one, and then no further one gets keys', async () => {
    const id = await approved(2, 'print("twice")');
    for (const number of [1, 2]) {
      const { message } = await askForKeys(world, id);
      const { value } = KeyReleaseAnswer.open(await releaseKeys(context, message), context.keys.publicKey);
      expect(value.attempt).toBe(number);
    }
    const { message } = await askForKeys(world, id);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'attempts-spent' });
  });

  it('that ask at the same moment never get more than were allowed', async () => {
    const id = await approved(1, 'print("race")');
    const asked = await Promise.all(Array.from({ length: 5 }, () => askForKeys(world, id)));
    const outcomes = await Promise.allSettled(asked.map(({ message }) => releaseKeys(context, message)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('count when the custodian dies before it has answered: only that very attempt may ask on', async () => {
    const id = await approved(1, 'print("crash")');
    const { key, request, message } = await askForKeys(world, id);
    const record = await context.db
      .selectFrom('approval')
      .selectAll()
      .where('digest', '=', request.value.approval)
      .executeTakeFirstOrThrow();
    await countAttempt(context.db, record, key.publicKey, new Date()); // and here it died
    const late = await askForKeys(world, id);
    await expect(releaseKeys(context, late.message)).rejects.toMatchObject({ code: 'attempts-spent' });
    const { value } = KeyReleaseAnswer.open(await releaseKeys(context, message), context.keys.publicKey);
    expect(value.attempt).toBe(1);
  });
});

describe('an approval', () => {
  it('that was taken back releases nothing', async () => {
    const id = await approved(1, 'print("revoked")');
    const { message } = await askForKeys(world, id);
    expect(await revokeApprovals(context, id)).toBe(1);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('that was taken back through the coordinator releases nothing', async () => {
    const id = await approved(1, 'print("rejected")');
    const { message } = await askForKeys(world, id);
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

  // Last, since the roster stays as it is then.
  it('by somebody who has left the roster since releases nothing, whichever roster the attempt was shown', async () => {
    const { message } = await askForKeys(world, submission);
    const { config, rosters } = context;
    const root = await readSigningKey(world.layout.rootKey('hospital'));
    const known = await rosters.newest(config.party, config.rootKey);
    const next = { ...known!.roster, version: known!.roster.version + 1, people: [] };
    await rosters.learn(Roster.sign(next, root), config.party, config.rootKey);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
    await rosters.learn(known!.envelope, config.party, config.rootKey);
    await expect(releaseKeys(context, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });
});

let stranger: string | undefined;
async function strangerIdentity() {
  stranger ??= await mkdtemp(path.join(tmpdir(), 'clean-room-stranger-'));
  return openIdentity(stranger);
}
afterAll(async () => {
  if (stranger !== undefined) await rm(stranger, { recursive: true });
});
