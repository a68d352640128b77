import { afterAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one test file, removed at its end. */
export function workspace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clean-room-simulator-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
