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
import { ROOMS, ROOT, command } from './paths.js';

const BIN = join(ROOT, 'node_modules/.bin');

function projectFiles() {
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return command('git', words, { cwd: ROOT })
    .stdout.split('\0')
    .filter(file => file !== '' && statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile());
}

/** A copy of the project’s files whose own packages resolve to the copy, everything else to what is installed. */
export class Scratch {
  #folder = mkdtempSync(join(tmpdir(), 'mutant-'));

  constructor() {
    // the tests run parts of it as an ordinary user
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
    for (const room of ROOMS) {
      const { name } = JSON.parse(readFileSync(join(ROOT, room, 'package.json'), 'utf8'));
      if (name.startsWith('@clean-room/')) symlinkSync(join(this.#folder, room), join(modules, name));
    }
    for (const shared of ['.cache', '.venv'])
      if (existsSync(join(ROOT, shared))) symlinkSync(join(ROOT, shared), join(this.#folder, shared));
  }

  /** @returns undefined, or why the patch does not apply */
  apply(text, ...options) {
    const words = ['apply', '-p1', ...options, '-'];
    const applied = command('git', words, { cwd: this.#folder, input: text });
    return applied.status === 0 ? undefined : applied.stderr.trim();
  }

  /** @returns undefined, or what the compiler or the bundler complains about */
  build(rooms) {
    const compiled = rooms.filter(room => existsSync(join(this.#folder, room, 'tsconfig.json')));
    const built = command(join(BIN, 'tsc'), ['-b', ...compiled], { cwd: this.#folder });
    if (built.status !== 0) return built.stdout.trim();
    // What a run starts is bundled from what was just compiled.
    if (!existsSync(join(this.#folder, 'packages/simulator/lib'))) return undefined;
    const bundled = command(join(BIN, 'node'), ['packages/simulator/build/bundle.js'], { cwd: this.#folder });
    return bundled.status === 0 ? undefined : bundled.stderr.trim();
  }

  /** The tests of a room that fail, or those of some of its files. */
  failures(room, files) {
    const report = join(this.#folder, 'report.json');
    rmSync(report, { force: true });
    const jest = [
      ...['--experimental-vm-modules', '--no-warnings', join(ROOT, 'node_modules/jest/bin/jest.js')],
      ...['--json', `--outputFile=${report}`, '--silent', '--maxWorkers=2']
    ];
    const wanted =
      files.length === 0 ? [] : ['--runTestsByPath', ...files.map(file => join(this.#folder, file))];
    const { stderr } = command(join(BIN, 'node'), [...jest, ...wanted], {
      cwd: join(this.#folder, room),
      // not as in CI, where a test that fails is tried again
      env: { ...process.env, CI: '', PATH: `${BIN}:${process.env.PATH}` }
    });
    if (!existsSync(report)) return [`${room} › (the tests did not run) ${stderr.trim().slice(0, 2000)}`];
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return testResults.flatMap(({ name, status, assertionResults }) => {
      const path = name.slice(this.#folder.length + 1);
      const failed = assertionResults
        .filter(result => result.status === 'failed')
        .map(result => `${path} › ${result.fullName}`);
      return status === 'failed' && failed.length === 0 ? [`${path} › (did not run)`] : failed;
    });
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
