import { existsSync, readFileSync } from 'node:fs';
import { test } from '@jest/globals';

const folder = new URL('../../../../../../shared/fixtures/gcp/', import.meta.url);
const there = existsSync(folder);
if (!there) console.warn('SKIPPED: no real tokens, ../shared/fixtures/gcp is absent.');

/** `test`, or a skip that was announced where the captured tokens are not at hand. */
export const testWithFixtures: typeof test.skip = there ? test : test.skip;

export function fixture(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8').trim();
}
