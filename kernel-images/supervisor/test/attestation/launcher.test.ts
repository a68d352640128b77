import { launcherAt } from '../../src/launcher/launcher.js';
import { LauncherServer } from '../support/launcher-server.js';
import { IMAGE, NOW } from '../support/world.js';

const ORDER = { audience: 'clean-room:run:v1', nonce: 'n'.repeat(43) };
const HASTY = { totalMs: 300, firstDelayMs: 5, longestDelayMs: 20 };
let server: LauncherServer;

beforeEach(async () => {
  server = await LauncherServer.open(() => ({ image: IMAGE, issuedAt: NOW, simulated: true }));
});
afterEach(() => server.close());

test('a PKI token is asked for with audience and nonce', async () => {
  const token = await launcherAt(server.socket, HASTY).token(ORDER);
  expect(token.split('.')).toHaveLength(3);
  expect(server.asked).toEqual([{ audience: ORDER.audience, token_type: 'PKI', nonces: [ORDER.nonce] }]);
});

test('a busy service is asked again', async () => {
  server.failures.push([500, 'quota'], [503, 'busy']);
  await expect(launcherAt(server.socket, HASTY).token(ORDER)).resolves.toContain('.');
});

test('a refusal is final', async () => {
  server.failures.push([400, 'failed to parse POST body as TokenOptions']);
  await expect(launcherAt(server.socket, HASTY).token(ORDER)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
  expect(server.asked).toHaveLength(0);
});

test('patience ends', async () => {
  server.failures.push(...Array.from({ length: 200 }, (): [number, string] => [500, 'down']));
  await expect(launcherAt(server.socket, HASTY).token(ORDER)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});

test('without a launcher there is no token', async () => {
  await expect(launcherAt('/tmp/no-such-socket', HASTY).token(ORDER)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});

test('more than any token is refused', async () => {
  server.failures.push([200, 'x'.repeat(40_000)]);
  await expect(launcherAt(server.socket, HASTY).token(ORDER)).rejects.toMatchObject({
    code: 'attestation-refused'
  });
});
