import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '@clean-room/protocol/documents';
import type { ImageDefinition } from '../definition/definition.js';
import type { ImageLock } from '../definition/lock.js';

/** All code that decides what the layers of dependencies look like: this room's, and the tar writer. */
const CODE = [
  fileURLToPath(new URL('../', import.meta.url)),
  fileURLToPath(new URL('../../assets/', import.meta.url)),
  `${dirname(createRequire(import.meta.url).resolve('@clean-room/protocol/packaging'))}${sep}`
];

/** Names the layers of dependencies by what goes into them, so that an earlier build can be used again or not. */
export async function baseKey(definition: ImageDefinition, lock: ImageLock): Promise<string> {
  const hash = createHash('sha256').update(canonicalJson({ definition, lock }));
  for (const folder of CODE) {
    const names = (await readdir(folder, { recursive: true })).filter(name => /\.(?:js|ts|py)$/.test(name));
    for (const name of names.filter(name => !name.endsWith('.d.ts')).sort()) {
      hash.update(`\0${name}\0`).update(await readFile(join(folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 32);
}
