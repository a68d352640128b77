import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LayoutStore } from '../../src/layout/layout-store.js';
import { storeContract } from '../support/store-contract.js';

describe('a layout folder as an image store', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });
  storeContract(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'layout-'));
    folders.push(folder);
    return LayoutStore.open(folder);
  });
});
