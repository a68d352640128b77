import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LockedWheel } from '../definition/lock.js';
import { ProgramFailure, runProgram } from '../programs/run.js';
import type { InputCache } from '../inputs/input-cache.js';
import { retry, type RetryOptions } from '../inputs/retry.js';
import { vanished } from '../inputs/vanished.js';

/** bookworm's C library is 2.36; wheels that are content with 2.28 are what today's projects publish. */
const NEWEST_GLIBC = 28;

/** The wheels that a Debian Python on amd64 can load. */
function platformOptions(python: string): string[] {
  const generations = Array.from(
    { length: NEWEST_GLIBC - 4 },
    (_, index) => `manylinux_2_${NEWEST_GLIBC - index}_x86_64`
  );
  const platforms = [...generations, 'manylinux2014_x86_64', 'manylinux2010_x86_64', 'manylinux1_x86_64'];
  return [
    '--only-binary=:all:',
    '--implementation=cp',
    `--python-version=${python}`,
    `--abi=cp${python.replace('.', '')}`,
    ...platforms.map(platform => `--platform=${platform}`)
  ];
}

/** A wheel by its hash. Its size is not known before it has been fetched for the first time. */
export type WheelToFetch = Pick<LockedWheel, 'name' | 'version' | 'digest'> &
  Partial<Pick<LockedWheel, 'size'>>;
export type ChosenWheel = Omit<LockedWheel, 'parts' | 'size'>;

export interface PipOptions {
  /** A Python with pip; CLEAN_ROOM_PYTHON, else `python3`. */
  readonly command?: string;
  /** Its PIP_… variables, among others. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly retry?: RetryOptions;
}

/** pip as the person has configured it: indexes, proxies and certificates are its own matter. */
export class Pip {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #retry: RetryOptions;

  constructor({ command, environment = process.env, retry: options = { attempts: 3 } }: PipOptions = {}) {
    this.#command = command ?? environment['CLEAN_ROOM_PYTHON'] ?? 'python3';
    this.#environment = environment;
    this.#retry = options;
  }

  #run(arguments_: readonly string[]): Promise<string> {
    return runProgram(this.#command, ['-m', 'pip', ...arguments_], { env: this.#environment });
  }

  async #requirePython(version: string): Promise<void> {
    const found = await runProgram(
      this.#command,
      ['-c', 'import sys, pip; print("%d.%d" % sys.version_info[:2])'],
      { env: this.#environment }
    ).then(
      text => text.trim(),
      (cause: unknown) => {
        throw new CleanRoomError('unavailable', `${this.#command} with pip is needed to choose the wheels.`, {
          cause,
          remedy: `Install Python ${version} with pip, or name one with CLEAN_ROOM_PYTHON.`
        });
      }
    );
    // pip decides "only for Python < 3.12" by the Python it runs on, whatever it resolves for.
    if (found === version) return;
    throw new CleanRoomError(
      'conflict',
      `The wheels of a Python ${version} can't be chosen with Python ${found}.`,
      {
        remedy: `Name a Python ${version} with pip with CLEAN_ROOM_PYTHON.`
      }
    );
  }

  /** Chooses wheels for the requirements and all they depend on. */
  async resolve(requirements: readonly string[], python: string): Promise<readonly ChosenWheel[]> {
    if (requirements.length === 0) return [];
    await this.#requirePython(python);
    const folder = await mkdtemp(join(tmpdir(), 'clean-room-relock-'));
    try {
      const report = join(folder, 'report.json');
      const fixed = [
        'install',
        '--dry-run',
        '--ignore-installed',
        '--quiet',
        `--report=${report}`,
        `--target=${folder}`
      ];
      await retry(() => this.#run([...fixed, ...platformOptions(python), ...requirements]), this.#retry);
      return readReport(await readFile(report, 'utf8'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Brings the wheels that are not cached yet into the cache.
   * @throws CleanRoomError `not-found` naming the wheel that no source has any longer, `digest-mismatch`
   */
  async fetch(
    wheels: readonly WheelToFetch[],
    python: string,
    cache: InputCache,
    onFetched: (title: string) => void = () => undefined
  ): Promise<void> {
    for (const wheel of wheels) {
      if (await cache.has(wheel.digest)) continue;
      await this.#fetchOne(wheel, python, cache);
      onFetched(`${wheel.name} ${wheel.version}`);
    }
  }

  async #fetchOne(wheel: WheelToFetch, python: string, cache: InputCache): Promise<void> {
    const title = `${wheel.name} ${wheel.version}`;
    const folder = await cache.scratch();
    await mkdir(folder);
    try {
      const requirement = join(folder, 'requirements.txt');
      await writeFile(requirement, `${wheel.name}==${wheel.version} --hash=${wheel.digest}\n`);
      const fixed = [
        'download',
        '--no-deps',
        '--require-hashes',
        '--quiet',
        `--dest=${folder}`,
        `--requirement=${requirement}`
      ];
      await retry(
        () => this.#run([...fixed, ...platformOptions(python)]).catch(asVerdict(title)),
        this.#retry
      );
      const name = (await readdir(folder)).find(file => file.endsWith('.whl'));
      if (name === undefined) throw vanished(title, 'pip');
      await cache.admit(join(folder, name), { title, ...wheel });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Tells a missing or changed file, which no second try brings back, from a broken connection. */
function asVerdict(title: string): (cause: unknown) => never {
  return cause => {
    const text = cause instanceof ProgramFailure ? cause.words : '';
    if (/THESE PACKAGES DO NOT MATCH THE HASHES/.test(text)) {
      throw new CleanRoomError('digest-mismatch', `${title} is no longer the file that the lock names.`, {
        cause,
        remedy: 'If its project has replaced the file on purpose, relock; else find out who changed it.'
      });
    }
    if (
      /No matching distribution found/.test(text) &&
      !/(?:NewConnectionError|Retrying|timed out)/.test(text)
    ) {
      throw vanished(title, 'your package index', cause);
    }
    throw cause;
  };
}

const Report = Type.Object({
  install: Type.Array(
    Type.Object({
      metadata: Type.Object({ name: Type.String(), version: Type.String() }),
      download_info: Type.Object({
        url: Type.String(),
        archive_info: Type.Object({ hashes: Type.Object({ sha256: Type.String() }) })
      })
    })
  )
});

function readReport(text: string): ChosenWheel[] {
  const report: unknown = JSON.parse(text);
  if (!Check(Report, report)) {
    throw new CleanRoomError('malformed', 'pip wrote a report in a form that this program does not know.', {
      remedy: 'Update pip (22.2 or later).'
    });
  }
  return report.install.map(({ metadata, download_info }) => ({
    name: metadata.name.toLowerCase().replace(/[-_.]+/g, '-'),
    version: metadata.version,
    file: decodeURIComponent(new URL(download_info.url).pathname.split('/').at(-1) ?? ''),
    digest: asDigest(`sha256:${download_info.archive_info.hashes.sha256}`)
  }));
}
