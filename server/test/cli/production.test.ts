import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRegistry, type Registry } from '../../../packages/oci/test/support/registry.js';
import { BUCKET, COORDINATOR, FakeCloud } from '../cloud/cloud.js';
import { GoogleProxy } from '../cloud/http/google-proxy.js';
import { isPostgresInstalled, startPostgres, type PostgresServer } from '../support/postgres.js';
import { CLOUD_BACKEND, commonConfig, registryImages } from '../support/production-config.js';

const COMMAND = fileURLToPath(new URL('../../bin/clean-room.js', import.meta.url));

/** Writes the URL of every module that a process loads to the file in `LOADED`. */
const RECORD_MODULES = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    appendFileSync(process.env.LOADED, resolved.url + '\\n');
    return resolved;
  }
});
`;

/* A production server in its own process, with real services. */
(isPostgresInstalled() ? describe : describe.skip)('a server', () => {
  let folder: string;
  let postgres: PostgresServer;
  let registry: Registry;
  let cloud: FakeCloud;
  let google: GoogleProxy;
  let common: Awaited<ReturnType<typeof commonConfig>>;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-production-'));
    [postgres, registry, cloud] = await Promise.all([startPostgres(), startRegistry(), FakeCloud.start()]);
    google = await GoogleProxy.start(cloud.services, folder);
    // Making a key takes long, and the server waits for answers only for seconds.
    cloud.accounts.signingKey(COORDINATOR.email);
    await writeFile(path.join(folder, 'record.mjs'), RECORD_MODULES);
    common = await commonConfig(folder);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([postgres.stop(), registry.stop(), google.stop()]);
    await cloud.stop();
    await rm(folder, { recursive: true });
  }, 60_000);

  /** Runs a server until it is ready or has ended, and returns the modules that it has loaded. */
  async function modulesOf(name: string, config: object): Promise<string> {
    const file = path.join(folder, `${name}.json`);
    const loaded = path.join(folder, `${name}.modules`);
    await writeFile(file, JSON.stringify({ ...common, ...config }));
    const child = spawn(
      process.execPath,
      ['--import', path.join(folder, 'record.mjs'), COMMAND, 'serve', '--coordinator', file],
      {
        env: { ...process.env, ...cloud.environment, ...google.environment, LOADED: loaded },
        stdio: ['ignore', 'ignore', 'pipe']
      }
    );
    let messages = '';
    child.stderr.on('data', (text: Buffer) => {
      messages += String(text);
      if (messages.includes('Ready.')) child.kill('SIGTERM');
    });
    await new Promise(resolve => child.on('close', resolve));
    expect(messages).not.toContain('cannot be reached');
    return readFile(loaded, 'utf8');
  }

  test('in production never loads the simulator', async () => {
    const modules = await modulesOf('production', {
      mode: 'production',
      supervisorUrl: 'https://clean-room.example',
      database: await postgres.createDatabase('socket'),
      objects: `gs://${BUCKET}/objects`,
      images: registryImages(`http://${registry.host}`),
      backend: CLOUD_BACKEND
    });
    // It got as far as its backend.
    expect(modules).toContain('/coordinator/backends/open.js');
    expect(modules).not.toMatch(/simulator|backends\/local\.js/);
  }, 120_000);

  test('in development with the local backend loads it, which the record shows', async () => {
    const modules = await modulesOf('development', {
      mode: 'development',
      database: await postgres.createDatabase(),
      objects: `folder:${path.join(folder, 'objects')}`,
      images: { kind: 'layout', folder: path.join(folder, 'images') },
      backend: { kind: 'local', folder: path.join(folder, 'attempts') }
    });
    expect(modules).toMatch(/packages\/simulator\//);
  }, 120_000);
});
