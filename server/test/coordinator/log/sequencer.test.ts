import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { toBase64, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { leafHash, treeHash } from '@clean-room/protocol/log';
import { COORDINATOR_MIGRATIONS } from '../../../src/coordinator/database/migrations.js';
import type { CoordinatorTables } from '../../../src/coordinator/database/tables.js';
import type { Records } from '../../../src/coordinator/log/append.js';
import { Log } from '../../../src/coordinator/log/log.js';
import { Sequencer } from '../../../src/coordinator/log/sequencer.js';
import { readNodes } from '../../../src/coordinator/log/store.js';
import { openDatabase, type Database } from '../../../src/platform/database/database.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';

/** Returns what a transaction saves that changes the state of a run. */
function recordsOf(run: string, state: string): Records {
  return {
    at: new Date(),
    entries: [{ subject: 'run', subject_id: run, state, bytes: toBase64(utf8(`${run} ${state}`)) }],
    events: [{ parties: ['university'], data: { topic: 'asset', name: `${run}/${state}` } }]
  };
}

describe.each(DATABASES)('the sequencer of the log, on %s', (kind, prepare) => {
  const log = new Log(generateSigningKey());
  let databases: DatabaseFactory;
  /** One database for each replica. PGlite has one replica. */
  let replicas: { readonly database: Database<CoordinatorTables>; readonly sequencer: Sequencer }[];

  beforeAll(async () => {
    databases = await prepare();
  }, 180_000);
  afterAll(() => databases.dispose(), 60_000);
  beforeEach(async () => {
    const url = await databases.create();
    replicas = [];
    for (let count = kind === 'PGlite' ? 1 : 2; count > 0; count--) {
      const database = await openDatabase<CoordinatorTables>({ url, migrations: COORDINATOR_MIGRATIONS });
      replicas.push({ database, sequencer: new Sequencer(database, log) });
    }
    await replicas[0]!.database.db
      .insertInto('party')
      .values(['a', 'b', 'c', 'd'].map(name => ({ name, root_key: '' })))
      .execute();
  }, 60_000);
  afterEach(async () => {
    for (const { database } of replicas) await database.close();
  });

  /** Saves the change of a run in one transaction, which locks the run's row, as every transition does. */
  async function change(replica: number, run: string, state: string): Promise<void> {
    const { database, sequencer } = replicas[replica % replicas.length]!;
    await database.db.transaction().execute(async trx => {
      await trx.selectFrom('party').select('name').where('name', '=', run).forUpdate().execute();
      await sequencer.save(trx, recordsOf(run, state));
    });
  }

  const sequence = async (replica: number): Promise<void> =>
    replicas[replica % replicas.length]!.sequencer.sequence();

  /** Checks that log, tree and events are complete and agree, and returns the log as `run state`. */
  async function audit(): Promise<string[]> {
    const { db } = replicas[0]!.database;
    const entries = await db.selectFrom('log_entry').selectAll().orderBy('index').execute();
    const events = await db.selectFrom('event').select(['id', 'data']).orderBy('id').execute();
    const lines = entries.map(({ subject_id, state }) => `${subject_id} ${state}`);
    expect(entries.map(({ index }) => index)).toEqual(lines.map((_, index) => index));
    expect(events.map(({ id }) => id)).toEqual(lines.map((_, index) => index + 1));
    expect(events.map(({ data }) => data)).toEqual(
      lines.map(line => ({ topic: 'asset', name: line.replace(' ', '/') }))
    );
    expect(await log.head(db)).toEqual({
      size: lines.length,
      root: `sha256:${Buffer.from(treeHash(entries.map(({ bytes }) => leafHash(bytes)))).toString('hex')}`
    });
    return lines;
  }

  test('keeps the order of the changes of each run, and gives no number twice', async () => {
    const states = Array.from({ length: 40 }, (_, number) => String(number));
    const work = async (run: string, offset: number): Promise<void> => {
      for (const [step, state] of states.entries()) {
        // Another replica may make and number each change.
        await change(step + offset, run, state);
        if (step % 3 !== 0) await sequence(step + offset + (step % 2));
      }
    };
    const runs = ['a', 'b', 'c', 'd'];
    await Promise.all(runs.map(work));
    await sequence(0);
    const lines = await audit();
    for (const run of runs) {
      const own = lines.filter(line => line.startsWith(`${run} `));
      expect(own).toEqual(states.map(state => `${run} ${state}`));
    }
  }, 60_000);

  test('numbers the entries of a transaction before it reports them as numbered', async () => {
    for (let step = 0; step < 10; step++) {
      await change(step, 'a', String(step));
      await sequence(step);
      expect(await audit()).toHaveLength(step + 1);
    }
  }, 60_000);

  test('saves nothing of a transaction that does not commit', async () => {
    const { database, sequencer } = replicas[0]!;
    const failed = database.db.transaction().execute(async trx => {
      await sequencer.save(trx, recordsOf('a', 'lost'));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await sequence(0);
    expect(await audit()).toEqual([]);
  });

  test('reads as many nodes at once as the proofs of a batch need in a long log', async () => {
    const { db } = replicas[0]!.database;
    const leaves = Array.from({ length: 3 }, (_, index) => ({
      level: 0,
      index,
      hash: new Uint8Array([index])
    }));
    await db.insertInto('log_node').values(leaves).execute();
    const names = Array.from({ length: 40_000 }, (_, number) => ({ level: 0, index: number % 3 }));
    const nodes = await readNodes(db, names);
    expect(leaves.map(leaf => nodes.get(leaf))).toEqual(leaves.map(({ hash }) => hash));
  });

  if (kind === 'PGlite') return;

  test('numbers what a process left that was killed after its commits, in more than one batch', async () => {
    const { database, sequencer } = replicas[1]!;
    await replicas[0]!.database.db.transaction().execute(async trx => {
      for (let step = 0; step < 1001; step++) await sequencer.save(trx, recordsOf('a', String(step)));
    });
    expect(await audit()).toEqual([]);
    await sequencer.sequenceRest();
    expect(await audit()).toEqual(Array.from({ length: 1001 }, (_, step) => `a ${step}`));
    expect(await database.db.selectFrom('outbox').selectAll().execute()).toEqual([]);
  }, 60_000);

  test('does not wait for a transaction that has saved its entries and not committed yet', async () => {
    const { database, sequencer } = replicas[0]!;
    await database.db.transaction().execute(async trx => {
      await sequencer.save(trx, recordsOf('a', 'slow'));
      await change(1, 'b', 'fast');
      await sequence(1);
      expect(await audit()).toEqual(['b fast']);
    });
    await sequence(1);
    expect(await audit()).toEqual(['b fast', 'a slow']);
  }, 60_000);
});
