/** Applies each mutant to a scratch copy and requires that exactly the tests it names fail there. */
import { parseArgs } from 'node:util';
import { readMutants } from './runner/mutant.js';
import { Proven } from './runner/proven.js';
import { Scratch } from './runner/scratch.js';

const matches = (pattern, test) =>
  pattern.endsWith('…') ? test.startsWith(pattern.slice(0, -1)) : test === pattern;

function tryOut(scratch, mutant, onlyNamed) {
  const complaint = scratch.build(mutant.rooms);
  if (complaint !== undefined) return [`the mutant does not compile: ${complaint}`];
  const failed = mutant.rooms.flatMap(room => {
    const files = onlyNamed ? mutant.testFiles.filter(file => file.startsWith(`${room}/`)) : [];
    return onlyNamed && files.length === 0 ? [] : scratch.failures(room, files);
  });
  const unnoticed = mutant.tests.filter(pattern => !failed.some(test => matches(pattern, test)));
  const unlisted = failed.filter(test => !mutant.tests.some(pattern => matches(pattern, test)));
  return [
    ...unnoticed.map(pattern => `nothing notices: ${pattern}`),
    ...unlisted.map(test => `fails, but is not listed: ${test}`)
  ];
}

function prove(scratch, mutant, onlyNamed) {
  const refused = scratch.apply(mutant.text);
  if (refused !== undefined) return [`the patch does not apply: ${refused}`];
  try {
    return tryOut(scratch, mutant, onlyNamed);
  } finally {
    scratch.apply(mutant.text, '--reverse');
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { changed: { type: 'boolean', default: false }, named: { type: 'boolean', default: false } }
});
const mutants = readMutants();
const unknown = positionals.filter(name => !mutants.some(mutant => mutant.name === name));
if (unknown.length > 0) throw new Error(`There is no mutant ${unknown.join(', ')}.`);
const proven = new Proven();
const wanted = mutants.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const due = wanted
  .map(mutant => ({ mutant, changed: proven.changedSince(mutant) }))
  .filter(({ changed }) => !values.changed || changed.length > 0);
for (const { mutant, changed } of values.changed ? due : [])
  console.log(`due       ${mutant.name}: not as when it was proven: ${changed.join(', ')}`);
let bad = 0;
const scratch = due.length > 0 ? new Scratch() : undefined;
try {
  for (const { mutant } of due) {
    const started = Date.now();
    const problems = prove(scratch, mutant, values.named);
    const seconds = Math.round((Date.now() - started) / 1000);
    const verdict = problems.length === 0 ? 'noticed  ' : 'UNNOTICED';
    console.log(`${verdict} ${mutant.name}: ${mutant.claim} (${seconds} s)`);
    for (const problem of problems) console.log(`    ${problem}`);
    if (problems.length > 0) bad++;
    else if (process.env.CI !== 'true' && !values.named) proven.save(mutant, mutants);
  }
} finally {
  scratch?.remove();
}
console.log(`${mutants.length} mutants known, ${due.length} tried, ${bad} unnoticed or broken`);
process.exitCode = bad === 0 ? 0 : 1;
