import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CustodianConfig } from '../../src/custodian/config.js';
import { requireOwnDatabase, requireOwnProcess } from '../../src/custodian/separation.js';
import { COORDINATOR_MIGRATIONS } from '../../src/coordinator/database/migrations.js';
import { openDatabase, type Database } from '../../src/platform/database/database.js';
import { recordCoordinator } from '../../src/platform/running-coordinators.js';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';

/** Returns the parts of a configuration that say where a custodian and its coordinator run. */
const config = (hosting: CustodianConfig['hosting'], coordinator: string) =>
  ({ hosting, coordinator }) as CustodianConfig;

describe('a custodian that is not declared as co-hosted', () => {
  let server: Server;
  let port: number;
  let end: (() => void) | undefined;

  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => end?.());
  afterAll(() => void server.close());

  const ELSEWHERE = 'https://192.0.2.1';

  it('does not start in the process of a coordinator', async () => {
    await expect(requireOwnProcess(config('own', ELSEWHERE))).resolves.toBeUndefined();
    end = recordCoordinator();
    await expect(requireOwnProcess(config('own', ELSEWHERE))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/shares its process with the coordinator/)
    });
    end();
    await expect(requireOwnProcess(config('own', ELSEWHERE))).resolves.toBeUndefined();
  });

  it.each(['127.0.0.1', 'localhost'])('does not start as the user of a coordinator at %s', async host => {
    await expect(requireOwnProcess(config('own', `http://${host}:${port}`))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/shares its operating system user with the coordinator/),
      remedy: expect.stringMatching(/"hosting" to "co-hosted"/)
    });
  });

  it('starts if it is declared as co-hosted', async () => {
    end = recordCoordinator();
    await expect(requireOwnProcess(config('co-hosted', `http://127.0.0.1:${port}`))).resolves.toBeUndefined();
  });
});

describe.each(DATABASES)('on %s, a custodian', (_kind, prepare) => {
  let kind: DatabaseFactory;

  beforeAll(async () => {
    kind = await prepare();
  }, 60_000);
  afterAll(() => kind.dispose());

  it('does not use the database of a coordinator, and changes nothing in it', async () => {
    const url = await kind.create();
    const database: Database<unknown> = await openDatabase({ url, migrations: COORDINATOR_MIGRATIONS });
    await database.close();
    let migrated = false;
    const migrations = { '9999': { up: async () => void (migrated = true) } };
    await expect(openDatabase({ url, migrations, check: requireOwnDatabase })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/database is the one of a coordinator/)
    });
    expect(migrated).toBe(false);
  });

  it('uses an empty database', async () => {
    const database = await openDatabase({
      url: await kind.create(),
      migrations: {},
      check: requireOwnDatabase
    });
    await database.close();
  });
});
