import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groundsOf } from './grounds.js';
import { ROOT } from './paths.js';

/** Proofs with all tests of the affected packages, and those with only the test files that a patch names. */
const FILES = { proven: 'proven.json', noticed: 'noticed.json' };

/** One file of recorded proofs: for each patch, the inputs with which it was last proven. */
class Record {
  #file;
  #entries;

  constructor(name) {
    this.#file = join(ROOT, 'attacks', name);
    this.#entries = existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, 'utf8')) : {};
  }

  changedSince(mutant) {
    const [then, now] = [this.#entries[mutant.name] ?? {}, groundsOf(mutant)];
    return Object.keys({ ...then, ...now }).filter(path => then[path] !== now[path]);
  }

  save(mutant, mutants) {
    const known = new Set(mutants.map(({ name }) => name));
    this.#entries[mutant.name] = groundsOf(mutant);
    const entries = Object.entries(this.#entries).filter(([name]) => known.has(name));
    const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(this.#file, `${JSON.stringify(sorted, null, 2)}\n`);
  }
}

/** The recorded proofs. A proof with all tests also counts where only the named test files are asked for. */
export class Proofs {
  #proven = new Record(FILES.proven);
  #noticed = new Record(FILES.noticed);
  #onlyNamed;

  /** @param onlyNamed - whether only the test files that the patches name are run */
  constructor(onlyNamed) {
    this.#onlyNamed = onlyNamed;
  }

  /** Returns the files whose code has changed since the mutant was proven. */
  changedSince(mutant) {
    const changed = this.#proven.changedSince(mutant);
    return this.#onlyNamed && this.#noticed.changedSince(mutant).length === 0 ? [] : changed;
  }

  /** Records the current inputs of a proven mutant, and removes the entries of patches that no longer exist. */
  save(mutant, mutants) {
    (this.#onlyNamed ? this.#noticed : this.#proven).save(mutant, mutants);
  }
}
