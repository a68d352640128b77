/** Applies each mutant to a scratch copy, and requires that exactly the tests that the mutant names fail there. */
import { parseArgs } from 'node:util';
import { readMutants } from './runner/mutant.js';
import { Proofs } from './runner/proofs.js';
import { ScratchCopy } from './runner/scratch.js';

const matches = (pattern, test) =>
  pattern.endsWith('…') ? test.startsWith(pattern.slice(0, -1)) : test === pattern;

const inPackage = (folder, file) => file.startsWith(`${folder}/`);

/**
 * Returns those of `tests` that fail again when only their test files run. On a shared machine, tests sometimes time out;
 * such a failure says nothing about the mutant.
 */
function failingAgain(scratch, mutant, tests) {
  const files = [...new Set(tests.map(test => test.split(' › ')[0]))];
  const again = files.flatMap(file => {
    const folder = mutant.packages.find(candidate => inPackage(candidate, file));
    // A failure that names no test file means that the test program itself did not start. That is not a timeout of one test.
    if (folder === undefined) return tests.filter(test => test.startsWith(`${file} › `));
    return scratch.failures(folder, [file]);
  });
  return tests.filter(test => again.includes(test));
}

/** Returns the reasons why the applied mutant is unnoticed or broken; none if exactly the named tests fail. */
function findProblems(scratch, mutant, onlyNamed) {
  const errors = scratch.build();
  if (errors !== undefined) return [`the mutant does not compile: ${errors}`];
  const failed = mutant.packages.flatMap(folder => {
    const files = onlyNamed ? mutant.testFiles.filter(file => inPackage(folder, file)) : [];
    return onlyNamed && files.length === 0 ? [] : scratch.failures(folder, files);
  });
  const unnoticed = mutant.tests.filter(pattern => !failed.some(test => matches(pattern, test)));
  const unlisted = failed.filter(test => !mutant.tests.some(pattern => matches(pattern, test)));
  return [
    ...unnoticed.map(pattern => `nothing notices: ${pattern}`),
    ...failingAgain(scratch, mutant, unlisted).map(test => `fails, but is not listed: ${test}`)
  ];
}

function prove(scratch, mutant, onlyNamed) {
  const rejected = scratch.apply(mutant.text);
  if (rejected !== undefined) return [`the patch does not apply: ${rejected}`];
  try {
    return findProblems(scratch, mutant, onlyNamed);
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
const proofs = new Proofs(values.named);
const selected = mutants.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const due = selected
  .map(mutant => ({ mutant, changed: values.changed ? proofs.changedSince(mutant) : [] }))
  .filter(({ changed }) => !values.changed || changed.length > 0);
for (const { mutant, changed } of values.changed ? due : [])
  console.log(`due       ${mutant.name}: changed since it was proven: ${changed.join(', ')}`);
let bad = 0;
const scratch = due.length > 0 ? new ScratchCopy() : undefined;
try {
  for (const { mutant } of due) {
    const started = Date.now();
    const problems = prove(scratch, mutant, values.named);
    const seconds = Math.round((Date.now() - started) / 1000);
    const verdict = problems.length === 0 ? 'noticed  ' : 'UNNOTICED';
    console.log(`${verdict} ${mutant.name}: ${mutant.claim} (${seconds} s)`);
    for (const problem of problems) console.log(`    ${problem}`);
    if (problems.length > 0) bad++;
    else if (process.env.CI !== 'true') proofs.save(mutant, mutants);
  }
} finally {
  scratch?.remove();
}
console.log(`${mutants.length} mutants known, ${due.length} tried, ${bad} unnoticed or broken`);
process.exitCode = bad === 0 ? 0 : 1;
