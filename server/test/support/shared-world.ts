import { afterAll, beforeAll } from '@jest/globals';
import { World } from './coordinator.js';
import type { DatabaseMaker } from './databases.js';

/**
 * One founded world on a database of its own for all tests of the block that calls. `use` is given it before the first,
 * and what makes further databases.
 */
export function sharedWorld(
  prepare: () => Promise<DatabaseMaker>,
  use: (world: World, maker: DatabaseMaker) => void
): void {
  let maker: DatabaseMaker;
  let world: World;
  beforeAll(async () => {
    maker = await prepare();
    world = await World.start({ database: await maker.make() });
    await world.found();
    use(world, maker);
  }, 180_000);
  afterAll(async () => {
    await world.stop();
    await maker.dispose();
  }, 60_000);
}
