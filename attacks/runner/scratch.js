import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PACKAGES, ROOT, command } from './paths.js';

const BIN = join(ROOT, 'node_modules/.bin');

function projectFiles() {
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return command('git', words, { cwd: ROOT })
    .stdout.split('\0')
    .filter(file => file !== '' && statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile());
}

/**
 * A scratch copy of the project. The project's own packages resolve to the copy, all others to those installed in the
 * original.
 */
export class ScratchCopy {
  #folder = mkdtempSync(join(tmpdir(), 'mutant-'));

  constructor() {
    // The tests run parts of the copy as an ordinary user.
    chmodSync(this.#folder, 0o755);
    for (const path of projectFiles()) {
      mkdirSync(join(this.#folder, dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(this.#folder, path));
    }
    const modules = join(this.#folder, 'node_modules');
    mkdirSync(join(modules, '@clean-room'), { recursive: true });
    for (const entry of readdirSync(join(ROOT, 'node_modules'))) {
      if (entry !== '@clean-room') symlinkSync(join(ROOT, 'node_modules', entry), join(modules, entry));
    }
    for (const folder of PACKAGES) {
      const { name } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
      if (name.startsWith('@clean-room/')) symlinkSync(join(this.#folder, folder), join(modules, name));
    }
    for (const shared of ['.cache', '.venv'])
      if (existsSync(join(ROOT, shared))) symlinkSync(join(ROOT, shared), join(this.#folder, shared));
  }

  /**
   * Applies a patch to the copy.
   *
   * @returns undefined, or the reason why the patch does not apply
   */
  apply(text, ...options) {
    const words = ['apply', '-p1', ...options, '-'];
    const applied = command('git', words, { cwd: this.#folder, input: text });
    return applied.status === 0 ? undefined : applied.stderr.trim();
  }

  /**
   * Compiles the copy and bundles the programs that a run starts.
   *
   * @returns undefined, or the errors of the compiler or the bundler
   */
  build() {
    const built = command(join(BIN, 'tsc'), ['-b'], { cwd: this.#folder });
    if (built.status !== 0) return built.stdout.trim();
    // A run starts bundled programs, so they must be bundled from the code that was just compiled.
    if (!existsSync(join(this.#folder, 'packages/simulator/lib'))) return undefined;
    const bundled = command(join(BIN, 'node'), ['packages/simulator/build/bundle.js'], { cwd: this.#folder });
    return bundled.status === 0 ? undefined : bundled.stderr.trim();
  }

  /**
   * Runs the tests of a package.
   *
   * @param folder - the package
   * @param files - the test files to run; if empty, all tests of the package run
   * @returns the names of the tests that fail, `FILE › NAME`
   */
  failures(folder, files) {
    const report = join(this.#folder, 'report.json');
    rmSync(report, { force: true });
    const jest = [
      ...['--experimental-vm-modules', '--no-warnings', join(ROOT, 'node_modules/jest/bin/jest.js')],
      ...['--json', `--outputFile=${report}`, '--silent', '--maxWorkers=2']
    ];
    const wanted =
      files.length === 0 ? [] : ['--runTestsByPath', ...files.map(file => join(this.#folder, file))];
    const { stderr } = command(join(BIN, 'node'), [...jest, ...wanted], {
      cwd: join(this.#folder, folder),
      // With CI=true, jest would retry each failing test, and a listed test must never be retried.
      env: { ...process.env, CI: '', PATH: `${BIN}:${process.env.PATH}` }
    });
    if (!existsSync(report)) return [`${folder} › (the tests did not run) ${stderr.trim().slice(0, 2000)}`];
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return testResults.flatMap(({ name, status, assertionResults }) => {
      const path = name.slice(this.#folder.length + 1);
      const failed = assertionResults
        .filter(result => result.status === 'failed')
        .map(result => `${path} › ${result.fullName}`);
      return status === 'failed' && failed.length === 0 ? [`${path} › (did not run)`] : failed;
    });
  }

  /** Deletes the copy. */
  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
