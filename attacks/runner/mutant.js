import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS, ROOMS } from './paths.js';

const PROFILES = ['second-uid', 'nested-namespace'];

function roomOf(path) {
  const room = ROOMS.find(candidate => path.startsWith(`${candidate}/`));
  if (room === undefined) throw new Error(`${path} is in no room.`);
  return room;
}

/** A name that says `{profile}` stands for the test in each sandbox profile. */
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
  const rooms = [...new Set([...files, ...testFiles].map(roomOf))];
  return { name: file.replace(/\.patch$/, ''), text, claim, tests, files, testFiles, rooms };
}

/**
 * Every patch, with what it says of itself: its claim, the tests that notice it (`FILE › NAME`, both as jest tells
 * them; a name that ends in … stands for all that begin so), the files it changes, and the rooms of those and the tests.
 */
export function readMutants() {
  return readdirSync(MUTANTS)
    .filter(file => file.endsWith('.patch'))
    .sort()
    .map(readMutant);
}
