import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TestDeployment } from '../support/deployment.js';
import { DATABASES } from '../support/databases.js';

const COMMITTED = fileURLToPath(new URL('../../../docs/api/coordinator.json', import.meta.url));

describe('the OpenAPI document of the coordinator', () => {
  it('is the committed one; UPDATE_DOCS=1 writes it', async () => {
    const [, prepare] = DATABASES[0]!;
    const databases = await prepare();
    const deployment = await TestDeployment.start({ database: await databases.create() });
    try {
      const document: unknown = await (await fetch(new URL('/openapi.json', deployment.address()))).json();
      const text = `${JSON.stringify(document, null, 2)}\n`;
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(COMMITTED, text);
      expect(text).toBe(readFileSync(COMMITTED, 'utf8'));
    } finally {
      await deployment.stop();
      await databases.dispose();
    }
  });
});
