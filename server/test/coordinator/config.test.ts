import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCoordinator, DEFAULT_LIMITS, type CoordinatorConfig } from '../../src/coordinator/start.js';
import { StillBackend } from '../support/backend.js';

/* What a coordinator does not start with. Every one of these would otherwise run on something nobody chose. */
describe('configurations that are refused', () => {
  let folder: string;
  let good: CoordinatorConfig;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-config-'));
    const secret = async (name: string): Promise<string> => {
      const file = path.join(folder, name);
      await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
      return file;
    };
    good = {
      mode: 'production',
      listen: { host: '127.0.0.1', port: 0 },
      logLevel: 'silent',
      // Nobody listens there: whatever is not refused ends as `unavailable`.
      database: 'postgres://nobody@127.0.0.1:1/none',
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
    startCoordinator(config, { backend: new StillBackend() }, 'clean-room.json');

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
  ])('one without `%s` names it', async setting => {
    const rest = Object.fromEntries(Object.entries(good).filter(([name]) => name !== setting));
    await expect(start(rest)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(new RegExp(`clean-room\\.json.*${setting}`, 's')),
      remedy: expect.any(String)
    });
  });

  test('a setting that there is not is named', async () => {
    await expect(start({ ...good, simulate: true })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('simulate')
    });
  });

  test.each(['', 'mock', 'test', 'Production'])('there is no mode “%s”', async mode => {
    await expect(start({ ...good, mode })).rejects.toMatchObject({ code: 'malformed' });
  });

  test.each(['', 'simulated', 'mock', 'none'])('there is no backend “%s”', async kind => {
    await expect(start({ ...good, backend: { kind, folder } })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('production never simulates a TEE', async () => {
    await expect(start(good)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('only simulates a TEE'),
      remedy: expect.any(String)
    });
  });

  test('a secret that is not there, too short, or open to others', async () => {
    const development = { ...good, mode: 'development' };
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

  test('a database that can not be reached is no reason to use another', async () => {
    await expect(start({ ...good, mode: 'development' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});
