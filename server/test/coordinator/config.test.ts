import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCoordinator, type CoordinatorConfig } from '../../src/coordinator/start.js';
import { checkCoordinatorConfig } from '../../src/coordinator/config.js';
import { ManualBackend } from '../support/backend.js';
import { CLOUD_BACKEND, commonConfig, registryImages } from '../support/production-config.js';

/* A coordinator must refuse these configurations. Otherwise it would start with unintended settings. */
describe('the configuration of the coordinator', () => {
  let folder: string;
  let valid: CoordinatorConfig;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-config-'));
    valid = {
      ...(await commonConfig(folder)),
      mode: 'development',
      logLevel: 'silent',
      // No server listens on this port: a configuration that is accepted ends with `unavailable`.
      database: 'postgres://user@127.0.0.1:1/none',
      objects: `folder:${path.join(folder, 'objects')}`,
      images: { kind: 'layout', folder: path.join(folder, 'images') },
      backend: { kind: 'local', folder: path.join(folder, 'attempts') }
    };
  });
  afterAll(() => rm(folder, { recursive: true }));

  const registry = registryImages('europe-west4-docker.pkg.dev/clean-room-test/images', 'google');
  /** Returns a configuration that production accepts. */
  const production = (): CoordinatorConfig => ({
    ...valid,
    mode: 'production',
    supervisorUrl: 'https://clean-room.example',
    database: 'postgres://user@127.0.0.1:1/none?sslmode=verify-full',
    objects: 'gs://bucket/objects',
    images: registry,
    backend: CLOUD_BACKEND
  });

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

  test('is accepted in production with real services', () => {
    expect(checkCoordinatorConfig(production(), 'clean-room.json')).toEqual(production());
    const socket = { ...production(), database: 'postgres://user@/none?host=/run/postgresql' };
    expect(checkCoordinatorConfig(socket, 'clean-room.json')).toEqual(socket);
  });

  const embedded = {
    kind: 'embedded' as const,
    tokenFile: 'token',
    acts: [{ party: 'hospital', person: 'ada' }]
  };
  test.each<[string, string, () => Partial<CoordinatorConfig>]>([
    [
      'the local backend',
      'only simulates a TEE',
      () => ({ backend: { kind: 'local', folder }, images: { kind: 'layout', folder } })
    ],
    ['an embedded person', 'one embedded person', () => ({ authentication: embedded })],
    ['the embedded database', 'embedded database', () => ({ database: `pglite:${folder}` })],
    ['a database without TLS', 'without TLS', () => ({ database: 'postgres://user@database/none' })]
  ])('is refused in production with %s', async (_name, message, changes) => {
    await expect(start({ ...production(), ...changes() })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(new RegExp(`clean-room\\.json.*${message}.*not allowed in production`)),
      remedy: expect.any(String)
    });
  });

  test('is refused in production without the address for TEEs', async () => {
    const rest = Object.fromEntries(
      Object.entries(production()).filter(([name]) => name !== 'supervisorUrl')
    );
    await expect(start(rest)).rejects.toMatchObject({
      code: 'malformed',
      remedy: expect.stringContaining('supervisorUrl')
    });
  });

  test.each<[string, object]>([
    ['a debug image', { image: 'confidential-space-debug' }],
    ['no zone', { zones: [] }],
    ['a region for a zone', { zones: ['europe-west4'] }],
    ['no kind of TEE', { tees: [] }],
    ['a kind of TEE without tokens', { tees: ['SEV_SNP'] }],
    ['a person as service account', { serviceAccount: 'ada@example.com' }]
  ])('is refused with a backend that has %s', async (_name, changes) => {
    await expect(start({ ...production(), backend: { ...CLOUD_BACKEND, ...changes } })).rejects.toMatchObject(
      {
        code: 'malformed',
        message: expect.stringContaining('/backend')
      }
    );
  });

  test('is refused when TEEs cannot start from the images', async () => {
    await expect(start({ ...production(), images: { kind: 'layout', folder } })).rejects.toMatchObject({
      code: 'malformed',
      remedy: expect.stringContaining('registry')
    });
    await expect(start({ ...valid, images: registry })).rejects.toMatchObject({
      code: 'malformed',
      remedy: expect.stringContaining('layout')
    });
  });

  test('is refused when it would send a token of Google to another registry', async () => {
    const images = { ...registry, kernelImages: 'registry.example/kernel' };
    await expect(start({ ...production(), images })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('registry.example/kernel')
    });
  });

  test.each([
    'postgres://user@database/none?sslmode=require',
    'postgres://user@database/none?sslmode=verify-ca',
    'postgres://user@database/none?sslmode=no-verify',
    'postgres://user@database/none?sslmode=verify-full&uselibpqcompat=true',
    'postgres://user@database/none?ssl=true',
    'postgres://user@database/none?sslrootcert=ca.pem',
    'postgres://user@/none',
    'postgres://user@database',
    'mysql://user@database/none'
  ])('is refused with the database %s, in every mode', async database => {
    await expect(start({ ...production(), database })).rejects.toMatchObject({ code: 'malformed' });
    await expect(start({ ...valid, database })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused when a secret is missing, too short, or readable by other users', async () => {
    const logKeyFile = path.join(folder, 'other.key');
    await expect(start({ ...valid, logKeyFile })).rejects.toMatchObject({
      message: expect.stringContaining(logKeyFile)
    });
    await writeFile(logKeyFile, randomBytes(16).toString('base64url'), { mode: 0o600 });
    await expect(start({ ...valid, logKeyFile })).rejects.toMatchObject({ code: 'malformed' });
    const open = path.join(folder, 'open.key');
    await writeFile(open, randomBytes(32).toString('base64url'), { mode: 0o644 });
    await expect(start({ ...valid, logKeyFile: open })).rejects.toMatchObject({
      message: expect.stringContaining(open)
    });
  });

  test('is refused when the database cannot be reached', async () => {
    await expect(start(valid)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
