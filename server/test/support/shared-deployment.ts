import { afterAll, beforeAll } from '@jest/globals';
import { TestDeployment } from './deployment.js';
import type { DatabaseFactory } from './databases.js';

/**
 * Starts one deployment with its own database for all tests of the calling block, and publishes the parties' documents.
 *
 * @param use - receives the deployment before the first test, and the factory for further databases
 */
export function useSharedDeployment(
  prepare: () => Promise<DatabaseFactory>,
  use: (deployment: TestDeployment, databases: DatabaseFactory) => void
): void {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  beforeAll(async () => {
    databases = await prepare();
    deployment = await TestDeployment.start({ database: await databases.create() });
    await deployment.publishDocuments();
    use(deployment, databases);
  }, 180_000);
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
  }, 60_000);
}
