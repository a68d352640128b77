import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { retry, type RetryPolicy } from '@clean-room/node-support';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LockedWheel } from '../definition/lock.js';
import { inputChanged, inputMissing, isTransientError } from '../inputs/errors.js';
import type { InputCache } from '../inputs/input-cache.js';
import { ProgramFailure, runProgram } from '../programs/run.js';

/** The highest minor version of glibc that wheels may need. Debian bookworm has 2.36, and current wheels are built for 2.28. */
const NEWEST_GLIBC = 28;

/** Returns the options of pip that select wheels which a Debian Python on amd64 can load. */
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

/** A wheel by its hash. The size is unknown until the first download. */
type WheelToFetch = Pick<LockedWheel, 'name' | 'version' | 'digest'> & Partial<Pick<LockedWheel, 'size'>>;
/** A wheel that pip chose. */
export type ChosenWheel = Omit<LockedWheel, 'parts' | 'size'>;

/** Options of `Pip`. */
export interface PipOptions {
  /** A Python with pip. By default CLEAN_ROOM_PYTHON, or else `python3`. */
  readonly command?: string;
  /** The environment of pip, with its PIP_… variables. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly retryPolicy?: RetryPolicy;
}

const PIP_RETRY: RetryPolicy = { attempts: 3, firstDelayMs: 500, longestDelayMs: 8000 };

/** Runs pip with the user's own configuration of indexes, proxies and certificates. */
export class Pip {
  readonly #command: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #retryPolicy: RetryPolicy;

  constructor({ command, environment = process.env, retryPolicy = PIP_RETRY }: PipOptions = {}) {
    this.#command = command ?? environment['CLEAN_ROOM_PYTHON'] ?? 'python3';
    this.#environment = environment;
    this.#retryPolicy = retryPolicy;
  }

  #run(arguments_: readonly string[]): Promise<string> {
    return runProgram(this.#command, ['-m', 'pip', ...arguments_], { env: this.#environment });
  }

  #retry<T>(operation: () => Promise<T>): Promise<T> {
    return retry(this.#retryPolicy, operation, { isTransient: isTransientError });
  }

  /** Checks that pip runs on the image's version of Python. */
  async #requirePython(version: string): Promise<void> {
    const found = await runProgram(
      this.#command,
      ['-c', 'import sys, pip; print("%d.%d" % sys.version_info[:2])'],
      { env: this.#environment }
    ).then(
      text => text.trim(),
      (cause: unknown) => {
        throw new CleanRoomError(
          'unavailable',
          `To choose wheels, the builder needs ${this.#command} with pip, which could not be run.`,
          {
            cause,
            remedy: `Install Python ${version} with pip, or set CLEAN_ROOM_PYTHON to the path of one.`
          }
        );
      }
    );
    // pip evaluates markers such as "python_version < 3.12" for the Python that it runs on, even with --python-version.
    if (found === version) return;
    throw new CleanRoomError(
      'conflict',
      `Wheels for Python ${version} cannot be chosen with Python ${found}.`,
      {
        remedy: `Set CLEAN_ROOM_PYTHON to the path of a Python ${version} with pip.`
      }
    );
  }

  /**
   * Chooses wheels for requirements and all their dependencies.
   *
   * @param python - the version of Python, such as `3.11`
   * @throws CleanRoomError `unavailable`, `conflict` if pip runs on another version of Python, `malformed`
   * @throws ProgramFailure if pip fails
   */
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
      await this.#retry(() => this.#run([...fixed, ...platformOptions(python), ...requirements]));
      return readReport(await readFile(report, 'utf8'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Downloads the wheels that are not in the cache.
   *
   * @param onFetched - called after each download with the wheel's name and version
   * @throws CleanRoomError `not-found` if no source has a wheel any more, `digest-mismatch`
   * @throws ProgramFailure if pip fails for another reason
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
    const folder = await cache.temporaryPath();
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
      await this.#retry(() => this.#run([...fixed, ...platformOptions(python)]).catch(throwPipError(title)));
      const name = (await readdir(folder)).find(file => file.endsWith('.whl'));
      if (name === undefined) throw inputMissing(title, 'pip');
      await cache.add(join(folder, name), { title, ...wheel });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/**
 * Returns a handler for errors of pip. For a missing or changed file it throws an error that is final; other errors are
 * rethrown and may be transient.
 */
function throwPipError(title: string): (cause: unknown) => never {
  return cause => {
    const text = cause instanceof ProgramFailure ? cause.errorOutput : '';
    if (/THESE PACKAGES DO NOT MATCH THE HASHES/.test(text)) {
      throw inputChanged(title, { cause });
    }
    if (
      /No matching distribution found/.test(text) &&
      !/(?:NewConnectionError|Retrying|timed out)/.test(text)
    ) {
      throw inputMissing(title, 'your package index', cause);
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
    throw new CleanRoomError('malformed', 'The report of pip has an unknown format.', {
      remedy: 'Update pip to 22.2 or later.'
    });
  }
  return report.install.map(({ metadata, download_info }) => ({
    name: metadata.name.toLowerCase().replace(/[-_.]+/g, '-'),
    version: metadata.version,
    file: decodeURIComponent(new URL(download_info.url).pathname.split('/').at(-1) ?? ''),
    digest: asDigest(`sha256:${download_info.archive_info.hashes.sha256}`)
  }));
}
