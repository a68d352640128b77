/**
 * Runs the steps that prepare a machine, each only when its inputs changed. This is plain JavaScript for Node 18 and later,
 * because it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const STAMPS = join(ROOT, '.cache/setup');

/** An error that ends the setup; its message tells the user what to do. */
export class SetupError extends Error {}

export const environment = () => ({
  ...process.env,
  PATH: `${join(ROOT, '.venv/bin')}:${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`
});

/**
 * Runs a command and waits for its end.
 *
 * @param {string[]} command - the program and its arguments
 * @throws SetupError when the command fails
 */
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
 * Starts a command, and resolves when it ends. Several commands can run at the same time.
 *
 * @param {string[]} command - the program and its arguments
 * @returns {Promise<string | undefined>} undefined when the command succeeded, otherwise the reason why it failed
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
 * Runs a step when its inputs changed since it last succeeded, or when one of its results is missing.
 *
 * @param {string} title - shown to the user
 * @param {{ name: string, inputs: string[], makes: string[] }} step - paths of inputs and results, relative to the root
 * @param {() => void} take - does the work
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
  // The fingerprint is computed again after the step, because some steps change their own inputs.
  writeFileSync(stamp, fingerprint(inputs));
}

/** Runs the main part of a script. A SetupError ends the process with its message instead of a stack trace. */
export async function main(part) {
  try {
    await part();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
