import { afterAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Creates a folder for one test file, which is removed after its tests. */
export function workspace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clean-room-simulator-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
