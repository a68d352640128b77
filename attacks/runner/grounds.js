import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { ROOT, command } from './paths.js';

const LOADERS = { '.ts': 'ts', '.tsx': 'tsx', '.js': 'js', '.mjs': 'js', '.cjs': 'js' };

const digest = content => createHash('sha256').update(content).digest('hex');

/** Returns C source without comments. Strings and characters are kept as they are. */
function withoutCComments(source) {
  const pieces = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\*[^]*?\*\/|\/\/[^\n]*/g;
  return source.replace(pieces, piece => (piece.startsWith('/') ? ' ' : piece));
}

/** Returns Python source without docstrings and without lines that are only comments. */
function withoutPythonComments(source) {
  return source.replace(/^[ \t]*r?"""[^]*?"""[ \t]*$/gm, '').replace(/^[ \t]*#.*$/gm, '');
}

const withoutBlankLines = source =>
  source
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trim();

function codeOf(source, extension) {
  const loader = LOADERS[extension];
  if (loader !== undefined) {
    const options = { loader, target: 'esnext', minifyWhitespace: true, legalComments: 'none' };
    return transformSync(source, options).code;
  }
  if (['.c', '.h'].includes(extension)) return withoutBlankLines(withoutCComments(source));
  if (extension === '.py') return withoutBlankLines(withoutPythonComments(source));
  return source;
}

/** Returns the digest of a file's code. Comments have no effect on tests, so the code is hashed without them. */
const codeDigest = file => digest(codeOf(readFileSync(file, 'utf8'), extname(file)));

/**
 * Returns the digest of a patch's effect: the tests that must fail, and the code of the changed files after it is applied. A
 * patch that was only rebased on reworded comments keeps its digest; a patch that does not apply has none.
 */
function effectDigest({ text, files, tests }) {
  const folder = mkdtempSync(join(tmpdir(), 'patched-'));
  try {
    for (const path of files.filter(file => existsSync(join(ROOT, file)))) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(folder, path));
    }
    if (command('git', ['apply', '-p1', '-'], { cwd: folder, input: text }).status !== 0)
      return 'does not apply';
    const patched = files.filter(file => existsSync(join(folder, file))).sort();
    const codes = patched.map(path => [path, codeDigest(join(folder, path))]);
    return digest(JSON.stringify([tests, codes]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Returns the inputs of a mutant's proof, each as a digest by its path: the effect of the patch, the code of the files that it
 * changes, and the code of the test files that it names. While all of them stay the same, the proof is valid.
 */
export function groundsOf(mutant) {
  const { name, files, testFiles } = mutant;
  const paths = [...new Set([...files, ...testFiles])].filter(path => existsSync(join(ROOT, path))).sort();
  return {
    [`attacks/mutants/${name}.patch`]: effectDigest(mutant),
    ...Object.fromEntries(paths.map(path => [path, codeDigest(join(ROOT, path))]))
  };
}
