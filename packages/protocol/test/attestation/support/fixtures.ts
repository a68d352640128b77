import { existsSync, readFileSync } from 'node:fs';
import { test } from '@jest/globals';

const folder = new URL('../../../../../../shared/fixtures/gcp/', import.meta.url);
const present = existsSync(folder);
if (!present) console.warn('Tests with real tokens are skipped: ../shared/fixtures/gcp does not exist.');

/** Jest's `test`, or `test.skip` if captured tokens are not available. */
export const testWithFixtures: typeof test.skip = present ? test : test.skip;

/** Returns the content of a captured file. */
export function fixture(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8').trim();
}
