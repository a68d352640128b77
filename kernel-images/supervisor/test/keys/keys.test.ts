import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import {
  KeyRequest,
  generateAttemptKey,
  keyRequestAudience,
  keyRequestNonce,
  sealFileKey,
  type KeyReleaseAnswer
} from '@clean-room/protocol/key-release';
import { KeyReleaseAnswer as Answer } from '@clean-room/protocol/key-release';
import { obtainKeys, type ObtainKeysOptions } from '../../src/keys/obtain.js';
import { launcherAt } from '../../src/launcher/launcher.js';
import { verifyJob } from '../../src/trust/verify-job.js';
import { JobServer } from '../support/job-server.js';
import { LauncherServer } from '../support/launcher-server.js';
import { makeWorld, type World } from '../support/world.js';

const HASTY = { totalMs: 1500, firstPollMs: 5, longestPollMs: 20, renewMs: 200 };
let world: World;
let server: JobServer;
let launcher: LauncherServer;
let errand: ObtainKeysOptions;

beforeEach(async () => {
  world = await makeWorld();
  server = await JobServer.open(world);
  launcher = await LauncherServer.open(() => world.machine);
  errand = {
    job: await verifyJob(world.job, world.facts),
    facts: world.facts,
    key: await generateAttemptKey(),
    launcher: launcherAt(launcher.socket),
    mailbox: `${server.address}/mailbox`,
    patience: HASTY
  };
});
afterEach(async () => {
  await server.close();
  await launcher.close();
});

test('a custodian is asked with a token bound to it and to the request, and its key opens', async () => {
  const released = await obtainKeys(errand);
  expect(released.get('hospital')?.fileKeys.get(world.asset.digest)).toEqual(world.fileKey);
  const [message] = server.messages;
  const request = KeyRequest.read(fromBase64(message?.request ?? ''));
  expect(request.value).toMatchObject({
    image: world.machine.image,
    spec: world.spec.digest,
    sandboxProfile: 'second-uid',
    rosterVersion: 4,
    attemptKey: errand.key.publicKey
  });
  expect(launcher.asked.at(-1)).toMatchObject({
    audience: keyRequestAudience(world.keys.custodian.publicKey),
    nonces: [keyRequestNonce(request)]
  });
});

test('an answer is waited for, through failures that pass, with a fresh token when the old one grows stale', async () => {
  let looks = 0;
  server.reply = async message => (++looks < 30 ? undefined : server.release(message));
  server.failures.set('POST /mailbox', [503]);
  await obtainKeys(errand);
  expect(server.messages.length).toBeGreaterThan(1);
  expect(new Set(server.messages.map(({ request }) => request)).size).toBe(1);
});

test('a silent custodian is not waited for for ever', async () => {
  server.reply = async () => undefined;
  await expect(obtainKeys({ ...errand, patience: { ...HASTY, totalMs: 300 } })).rejects.toMatchObject({
    code: 'key-release-refused'
  });
});

test('a refusal ends the waiting', async () => {
  server.reply = async () => ({ refused: 'attempts-spent' });
  await expect(obtainKeys(errand)).rejects.toMatchObject({ code: 'key-release-refused' });
});

test('a reply that is none is refused', async () => {
  server.reply = async () => ({ answer: 'yes' }) as never;
  await expect(obtainKeys(errand)).rejects.toMatchObject({ code: 'malformed' });
});

describe('an answer is refused', () => {
  const elsewhere = digestOf(utf8('elsewhere'));
  test.each<[string, Partial<KeyReleaseAnswer>]>([
    ['to another request', { request: elsewhere }],
    ['for another attempt', { attemptKey: `x25519:${'A'.repeat(43)}` }],
    ['beyond the attempts that were approved', { attempt: 2 }],
    [
      'with a key of another asset',
      { assets: [{ version: elsewhere, fileKey: { encapsulated: '', ciphertext: '' } }] }
    ],
    ['with a key that was sealed to nobody', {}]
  ])('%s', async (name, change) => {
    server.reply = async message => {
      if (name !== 'with a key that was sealed to nobody') return server.release(message, change);
      const other = await generateAttemptKey();
      const fileKey = await sealFileKey(world.fileKey, other.publicKey, elsewhere, world.asset.digest);
      return server.release(message, { assets: [{ version: world.asset.digest, fileKey }] });
    };
    await expect(obtainKeys(errand)).rejects.toMatchObject({ code: 'key-release-refused' });
  });

  test('when another signed it', async () => {
    server.reply = async message => {
      const reply = await server.release(message);
      if (!('answer' in reply)) return reply;
      return { answer: Answer.sign(Answer.peek(reply.answer).value, world.keys.stranger) };
    };
    await expect(obtainKeys(errand)).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('when a key in it is not as long as one', async () => {
    server.reply = async message => {
      const request = KeyRequest.read(fromBase64(message.request));
      const fileKey = await sealFileKey(
        new Uint8Array(8),
        request.value.attemptKey,
        request.digest,
        world.asset.digest
      );
      return server.release(message, { assets: [{ version: world.asset.digest, fileKey }] });
    };
    await expect(obtainKeys(errand)).rejects.toMatchObject({ code: 'key-release-refused' });
  });
});
