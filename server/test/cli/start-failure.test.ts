import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { CLOUD_BACKEND, commonConfig, registryImages } from '../support/production-config.js';

/* Servers that cannot start, as real processes: each must say why in one sentence and end by itself. */

const COMMAND = fileURLToPath(new URL('../../bin/clean-room.js', import.meta.url));
/** Time that a server may take to give up, in addition to the time that the same program takes to print its help. */
const LIMIT_MS = 5000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise(resolve => {
    const started = Date.now();
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (out += String(text)));
    child.stderr.on('data', (text: Buffer) => (err += String(text)));
    const kill = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.on('close', code => {
      clearTimeout(kill);
      resolve({ code, out, err, ms: Date.now() - started });
    });
  });
}

/** A server that accepts connections and never answers. */
async function silentServer(): Promise<Server> {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('a server that cannot start', () => {
  let folder: string;
  let silent: Server;
  let programMs: number;
  let coordinator: Record<string, unknown>;
  let custodian: Record<string, unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-start-'));
    silent = await silentServer();
    const secret = async (name: string): Promise<string> => {
      const file = path.join(folder, name);
      await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
      return file;
    };
    coordinator = {
      ...(await commonConfig(folder)),
      mode: 'development',
      logLevel: 'info',
      database: `pglite:${path.join(folder, 'coordinator-database')}`,
      objects: `folder:${path.join(folder, 'objects')}`,
      images: { kind: 'layout', folder: path.join(folder, 'images') },
      authentication: {
        kind: 'embedded',
        tokenFile: await secret('person.token'),
        acts: [{ party: 'university', person: 'ada' }]
      },
      backend: { kind: 'local', folder: path.join(folder, 'attempts') }
    };
    custodian = {
      mode: 'development',
      party: 'hospital',
      rootKey: generateSigningKey().publicKey,
      listen: { host: '127.0.0.1', port: 0 },
      logLevel: 'info',
      origin: 'http://localhost:1',
      hosting: 'own',
      coordinator: 'http://127.0.0.1:1',
      tokenFile: await secret('custodian.token'),
      database: 'pglite:database',
      approvalDays: 30
    };
    programMs = (await run(['--help'])).ms;
  }, 60_000);
  afterAll(async () => {
    silent.close();
    await rm(folder, { recursive: true });
  });

  const serveCoordinator = async (changes: object, env?: Record<string, string>): Promise<Ended> => {
    const file = path.join(folder, 'coordinator.json');
    await writeFile(file, JSON.stringify({ ...coordinator, ...changes }));
    return run(['serve', '--coordinator', file], env);
  };

  const serveCustodian = async (changes: object): Promise<Ended> => {
    const home = await mkdtemp(path.join(folder, 'custodian-'));
    await writeFile(path.join(home, 'custodian.json'), JSON.stringify({ ...custodian, ...changes }));
    return run(['serve', '--custodian', home]);
  };

  /** Checks the message, the exit code and the time, and that nothing else was printed. */
  function expectRefusal({ code, out, err, ms }: Ended, exitCode: number, sentence: RegExp): void {
    const lines = err.trim().split('\n');
    expect(lines).toEqual([expect.stringMatching(sentence), expect.stringMatching(/^[A-Z].*\.$/)]);
    expect(out).toBe('');
    expect(code).toBe(exitCode);
    // The machine's other work slows the loading of the program, which `--help` measures, and the rest alike.
    expect(ms).toBeLessThan(LIMIT_MS + 4 * programMs);
  }

  const taken = () => ({ listen: { host: '127.0.0.1', port: portOf(silent) } });
  const silentDatabase = () => ({ database: `postgres://user@127.0.0.1:${portOf(silent)}/data` });
  const NO_SERVER = { database: 'postgres://user@127.0.0.1:1/data' };

  const roles: readonly [string, (changes: object) => Promise<Ended>][] = [
    ['coordinator', changes => serveCoordinator(changes)],
    ['custodian', changes => serveCustodian(changes)]
  ];

  test.each(roles)(
    '%s: another program uses its port',
    async (role, serve) => {
      expectRefusal(
        await serve(taken()),
        9,
        new RegExp(`^The ${role}.* cannot listen on 127.0.0.1:\\d+: another program uses the port.$`)
      );
    },
    90_000
  );

  test.each(roles)(
    '%s: no database server',
    async (_role, serve) => {
      expectRefusal(await serve(NO_SERVER), 9, /^The database 127.0.0.1:1\/data cannot be reached.$/);
    },
    90_000
  );

  test.each(roles)(
    '%s: the database server does not answer',
    async (_role, serve) => {
      expectRefusal(await serve(silentDatabase()), 9, /^The database .* cannot be reached.$/);
    },
    90_000
  );

  test('coordinator: a missing key file, and one that others can read', async () => {
    const missing = await serveCoordinator({ logKeyFile: path.join(folder, 'none.key') });
    expectRefusal(missing, 8, /^The secret in .*none.key cannot be read.$/);
    const open = path.join(folder, 'open.key');
    await writeFile(open, randomBytes(32).toString('base64url'));
    await chmod(open, 0o644);
    expectRefusal(
      await serveCoordinator({ logKeyFile: open }),
      8,
      /^Other users .* can read the secret in .*open.key.$/
    );
  }, 90_000);

  test('custodian: a missing token file', async () => {
    expectRefusal(await serveCustodian({ tokenFile: 'none' }), 8, /^The secret in .*none cannot be read.$/);
  }, 90_000);

  const registryAt = (host: string): object => ({
    backend: CLOUD_BACKEND,
    images: registryImages(`http://${host}`)
  });

  test('coordinator: no registry, and one that does not answer', async () => {
    expectRefusal(
      await serveCoordinator(registryAt('127.0.0.1:1')),
      9,
      /^The connection to http:\/\/127.0.0.1:1\/v2\/ failed \(ECONNREFUSED\).$/
    );
    const host = `127.0.0.1:${portOf(silent)}`;
    expectRefusal(
      await serveCoordinator(registryAt(host)),
      9,
      new RegExp(`^The registry of http://${host}/revisions cannot be reached.$`)
    );
  }, 90_000);

  test('coordinator: no object store, and one that does not answer', async () => {
    for (const port of [1, portOf(silent)]) {
      expectRefusal(
        await serveCoordinator(
          { objects: 'gs://data/objects' },
          { STORAGE_EMULATOR_HOST: `http://127.0.0.1:${port}` }
        ),
        9,
        /^The object store gs:\/\/data cannot be reached.$/
      );
    }
  }, 90_000);

  test('coordinator: a folder for objects that is a file', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    expectRefusal(
      await serveCoordinator({ objects: `folder:${file}/objects` }),
      8,
      /^The folder .*file\/objects for objects cannot be used.$/
    );
  }, 90_000);
});
