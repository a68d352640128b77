/** Runs the steps that make a machine ready, each only when its inputs changed. Plain JavaScript for Node 18 and later: it runs before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const STAMPS = join(ROOT, '.cache/setup');

/** What stops the setup, in words for the person at the keyboard. */
export class SetupError extends Error {}

export const environment = () => ({
  ...process.env,
  PATH: `${join(ROOT, '.venv/bin')}:${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`
});

/** @param {string[]} command */
export function run(command, { cwd = ROOT, env = environment(), remedy = '', quiet = false } = {}) {
  const [program, ...args] = command;
  const result = spawnSync(program, args, {
    cwd,
    env,
    stdio: quiet ? ['ignore', 'ignore', 'inherit'] : 'inherit'
  });
  if (result.status !== 0) {
    const why = result.error ? result.error.message : `it ended with ${result.status ?? result.signal}`;
    throw new SetupError(`"${command.join(' ')}" did not succeed: ${why}. ${remedy}`.trim());
  }
}

/**
 * Runs a command while others may run too.
 *
 * @param {string[]} command
 * @returns {Promise<string | undefined>} undefined when it succeeded, or why it did not
 */
export function attempt([program, ...args]) {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: environment(),
      stdio: ['ignore', 'inherit', 'inherit']
    });
    child.on('error', error => resolve(error.message));
    child.on('exit', (code, signal) =>
      resolve(code === 0 ? undefined : `"${[program, ...args].join(' ')}" ended with ${code ?? signal}.`)
    );
  });
}

export function has(program) {
  return spawnSync('sh', ['-c', `command -v "$1"`, 'sh', program], { env: environment() }).status === 0;
}

function files(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .filter(entry => !['node_modules', 'lib', '__pycache__', '.venv'].includes(entry.name))
    .flatMap(entry => files(join(path, entry.name)))
    .sort();
}

function fingerprint(inputs) {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap(files)) hash.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

/**
 * Takes a step when its inputs changed since it last succeeded, or when what it makes is gone.
 * @param {string} title a plain sentence part, shown to the person
 * @param {{ name: string, inputs: string[], makes: string[] }} step paths from the root
 * @param {() => void} take
 */
export function step(title, { name, inputs, makes }, take) {
  const stamp = join(STAMPS, name);
  const now = fingerprint(inputs);
  const done =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === now &&
    makes.every(path => existsSync(join(ROOT, path)));
  if (done) return;
  console.log(`\n— ${title}`);
  take();
  mkdirSync(STAMPS, { recursive: true });
  // Taken anew after the step: some steps complete their own inputs.
  writeFileSync(stamp, fingerprint(inputs));
}

/** Runs a script's main part and ends the process with a sentence instead of a stack trace. */
export async function main(part) {
  try {
    await part();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
