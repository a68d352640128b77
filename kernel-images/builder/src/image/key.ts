import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '@clean-room/protocol/documents';
import type { ImageDefinition } from '../definition/definition.js';
import type { ImageLock } from '../definition/lock.js';

/** The folders of code that determines the layers of dependencies: this package, its Python programs, and the tar writer. */
const CODE = [
  fileURLToPath(new URL('../', import.meta.url)),
  fileURLToPath(new URL('../../assets/', import.meta.url)),
  `${dirname(createRequire(import.meta.url).resolve('@clean-room/protocol/packaging'))}${sep}`
];

/** Folders of this package whose code does not change any layer. */
const UNRELATED = /^(?:cli|sbom)\//;

/** Returns a hash of everything that determines the layers of dependencies. Builds with the same key can share these layers. */
export async function baseKey(definition: ImageDefinition, lock: ImageLock): Promise<string> {
  const hash = createHash('sha256').update(canonicalJson({ definition, lock }));
  for (const folder of CODE) {
    const names = (await readdir(folder, { recursive: true })).filter(name => /\.(?:js|ts|py)$/.test(name));
    for (const name of names.filter(name => !name.endsWith('.d.ts') && !UNRELATED.test(name)).sort()) {
      hash.update(`\0${name}\0`).update(await readFile(join(folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 32);
}
