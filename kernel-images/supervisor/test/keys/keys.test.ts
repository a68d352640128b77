import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import {
  KeyRequest,
  KeyReleaseAnswer,
  generateAttemptKey,
  keyRequestAudience,
  keyRequestNonce,
  sealFileKey
} from '@clean-room/protocol/key-release';
import { launcherAt } from '../../src/attestation/launcher.js';
import { obtainKeys, type ObtainKeysOptions } from '../../src/keys/obtain.js';
import { verifyJob } from '../../src/trust/verify-job.js';
import { JobServer } from '../support/job-server.js';
import { LauncherServer } from '../support/launcher-server.js';
import { makeWorld, type World } from '../support/world.js';

const RETRY = { totalMs: 1500, pollMs: 5 };
let world: World;
let server: JobServer;
let launcher: LauncherServer;
let options: ObtainKeysOptions;

beforeEach(async () => {
  world = await makeWorld();
  server = await JobServer.open(world);
  launcher = await LauncherServer.open(() => world.machine);
  options = {
    job: await verifyJob(world.job, world.facts),
    facts: world.facts,
    key: await generateAttemptKey(),
    launcher: launcherAt(launcher.socket),
    channel: server.registeredChannel(),
    retryPolicy: RETRY
  };
});
afterEach(async () => {
  await server.close();
  await launcher.close();
});

test('a request carries a token bound to the custodian and the request, and the released key opens', async () => {
  const released = await obtainKeys(options);
  expect(released.get('hospital')?.fileKeys.get(world.asset.digest)).toEqual(world.fileKey);
  const [message] = server.messages;
  const request = KeyRequest.read(fromBase64(message?.request ?? ''));
  expect(request.value).toMatchObject({
    image: world.machine.image,
    spec: world.spec.digest,
    sandboxProfile: 'second-uid',
    rosterVersion: 4,
    attemptKey: options.key.publicKey
  });
  expect(launcher.requests.at(-1)).toMatchObject({
    audience: keyRequestAudience(world.keys.custodian.publicKey),
    nonces: [keyRequestNonce(request)]
  });
});

test('waits for an answer despite temporary failures, and takes no tokens while it waits', async () => {
  let looks = 0;
  server.reply = async message => (++looks < 30 ? undefined : server.release(message));
  server.failures.set('POST /mailbox', [503]);
  server.failures.set('GET /mailbox', [0]);
  await obtainKeys(options);
  expect([server.messages.length, server.tokens.length, launcher.requests.length]).toEqual([1, 1, 1]);
});

test('takes a token only when the custodian asks, and another one when it asks again', async () => {
  let looks = 0;
  server.tokensWanted = () => (looks < 5 ? 0 : looks < 10 ? 1 : 2);
  const count = setInterval(() => looks++, 10);
  server.reply = async message => (server.tokens.length < 2 ? undefined : server.release(message));
  await obtainKeys(options);
  clearInterval(count);
  expect(server.tokens).toHaveLength(2);
  expect(launcher.requests).toHaveLength(2);
});

test('stops waiting for a custodian that does not answer', async () => {
  server.reply = async () => undefined;
  await expect(obtainKeys({ ...options, retryPolicy: { ...RETRY, totalMs: 300 } })).rejects.toMatchObject({
    code: 'key-release-refused'
  });
});

test('stops waiting after a refusal', async () => {
  server.reply = async () => ({ refused: 'attempts-spent' });
  await expect(obtainKeys(options)).rejects.toMatchObject({ code: 'key-release-refused' });
});

test('refuses a malformed reply', async () => {
  server.reply = async () => ({ answer: 'yes' }) as never;
  await expect(obtainKeys(options)).rejects.toMatchObject({ code: 'malformed' });
});

describe('an answer is refused', () => {
  const elsewhere = digestOf(utf8('elsewhere'));
  test.each<[string, Partial<KeyReleaseAnswer>]>([
    ['when it answers another request', { request: elsewhere }],
    ['when it is for another attempt', { attemptKey: `x25519:${'A'.repeat(43)}` }],
    ['when it counts more starts than were approved', { attempt: 2 }],
    [
      'when it contains a key of another asset',
      { assets: [{ version: elsewhere, fileKey: { encapsulated: '', ciphertext: '' } }] }
    ],
    ['when its key is sealed to another attempt key', {}]
  ])('%s', async (name, change) => {
    server.reply = async message => {
      if (name !== 'when its key is sealed to another attempt key') return server.release(message, change);
      const other = await generateAttemptKey();
      const fileKey = await sealFileKey(world.fileKey, other.publicKey, elsewhere, world.asset.digest);
      return server.release(message, { assets: [{ version: world.asset.digest, fileKey }] });
    };
    await expect(obtainKeys(options)).rejects.toMatchObject({ code: 'key-release-refused' });
  });

  test('when it has another signer', async () => {
    server.reply = async message => {
      const reply = await server.release(message);
      if (!('answer' in reply)) return reply;
      return {
        answer: KeyReleaseAnswer.sign(KeyReleaseAnswer.peek(reply.answer).value, world.keys.stranger)
      };
    };
    await expect(obtainKeys(options)).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('when a key in it has the wrong length', async () => {
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
    await expect(obtainKeys(options)).rejects.toMatchObject({ code: 'key-release-refused' });
  });
});
