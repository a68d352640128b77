import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groundsOf } from './grounds.js';
import { ROOT } from './paths.js';

const PROVEN = join(ROOT, 'attacks/proven.json');

/** The recorded proofs: for each patch, the inputs with which it was last proven. */
export class Proofs {
  #entries = existsSync(PROVEN) ? JSON.parse(readFileSync(PROVEN, 'utf8')) : {};

  /** Returns the files whose code has changed since the mutant was proven. */
  changedSince(mutant) {
    const [then, now] = [this.#entries[mutant.name] ?? {}, groundsOf(mutant)];
    return Object.keys({ ...then, ...now }).filter(path => then[path] !== now[path]);
  }

  /** Records the current inputs of a proven mutant, and removes the entries of patches that no longer exist. */
  save(mutant, mutants) {
    const known = new Set(mutants.map(({ name }) => name));
    this.#entries[mutant.name] = groundsOf(mutant);
    const entries = Object.entries(this.#entries).filter(([name]) => known.has(name));
    const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(PROVEN, `${JSON.stringify(sorted, null, 2)}\n`);
  }
}
