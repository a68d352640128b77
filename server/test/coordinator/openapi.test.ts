import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { World } from '../support/coordinator.js';
import { DATABASES } from '../support/databases.js';

const COMMITTED = fileURLToPath(new URL('../../../docs/api/coordinator.json', import.meta.url));

describe('the OpenAPI document of the coordinator', () => {
  it('is the committed one; UPDATE_DOCS=1 writes it', async () => {
    const [, prepare] = DATABASES[0]!;
    const maker = await prepare();
    const world = await World.start({ database: await maker.make() });
    try {
      const document: unknown = await (await fetch(new URL('/openapi.json', world.address()))).json();
      const text = `${JSON.stringify(document, null, 2)}\n`;
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(COMMITTED, text);
      expect(text).toBe(readFileSync(COMMITTED, 'utf8'));
    } finally {
      await world.stop();
      await maker.dispose();
    }
  });
});
