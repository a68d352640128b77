/** Applies each mutant to a scratch copy and requires that exactly the tests it names fail there. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ATTACKS = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(ATTACKS);
const MUTANTS = join(ATTACKS, 'mutants');
const PROVEN = join(ATTACKS, 'proven.json');

function command(program, args, options = {}) {
  return spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
}

function projectFiles() {
  const { stdout } = command('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT
  });
  return stdout
    .split('\0')
    .filter(file => file !== '' && statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile());
}

/** @returns {{ name: string, text: string, claim: string, room: string, tests: string[], files: string[] }} */
function readMutant(file) {
  const text = readFileSync(join(MUTANTS, file), 'utf8');
  const field = name => [...text.matchAll(new RegExp(`^${name}: (.+)$`, 'gm'))].map(match => match[1].trim());
  const [[claim], [room], tests, files] = [
    field('Claim'),
    field('Room'),
    field('Test'),
    [...text.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(m => m[1])
  ];
  if (!claim || !room || tests.length === 0 || files.length === 0)
    throw new Error(`${file} lacks Claim, Room, Test or a diff.`);
  return { name: file.replace(/\.patch$/, ''), text, claim, room, tests, files };
}

/** Changes when the patch, a file it touches, or a test file it names does. */
function state({ text, room, tests, files }) {
  const hash = createHash('sha256').update(text);
  const testFiles = tests.map(test => join(room, test.split(' › ')[0]));
  for (const path of [...new Set([...files, ...testFiles])].sort())
    hash.update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

/** A copy of the project’s files whose workspace packages resolve to the copy, everything else to what is installed. */
function scratchCopy() {
  const scratch = mkdtempSync(join(tmpdir(), 'mutant-'));
  for (const path of projectFiles()) {
    mkdirSync(join(scratch, dirname(path)), { recursive: true });
    cpSync(join(ROOT, path), join(scratch, path));
  }
  const modules = join(scratch, 'node_modules');
  mkdirSync(join(modules, '@clean-room'), { recursive: true });
  for (const entry of readdirSync(join(ROOT, 'node_modules'))) {
    if (entry !== '@clean-room') symlinkSync(join(ROOT, 'node_modules', entry), join(modules, entry));
  }
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const room of workspaces) {
    const { name } = JSON.parse(readFileSync(join(ROOT, room, 'package.json'), 'utf8'));
    if (name.startsWith('@clean-room/')) symlinkSync(join(scratch, room), join(modules, name));
  }
  for (const shared of ['.cache', '.venv']) symlinkSync(join(ROOT, shared), join(scratch, shared));
  return scratch;
}

function failures(scratch, room) {
  const report = join(scratch, 'report.json');
  command(
    join(ROOT, 'node_modules/.bin/node'),
    [
      '--experimental-vm-modules',
      '--no-warnings',
      join(ROOT, 'node_modules/jest/bin/jest.js'),
      '--json',
      `--outputFile=${report}`,
      '--silent'
    ],
    {
      cwd: join(scratch, room),
      stdio: 'ignore',
      env: { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` }
    }
  );
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const path = name.slice(join(scratch, room).length + 1);
    const failed = assertionResults
      .filter(result => result.status === 'failed')
      .map(result => `${path} › ${result.fullName}`);
    return status === 'failed' && failed.length === 0 ? [`${path} › (did not run)`] : failed;
  });
}

const matches = (pattern, test) =>
  pattern.endsWith('…') ? test.startsWith(pattern.slice(0, -1)) : test === pattern;

function prove(scratch, mutant) {
  const patch = (...options) =>
    command('git', ['apply', '-p1', ...options, '-'], { cwd: scratch, input: mutant.text });
  const applied = patch();
  if (applied.status !== 0) return [`the patch does not apply: ${applied.stderr.trim()}`];
  try {
    const built = command(join(ROOT, 'node_modules/.bin/tsc'), ['-b', mutant.room], { cwd: scratch });
    if (built.status !== 0) return [`the mutant does not compile: ${built.stdout.trim()}`];
    const failed = failures(scratch, mutant.room);
    return [
      ...mutant.tests
        .filter(pattern => !failed.some(test => matches(pattern, test)))
        .map(pattern => `nothing notices: ${pattern}`),
      ...failed
        .filter(test => !mutant.tests.some(pattern => matches(pattern, test)))
        .map(test => `fails, but is not listed: ${test}`)
    ];
  } finally {
    patch('--reverse');
  }
}

const wanted = process.argv.slice(2).filter(argument => argument !== '--changed');
const onlyChanged = process.argv.includes('--changed');
const proven = JSON.parse(readFileSync(PROVEN, 'utf8'));
const mutants = readdirSync(MUTANTS)
  .filter(file => file.endsWith('.patch'))
  .sort()
  .map(readMutant);
const due = mutants.filter(
  mutant =>
    (wanted.length === 0 || wanted.includes(mutant.name)) &&
    !(onlyChanged && proven[mutant.name] === state(mutant))
);
let bad = 0;
const scratch = due.length > 0 ? scratchCopy() : undefined;
try {
  for (const mutant of due) {
    const problems = prove(scratch, mutant);
    console.log(`${problems.length === 0 ? 'noticed  ' : 'UNNOTICED'} ${mutant.name}: ${mutant.claim}`);
    for (const problem of problems) console.log(`    ${problem}`);
    if (problems.length > 0) bad++;
    else if (process.env.CI !== 'true') {
      proven[mutant.name] = state(mutant);
      writeFileSync(PROVEN, `${JSON.stringify(proven, Object.keys(proven).sort(), 2)}\n`);
    }
  }
} finally {
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
}
console.log(`${mutants.length} mutants known, ${due.length} tried, ${bad} unnoticed or broken`);
process.exitCode = bad === 0 ? 0 : 1;
