import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { findMirror, fetchPackages } from '../debian/mirror.js';
import { readRelease, type ReleaseOptions } from '../debian/release.js';
import { readPackageIndex, resolve } from '../debian/resolver.js';
import type { ReadDefinition } from '../definition/definition.js';
import type { ImageLock, LockedPackage, LockedWheel, Part } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { Pip, type ChosenWheel } from '../python/pip.js';

/** Options of `relock`. */
export interface RelockOptions extends ReleaseOptions {
  /** The environment, which configures the mirror and pip. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly onProgress?: (line: string) => void;
}

/**
 * Merges the choices of several parts into one list.
 *
 * @throws CleanRoomError `conflict` if parts chose different versions
 */
function mergeParts<T extends { name: string; version: string }>(
  chosen: readonly (readonly [Part, readonly T[]])[]
): (T & { parts: Part[] })[] {
  const byName = new Map<string, T & { parts: Part[] }>();
  for (const [part, items] of chosen) {
    for (const item of items) {
      const known = byName.get(item.name);
      if (known === undefined) byName.set(item.name, { ...item, parts: [part] });
      else if (known.version === item.version) known.parts.push(part);
      else
        throw new CleanRoomError(
          'conflict',
          `Two parts of the image need different versions of ${item.name}.`
        );
    }
  }
  return [...byName.values()];
}

async function choosePackages(
  { definition: { debian } }: ReadDefinition,
  mirror: URL,
  options: RelockOptions
): Promise<Omit<ImageLock['debian'], 'packages'> & { packages: LockedPackage[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'clean-room-relock-'));
  try {
    const release = await readRelease(mirror, debian.release, folder, options);
    const index = readPackageIndex(release.packages);
    const without = new Set(Object.keys(debian.without));
    const chosen = mergeParts([
      ['outer', resolve(index, debian.outer, without)],
      ['jail', resolve(index, debian.jail, without)]
    ]);
    return {
      release: debian.release,
      indexed: release.indexed,
      signatureChecked: release.signatureChecked,
      packages: chosen.map(({ name, version, path, size, digest, parts }) => ({
        name,
        version,
        path,
        size,
        digest,
        parts
      }))
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function chooseWheels(
  { definition: { python } }: ReadDefinition,
  pip: Pip,
  cache: InputCache,
  report: (line: string) => void
): Promise<LockedWheel[]> {
  const choose = async (part: Part): Promise<readonly [Part, readonly ChosenWheel[]]> => {
    const found = await pip.resolve(python[part], python.version);
    return [part, found.filter(({ name }) => !(name in python.without))];
  };
  const chosen = mergeParts([await choose('outer'), await choose('jail'), await choose('build')]);
  const wheels: LockedWheel[] = [];
  for (const wheel of chosen) {
    await pip.fetch([wheel], python.version, cache, title => {
      report(`Downloaded ${title}`);
    });
    wheels.push({ ...wheel, size: (await stat(cache.pathOf(wheel.digest))).size });
  }
  return wheels;
}

/**
 * Chooses current packages and wheels for a definition and downloads them, so that a lock never names a file that does not
 * exist.
 *
 * @returns the new lock, which is not written
 * @throws CleanRoomError `signature-invalid` if the archive's signature cannot be checked, and the errors of `resolve` and `Pip`
 */
export async function relock(
  read: ReadDefinition,
  cache: InputCache,
  options: RelockOptions = {}
): Promise<ImageLock> {
  const report = options.onProgress ?? ((): void => undefined);
  const mirror = await findMirror(read.definition.debian.release, options.environment);
  const debian = await choosePackages(read, mirror, options);
  await fetchPackages(debian.packages, mirror, cache, title => {
    report(`Downloaded ${title}`);
  });
  const wheels = await chooseWheels(
    read,
    new Pip(options.environment === undefined ? {} : { environment: options.environment }),
    cache,
    report
  );
  return {
    format: 'clean-room.kernel-image-lock/v1',
    wanted: read.wanted,
    debian,
    python: { version: read.definition.python.version, wheels }
  };
}
