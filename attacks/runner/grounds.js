import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { transformSync } from 'esbuild';
import { ROOT, command } from './paths.js';

const LOADERS = { '.ts': 'ts', '.tsx': 'tsx', '.js': 'js', '.mjs': 'js', '.cjs': 'js' };

const digest = content => createHash('sha256').update(content).digest('hex');

/**
 * Returns the digest of a file's code. Comments, formatting and types do not change what a test sees, so TypeScript and
 * JavaScript are hashed without them. Other files (C, Python) are hashed byte by byte.
 */
function codeDigest(file) {
  const content = readFileSync(file);
  const loader = LOADERS[extname(file)];
  if (loader === undefined) return digest(content);
  const options = { loader, target: 'esnext', minifyWhitespace: true, legalComments: 'none' };
  return digest(transformSync(content.toString('utf8'), options).code);
}

/**
 * Returns the digest of what a patch does: the tests that must fail, and the code of the changed files once it is applied.
 * A patch that was only rebased on reworded comments keeps its digest; one that no longer applies has none.
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
 * Returns the grounds of a mutant's proof by path: the effect of the patch, the code of the files that it changes, and the
 * code of the test files that it names. While all of them stay the same, the proof holds.
 */
export function groundsOf(mutant) {
  const { name, files, testFiles } = mutant;
  const paths = [...new Set([...files, ...testFiles])].filter(path => existsSync(join(ROOT, path))).sort();
  return {
    [`attacks/mutants/${name}.patch`]: effectDigest(mutant),
    ...Object.fromEntries(paths.map(path => [path, codeDigest(join(ROOT, path))]))
  };
}
