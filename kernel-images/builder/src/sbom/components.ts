import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readDeb } from '../debian/deb.js';
import type { ImageLock, LockedPackage, LockedWheel, Part } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { bundledPackages, type BundledPackage } from '../parts/supervisor.js';
import { Wheel } from '../python/wheel.js';
import { imagePath } from '../tree/path.js';
import { debianLicences, licenceOf, wheelLicence } from './licences.js';

/** The name of the property that says in which part of the image a component is. */
const PART = 'clean-room:part';
/** The name of the property with the digest of the file that states the licences of a Debian package. */
const COPYRIGHT = 'clean-room:copyright';

interface Described {
  readonly type?: Enums.ComponentType;
  readonly name: string;
  /** Absent if it is not known. */
  readonly version?: string;
  readonly purl: PackageURL;
  readonly description?: string;
  readonly parts: readonly (Part | 'own')[];
  readonly licences: readonly Models.License[];
  readonly sha256?: string;
  readonly properties?: readonly (readonly [string, string])[];
}

/** Returns a component. One that is only used for the build is excluded from what runs. */
function component(described: Described): Models.Component {
  const { name, version, description, parts, properties = [] } = described;
  const purl = described.purl.toString();
  return new Models.Component(described.type ?? Enums.ComponentType.Library, name, {
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    purl,
    bomRef: purl,
    licenses: new Models.LicenseRepository(described.licences),
    hashes: new Models.HashDictionary(
      described.sha256 === undefined
        ? []
        : [[Enums.HashAlgorithm['SHA-256'], described.sha256.replace('sha256:', '')]]
    ),
    ...(parts.every(part => part === 'build') ? { scope: Enums.ComponentScope.Excluded } : {}),
    properties: new Models.PropertyRepository(
      [...parts.map(part => [PART, part] as const), ...properties].map(
        ([key, value]) => new Models.Property(key, value)
      )
    )
  });
}

/** The copyright files in a package, by the name of their folder, and the folders that are links to those of other packages. */
interface Documentation {
  readonly copyrights: ReadonlyMap<string, string>;
  readonly links: ReadonlyMap<string, string>;
}

async function readDocumentation(path: string): Promise<Documentation> {
  const [copyrights, links] = [new Map<string, string>(), new Map<string, string>()];
  for await (const entry of readDeb(path)) {
    const [, folder = '', file] =
      /^usr\/share\/doc\/([^/]+)(\/copyright)?$/.exec(imagePath(entry.name)) ?? [];
    if (folder === '') continue;
    if (entry.type === 'symlink' && file === undefined) links.set(folder, posix.basename(entry.linkTarget));
    if (entry.type !== 'file' || file === undefined) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    copyrights.set(folder, Buffer.concat(chunks).toString('utf8'));
  }
  return { copyrights, links };
}

/** Returns the Debian packages of a lock. The copyright files are read from the packages themselves. */
export async function debianComponents(lock: ImageLock, inputs: InputCache): Promise<Models.Component[]> {
  const { packages, release } = lock.debian;
  const documentation = new Map<string, Documentation>();
  for (const { name, digest } of packages)
    documentation.set(name, await readDocumentation(inputs.pathOf(digest)));
  return packages.map(({ name, version, path, digest, parts }: LockedPackage) => {
    const own = documentation.get(name);
    const folder = own?.links.get(name) ?? name;
    const copyright = own?.copyrights.get(folder) ?? documentation.get(folder)?.copyrights.get(folder);
    if (copyright === undefined) {
      throw new CleanRoomError('malformed', `The Debian package ${name} does not state its licences.`, {
        remedy: 'Lock the package that contains its copyright file too.'
      });
    }
    const arch = /_([a-z0-9]+)\.deb$/.exec(path)?.[1] ?? '';
    return component({
      name,
      version,
      purl: new PackageURL('deb', 'debian', name, version, { arch, distro: release }, undefined),
      parts,
      licences: debianLicences(copyright, folder),
      sha256: digest,
      properties: [[COPYRIGHT, `sha256:${createHash('sha256').update(copyright).digest('hex')}`]]
    });
  });
}

/** Returns the wheels of a lock. Their licences are those in their METADATA. */
export async function pythonComponents(lock: ImageLock, inputs: InputCache): Promise<Models.Component[]> {
  return Promise.all(
    lock.python.wheels.map(async ({ name, version, digest, parts }: LockedWheel) => {
      const wheel = await Wheel.open(inputs.pathOf(digest));
      try {
        return component({
          name,
          version,
          purl: new PackageURL('pypi', undefined, name, version, undefined, undefined),
          parts,
          licences: [wheelLicence(await wheel.metadata())],
          sha256: digest
        });
      } finally {
        wheel.close();
      }
    })
  );
}

function npmComponent({ name, version, licence, isOwn }: BundledPackage): Models.Component {
  const [scope, base = name] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return component({
    name,
    version,
    purl: new PackageURL('npm', scope, base, version, undefined, undefined),
    parts: [isOwn ? 'own' : 'outer'],
    licences: [licenceOf(licence)]
  });
}

/** Returns the npm packages that are bundled into the supervisor, those of this project included. */
export async function npmComponents(root: string): Promise<Models.Component[]> {
  return (await bundledPackages(root)).map(npmComponent);
}

/** Returns the value of a string in the `[project]` table of a pyproject.toml. */
function projectField(toml: string, field: string): string {
  const value = new RegExp(`^${field}\\s*=\\s*"([^"]+)"`, 'm').exec(toml)?.[1];
  if (value !== undefined) return value;
  throw new CleanRoomError('malformed', `pyproject.toml of clean_room does not contain "${field}".`);
}

/** Returns the parts of this project that are not in the supervisor's bundle: the warden with its C library, and the Python package. */
export async function ownComponents(root: string): Promise<Models.Component[]> {
  const sandbox = JSON.parse(
    await readFile(join(root, 'kernel-images/sandbox/package.json'), 'utf8')
  ) as Record<'version' | 'license', string>;
  const toml = await readFile(join(root, 'kernel-images/clean_room/pyproject.toml'), 'utf8');
  const name = projectField(toml, 'name');
  return [
    component({
      type: Enums.ComponentType.Application,
      name: 'clean-room-warden',
      version: sandbox.version,
      purl: new PackageURL('generic', undefined, 'clean-room-warden', sandbox.version, undefined, undefined),
      parts: ['own'],
      licences: [licenceOf(sandbox.license)]
    }),
    component({
      name: 'musl',
      purl: new PackageURL('generic', undefined, 'musl', undefined, undefined, undefined),
      description: 'The C library of the compiler (ziglang), which is linked into the warden.',
      parts: ['outer'],
      licences: [licenceOf('MIT')]
    }),
    component({
      name,
      version: projectField(toml, 'version'),
      purl: new PackageURL('pypi', undefined, name, projectField(toml, 'version'), undefined, undefined),
      parts: ['own'],
      licences: [licenceOf(projectField(toml, 'license'))]
    })
  ];
}
