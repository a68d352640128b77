import { CleanRoomError } from '@clean-room/protocol/errors';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { parseControl, parseDependencies, type Dependency, type Paragraph } from './control.js';
import { compareVersions, satisfies } from './version.js';

/** A package as the release's index describes it. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  readonly depends: readonly Dependency[][];
  readonly provides: readonly Dependency[];
}

/** The packages of a release by name. */
export type PackageIndex = ReadonlyMap<string, IndexedPackage>;

function required(paragraph: Paragraph, field: string): string {
  const value = paragraph.get(field);
  if (value === undefined) {
    throw new CleanRoomError(
      'malformed',
      `${paragraph.get('package') ?? 'A package'} in the index has no field ${field}.`
    );
  }
  return value;
}

function toPackage(paragraph: Paragraph): IndexedPackage {
  const dependencies = (field: string): Dependency[][] => parseDependencies(paragraph.get(field) ?? '');
  return {
    name: required(paragraph, 'package'),
    version: required(paragraph, 'version'),
    path: required(paragraph, 'filename'),
    size: Number(required(paragraph, 'size')),
    digest: asDigest(`sha256:${required(paragraph, 'sha256')}`),
    depends: [...dependencies('pre-depends'), ...dependencies('depends')],
    provides: dependencies('provides').flat()
  };
}

/**
 * Parses a `Packages` file. If it contains several versions of a package, the highest is used.
 *
 * @throws CleanRoomError `malformed`
 */
export function readPackageIndex(text: string): PackageIndex {
  const index = new Map<string, IndexedPackage>();
  for (const paragraph of parseControl(text)) {
    const candidate = toPackage(paragraph);
    const known = index.get(candidate.name);
    if (known === undefined || compareVersions(candidate.version, known.version) > 0) {
      index.set(candidate.name, candidate);
    }
  }
  return index;
}

function isVersionSatisfied(version: string, { relation, version: bound }: Dependency): boolean {
  return relation === undefined || bound === undefined || satisfies(version, relation, bound);
}

/** Returns whether a package satisfies a dependency, by its name or by a name that it provides. */
function satisfiesDependency(candidate: IndexedPackage, dependency: Dependency): boolean {
  if (candidate.name === dependency.name) return isVersionSatisfied(candidate.version, dependency);
  return candidate.provides.some(
    ({ name, version }) =>
      name === dependency.name &&
      (version === undefined ? dependency.relation === undefined : isVersionSatisfied(version, dependency))
  );
}

function describe({ name, relation, version }: Dependency): string {
  return relation === undefined ? name : `${name} (${relation} ${version ?? ''})`;
}

/**
 * Returns packages with all their dependencies, sorted by name. If a clause has several alternatives, one that is already
 * chosen is used, or else the first that the release has.
 *
 * @param requested - names of packages
 * @param without - names that are left out even if a package depends on them
 * @throws CleanRoomError `not-found` if the release lacks a package, `conflict` if several packages provide a required name and
 * the definition names none of them
 */
export function resolve(
  index: PackageIndex,
  requested: readonly string[],
  without: ReadonlySet<string>
): readonly IndexedPackage[] {
  const chosen = new Map<string, IndexedPackage>();
  const queue: IndexedPackage[] = [];
  const choose = (candidate: IndexedPackage): void => {
    if (chosen.has(candidate.name)) return;
    chosen.set(candidate.name, candidate);
    queue.push(candidate);
  };
  for (const name of requested) {
    const candidate = index.get(name);
    if (candidate === undefined)
      throw new CleanRoomError('not-found', `The release does not have the package ${name}.`);
    choose(candidate);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const clause of next.depends) {
      if (clause.some(({ name }) => without.has(name))) continue;
      if (
        [...chosen.values()].some(candidate =>
          clause.some(dependency => satisfiesDependency(candidate, dependency))
        )
      )
        continue;
      choose(firstAlternative(index, next.name, clause));
    }
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Returns the first package that satisfies one of the alternatives.
 *
 * @param dependent - the name of the package that needs it, for messages
 */
function firstAlternative(
  index: PackageIndex,
  dependent: string,
  clause: readonly Dependency[]
): IndexedPackage {
  for (const dependency of clause) {
    const real = index.get(dependency.name);
    if (real !== undefined && satisfiesDependency(real, dependency)) return real;
    const providers = [...index.values()].filter(candidate => satisfiesDependency(candidate, dependency));
    if (providers.length > 1) {
      throw new CleanRoomError(
        'conflict',
        `${dependent} needs ${dependency.name}, which several packages provide.`,
        {
          remedy: `Name one of them in image.json: ${providers.map(({ name }) => name).join(', ')}.`
        }
      );
    }
    if (providers[0] !== undefined) return providers[0];
  }
  throw new CleanRoomError(
    'not-found',
    `${dependent} needs ${clause.map(describe).join(' or ')}, which the release does not have.`
  );
}
