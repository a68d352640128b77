import { launcherAt } from '../../src/attestation/launcher.js';
import { LauncherServer } from '../support/launcher-server.js';
import { IMAGE, NOW } from '../support/world.js';

const OPTIONS = { audience: 'clean-room:run:v1', nonce: 'n'.repeat(43) };
const RETRY = { totalMs: 300, firstDelayMs: 5, longestDelayMs: 20 };
let server: LauncherServer;

beforeEach(async () => {
  server = await LauncherServer.open(() => ({ image: IMAGE, issuedAt: NOW, simulated: true }));
});
afterEach(() => server.close());

test('requests a PKI token with audience and nonce', async () => {
  const token = await launcherAt(server.socket, RETRY).token(OPTIONS);
  expect(token.split('.')).toHaveLength(3);
  expect(server.requests).toEqual([
    { audience: OPTIONS.audience, token_type: 'PKI', nonces: [OPTIONS.nonce] }
  ]);
});

test('retries when the service is busy', async () => {
  server.failures.push([500, 'quota'], [503, 'busy']);
  await expect(launcherAt(server.socket, RETRY).token(OPTIONS)).resolves.toContain('.');
});

test('does not retry after a refusal', async () => {
  server.failures.push([400, 'failed to parse POST body as TokenOptions']);
  await expect(launcherAt(server.socket, RETRY).token(OPTIONS)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
  expect(server.requests).toHaveLength(0);
});

test('stops retrying after the total time', async () => {
  server.failures.push(...Array.from({ length: 200 }, (): [number, string] => [500, 'down']));
  await expect(launcherAt(server.socket, RETRY).token(OPTIONS)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});

test('fails without a launcher', async () => {
  await expect(launcherAt('/tmp/no-such-socket', RETRY).token(OPTIONS)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});

test('refuses an answer that is longer than any token', async () => {
  server.failures.push([200, 'x'.repeat(40_000)]);
  await expect(launcherAt(server.socket, RETRY).token(OPTIONS)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});
