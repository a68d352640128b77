import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCoordinator, DEFAULT_LIMITS, type CoordinatorConfig } from '../../src/coordinator/start.js';
import { ManualBackend } from '../support/backend.js';

/* A coordinator must refuse these configurations. Otherwise it would start with unintended settings. */
describe('the configuration of the coordinator', () => {
  let folder: string;
  let valid: CoordinatorConfig;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-config-'));
    const secret = async (name: string): Promise<string> => {
      const file = path.join(folder, name);
      await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
      return file;
    };
    valid = {
      mode: 'production',
      listen: { host: '127.0.0.1', port: 0 },
      logLevel: 'silent',
      // No server listens on this port: a configuration that is accepted ends with `unavailable`.
      database: 'postgres://user@127.0.0.1:1/none',
      objects: `folder:${path.join(folder, 'objects')}`,
      images: path.join(folder, 'images'),
      kernelImages: [],
      logKeyFile: await secret('log.key'),
      jobSecretFile: await secret('job.secret'),
      authentication: {
        kind: 'jupyterhub',
        api: 'http://127.0.0.1:1/hub/api',
        service: 'clean-room',
        groups: {}
      },
      custodians: [],
      backend: { kind: 'local', folder: path.join(folder, 'attempts') },
      limits: DEFAULT_LIMITS
    };
  });
  afterAll(() => rm(folder, { recursive: true }));

  const start = (config: object) =>
    startCoordinator(config, { backend: new ManualBackend() }, 'clean-room.json');

  test.each<keyof CoordinatorConfig>([
    'mode',
    'listen',
    'logLevel',
    'database',
    'objects',
    'images',
    'kernelImages',
    'logKeyFile',
    'jobSecretFile',
    'authentication',
    'custodians',
    'backend',
    'limits'
  ])('is refused without `%s`, and the message names it', async setting => {
    const rest = Object.fromEntries(Object.entries(valid).filter(([name]) => name !== setting));
    await expect(start(rest)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(new RegExp(`clean-room\\.json.*${setting}`, 's')),
      remedy: expect.any(String)
    });
  });

  test('is refused with an unknown setting, and the message names it', async () => {
    await expect(start({ ...valid, simulate: true })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('simulate')
    });
  });

  test.each(['', 'mock', 'test', 'Production'])('is refused with the mode “%s”', async mode => {
    await expect(start({ ...valid, mode })).rejects.toMatchObject({ code: 'malformed' });
  });

  test.each(['', 'simulated', 'mock', 'none'])('is refused with the backend “%s”', async kind => {
    await expect(start({ ...valid, backend: { kind, folder } })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused in production with the local backend', async () => {
    await expect(start(valid)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('only simulates a TEE'),
      remedy: expect.any(String)
    });
  });

  test('is refused when a secret is missing, too short, or readable by other users', async () => {
    const development = { ...valid, mode: 'development' };
    const logKeyFile = path.join(folder, 'other.key');
    await expect(start({ ...development, logKeyFile })).rejects.toMatchObject({
      message: expect.stringContaining(logKeyFile)
    });
    await writeFile(logKeyFile, randomBytes(16).toString('base64url'), { mode: 0o600 });
    await expect(start({ ...development, logKeyFile })).rejects.toMatchObject({ code: 'malformed' });
    const open = path.join(folder, 'open.key');
    await writeFile(open, randomBytes(32).toString('base64url'), { mode: 0o644 });
    await expect(start({ ...development, logKeyFile: open })).rejects.toMatchObject({
      message: expect.stringContaining(open)
    });
  });

  test('is refused when the database cannot be reached', async () => {
    await expect(start({ ...valid, mode: 'development' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});
