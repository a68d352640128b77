import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, jest } from '@jest/globals';

// pip, gpg and dpkg-deb are programs of their own: on a busy machine each takes seconds to start
jest.setTimeout(120_000);

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A folder that is gone after the test. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'builder-test-'));
  folders.push(folder);
  return folder;
}
