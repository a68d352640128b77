import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.js';

const PROVEN = join(ROOT, 'attacks/proven.json');

const digest = content => createHash('sha256').update(content).digest('hex');

/** What a proof rests on: the patch, the files it changes, and the tests it names. */
function groundsOf({ name, text, files, testFiles }) {
  const paths = [...new Set([...files, ...testFiles])].filter(path => existsSync(join(ROOT, path))).sort();
  return {
    [`attacks/mutants/${name}.patch`]: digest(text),
    ...Object.fromEntries(paths.map(path => [path, digest(readFileSync(join(ROOT, path)))]))
  };
}

/** For each patch what it was last proven on. */
export class Proven {
  #entries = existsSync(PROVEN) ? JSON.parse(readFileSync(PROVEN, 'utf8')) : {};

  /** The files that are not what they were when the patch was proven. */
  changedSince(mutant) {
    const [then, now] = [this.#entries[mutant.name] ?? {}, groundsOf(mutant)];
    return Object.keys({ ...then, ...now }).filter(path => then[path] !== now[path]);
  }

  /** Keeps what the patches rest on that are proven now, and forgets patches that are gone. */
  save(mutant, mutants) {
    const known = new Set(mutants.map(({ name }) => name));
    this.#entries[mutant.name] = groundsOf(mutant);
    const entries = Object.entries(this.#entries).filter(([name]) => known.has(name));
    const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(PROVEN, `${JSON.stringify(sorted, null, 2)}\n`);
  }
}
