import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Digest } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import { COORDINATOR_MIGRATIONS } from '../../../src/coordinator/database/migrations.js';
import type { CoordinatorTables } from '../../../src/coordinator/database/tables.js';
import type { ImageParts, ImagePublisher } from '../../../src/coordinator/images/publisher.js';
import { RecordedPublisher } from '../../../src/coordinator/images/recorded-publisher.js';
import { openDatabase, type Database } from '../../../src/platform/database/database.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';
import { TestDeployment } from '../../support/deployment.js';

/** A store of images in memory. It refuses to remove some of them. */
class MemoryPublisher implements ImagePublisher {
  readonly images = new Set<Digest>();
  readonly kept = new Set<Digest>();

  async publish(image: Digest): Promise<string> {
    this.images.add(image);
    return `memory@${image}`;
  }

  async remove(image: Digest): Promise<void> {
    if (this.kept.has(image)) throw new Error('deletion is switched off');
    this.images.delete(image);
  }

  async ping(): Promise<void> {
    await Promise.resolve();
  }
}

const PARTS = {} as ImageParts;

describe.each(DATABASES)('images of revisions that have ended, on %s', (_kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let database: Database<CoordinatorTables>;
  let store: MemoryPublisher;
  let publisher: RecordedPublisher;
  let warnings: object[];
  const logger = {
    info: () => undefined,
    warn: (data: object) => void warnings.push(data),
    error: () => undefined
  };

  beforeAll(async () => {
    databases = await prepare();
    const url = await databases.create();
    database = await openDatabase<CoordinatorTables>({ url, migrations: COORDINATOR_MIGRATIONS });
    deployment = await TestDeployment.start({ database: url, overrides: { database } });
    await deployment.publishDocuments();
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
  }, 60_000);
  beforeEach(() => {
    store = new MemoryPublisher();
    publisher = new RecordedPublisher(store, database.db);
    warnings = [];
  });

  /** Makes all recorded images old enough to be removed. */
  const age = async (): Promise<void> => {
    await database.db
      .updateTable('published_image')
      .set({ remove_after: new Date(0) })
      .execute();
  };
  const removeEnded = async (): Promise<void> => {
    await age();
    await publisher.removeEnded(logger);
  };
  const withdraw = (id: string) =>
    deployment.person(deployment.parties.university).call(routes.withdraw, { params: { id } });

  test('are removed, and those of open revisions stay', async () => {
    const [open, ended] = [await deployment.submit(), await deployment.submit()];
    await publisher.publish(open.image, PARTS);
    await publisher.publish(ended.image, PARTS);
    await withdraw(ended.id);
    await publisher.removeEnded(logger);
    expect(store.images.size).toBe(2);
    await removeEnded();
    expect([...store.images]).toEqual([open.image]);
    await removeEnded();
    expect([...store.images]).toEqual([open.image]);
    await withdraw(open.id);
    await removeEnded();
    expect(store.images.size).toBe(0);
  });

  test('stay while another revision has the same image', async () => {
    const source = 'print("the same")';
    const first = await deployment.submit(deployment.assets, source);
    const second = await deployment.submit(deployment.assets, source);
    expect(second.image).toBe(first.image);
    await publisher.publish(first.image, PARTS);
    await withdraw(first.id);
    await removeEnded();
    expect(store.images.has(first.image)).toBe(true);
    await withdraw(second.id);
    await removeEnded();
    expect(store.images.has(first.image)).toBe(false);
  });

  test('are removed by another process when the first one is killed, and can then be published again', async () => {
    const source = 'print("killed")';
    const first = await deployment.submit(deployment.assets, source);
    await publisher.publish(first.image, PARTS);
    await withdraw(first.id);
    await age();
    let began: () => void = () => undefined;
    const removing = new Promise<void>(resolve => (began = resolve));
    const killed: ImagePublisher = {
      publish: () => Promise.reject(new Error('not used')),
      ping: () => store.ping(),
      remove: () => {
        began();
        return new Promise(() => undefined);
      }
    };
    void new RecordedPublisher(killed, database.db).removeEnded(logger);
    await removing;
    await deployment.submit(deployment.assets, source);
    // The first process may still be removing the image, so the second one waits.
    await publisher.removeEnded(logger);
    expect([...store.images]).toEqual([first.image]);
    await expect(publisher.publish(first.image, PARTS)).rejects.toMatchObject({ code: 'unavailable' });
    await removeEnded();
    expect(store.images.size).toBe(0);
    await publisher.publish(first.image, PARTS);
    await removeEnded();
    expect([...store.images]).toEqual([first.image]);
  });

  test('stay when the registry refuses to remove them; the others are removed', async () => {
    const [kept, other] = [await deployment.submit(), await deployment.submit()];
    for (const { id, image } of [kept, other]) {
      await publisher.publish(image, PARTS);
      await withdraw(id);
    }
    store.kept.add(kept.image);
    await removeEnded();
    expect([...store.images]).toEqual([kept.image]);
    expect(warnings).toEqual([expect.objectContaining({ image: kept.image })]);
    await publisher.removeEnded(logger);
    expect(warnings).toHaveLength(1);
    store.kept.clear();
    await removeEnded();
    expect(store.images.size).toBe(0);
  });

  test('are not published again while they are removed, and are removed after a crash', async () => {
    const { id, image } = await deployment.submit();
    await publisher.publish(image, PARTS);
    await withdraw(id);
    await age();
    await database.db.updateTable('published_image').set({ removing: true }).execute();
    await expect(publisher.publish(image, PARTS)).rejects.toMatchObject({ code: 'unavailable' });
    await removeEnded();
    expect(store.images.size).toBe(0);
    await publisher.publish(image, PARTS);
    expect(store.images.has(image)).toBe(true);
  });
});
