import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A workspace with file names whose order or case depends on the locale, or that are too long for a plain tar header. */
export const WORKSPACE: Readonly<Record<string, string>> = {
  'explore.ipynb': '{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}\n',
  'lib.py': 'sorts before lib/\n',
  'lib/helpers.py': 'x = 1\n',
  'lib-x/empty.py': '',
  'Zeta.md': 'capital\n',
  'ähre.csv': 'a,b\n',
  'ıstanbul/ışık.txt': 'dotless\n',
  'data/表 😀.csv': 'ü\n',
  [`deep/${'d'.repeat(120)}/${'f'.repeat(150)}.txt`]: 'long\n',
  'clean-room/spec.json': '{"format":"mine"}\n',
  'usr/lib/clean-room/supervisor.js': 'process.exit(0)\n'
};

/** Writes the test workspace to a folder, in the given order. */
export function writeWorkspace(folder: string, names: readonly string[] = Object.keys(WORKSPACE)): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), WORKSPACE[name] ?? '');
  }
}
