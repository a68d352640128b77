import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';

/** An example in a docstring: a TypeScript block after an `@example` tag. */
interface Example {
  readonly name: string;
  readonly code: string;
  /** The text that each `console.log` must print, from the comment after it. */
  readonly expected: readonly string[];
}

const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));
/** Examples are run from files in this folder. Relative imports of an example start here. */
const FOLDER = fileURLToPath(new URL('examples', import.meta.url));

/** Returns the text of a file's docstrings, without the asterisks. */
function docstrings(source: string): string[] {
  return [...source.matchAll(/\/\*\*.*?\*\//gs)].map(([comment]) => comment.replaceAll(/^ *\* ?/gm, ''));
}

function examplesIn(root: string, file: string): Example[] {
  return docstrings(readFileSync(join(root, file), 'utf8'))
    .flatMap(text => text.split('@example').slice(1))
    .flatMap(text => [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code))
    .map((code, index) => ({
      name: `${file.replace(/\.ts$/, '')} ${index + 1}`,
      code,
      expected: [...code.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text = '']) => text)
    }));
}

const examples = ['protocol', 'node-support'].flatMap(name => {
  const root = join(PACKAGES, name, 'src');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .sort()
    .flatMap(file => examplesIn(root, file))
    .map(example => ({ ...example, name: `${name}/${example.name}` }));
});

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true });
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

it('finds the examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(10);
});

it.each(examples)('runs the example of $name', async ({ name, code, expected }) => {
  // A console.log without a comment would not be checked.
  expect(expected).toHaveLength(code.match(/console\.log\(/g)?.length ?? 0);
  const file = join(FOLDER, `${name.replaceAll(/\W+/g, '-')}.ts`);
  writeFileSync(file, code);
  const printed: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((...values) => void printed.push(format(...values)));
  await import(file);
  expect(printed).toEqual(expected);
});
