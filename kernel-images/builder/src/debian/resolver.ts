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

export type PackageIndex = ReadonlyMap<string, IndexedPackage>;

function required(paragraph: Paragraph, field: string): string {
  const value = paragraph.get(field);
  if (value === undefined) {
    throw new CleanRoomError(
      'malformed',
      `${paragraph.get('package') ?? 'A package'} of the index has no ${field}.`
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

/** Reads a `Packages` file; of several versions of a package the highest counts. */
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

function fits(version: string, { relation, version: bound }: Dependency): boolean {
  return relation === undefined || bound === undefined || satisfies(version, relation, bound);
}

function meets(candidate: IndexedPackage, wish: Dependency): boolean {
  if (candidate.name === wish.name) return fits(candidate.version, wish);
  return candidate.provides.some(
    ({ name, version }) =>
      name === wish.name && (version === undefined ? wish.relation === undefined : fits(version, wish))
  );
}

function describe({ name, relation, version }: Dependency): string {
  return relation === undefined ? name : `${name} (${relation} ${version ?? ''})`;
}

/**
 * The wanted packages and all they depend on, in order of name. An alternative that is chosen already is kept, else
 * the first that the release can meet is taken; a name that only several others provide has to be decided by a person.
 * @param without names that are left out although something depends on them
 * @throws CleanRoomError `not-found` for what the release does not have
 */
export function resolve(
  index: PackageIndex,
  wanted: readonly string[],
  without: ReadonlySet<string>
): readonly IndexedPackage[] {
  const chosen = new Map<string, IndexedPackage>();
  const queue: IndexedPackage[] = [];
  const choose = (candidate: IndexedPackage): void => {
    if (chosen.has(candidate.name)) return;
    chosen.set(candidate.name, candidate);
    queue.push(candidate);
  };
  for (const name of wanted) {
    const candidate = index.get(name);
    if (candidate === undefined) throw new CleanRoomError('not-found', `The release has no package ${name}.`);
    choose(candidate);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const clause of next.depends) {
      if (clause.some(({ name }) => without.has(name))) continue;
      if ([...chosen.values()].some(candidate => clause.some(wish => meets(candidate, wish)))) continue;
      choose(firstAnswer(index, next.name, clause));
    }
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function firstAnswer(index: PackageIndex, asker: string, clause: readonly Dependency[]): IndexedPackage {
  for (const wish of clause) {
    const real = index.get(wish.name);
    if (real !== undefined && meets(real, wish)) return real;
    const providers = [...index.values()].filter(candidate => meets(candidate, wish));
    if (providers.length > 1) {
      throw new CleanRoomError('conflict', `${asker} needs ${wish.name}, which several packages provide.`, {
        remedy: `Name one of them in image.json: ${providers.map(({ name }) => name).join(', ')}.`
      });
    }
    if (providers[0] !== undefined) return providers[0];
  }
  throw new CleanRoomError(
    'not-found',
    `${asker} needs ${clause.map(describe).join(' or ')}, which the release lacks.`
  );
}
