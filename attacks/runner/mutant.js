import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS, PACKAGES } from './paths.js';

const PROFILES = ['second-uid', 'nested-namespace'];

function packageOf(path) {
  const folder = PACKAGES.find(candidate => path.startsWith(`${candidate}/`));
  if (folder === undefined) throw new Error(`${path} is not in a package.`);
  return folder;
}

/** Replaces `{profile}` in a test name: returns one name for each sandbox profile, or the name itself. */
function everyProfile(test) {
  return test.includes('{profile}') ? PROFILES.map(profile => test.replace('{profile}', profile)) : [test];
}

function readMutant(file) {
  const text = readFileSync(join(MUTANTS, file), 'utf8');
  const field = name => [...text.matchAll(new RegExp(`^${name}: (.+)$`, 'gm'))].map(match => match[1].trim());
  const [claim] = field('Claim');
  const tests = field('Test').flatMap(everyProfile);
  const files = [...text.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(match => match[1]);
  if (!claim || tests.length === 0 || files.length === 0)
    throw new Error(`${file} lacks Claim, Test or a diff.`);
  const testFiles = [...new Set(tests.map(test => test.split(' › ')[0]))];
  const packages = [...new Set([...files, ...testFiles].map(packageOf))];
  return { name: file.replace(/\.patch$/, ''), text, claim, tests, files, testFiles, packages };
}

/**
 * Returns every patch with its claim, the tests that must fail with it, the files that it changes, and the packages of these
 * files and tests. A test is written as `FILE › NAME`, as jest prints it. A name that ends in … matches all tests whose names
 * begin with the text before it.
 */
export function readMutants() {
  return readdirSync(MUTANTS)
    .filter(file => file.endsWith('.patch'))
    .sort()
    .map(readMutant);
}
