import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, fromUtf8, utf8, type Digest } from '@clean-room/protocol/bytes';
import { readDefinition } from '../../src/definition/definition.js';
import { readLock, type ImageLock } from '../../src/definition/lock.js';
import { KERNEL_IMAGES_FOLDER, loadKernelImage } from '../../src/image/committed.js';
import { InputCache } from '../../src/inputs/input-cache.js';
import { describeMaterials, type Materials } from '../../src/sbom/sbom.js';
import { oddDeb, type Entry } from '../support/debs.js';
import { makeWheel } from '../support/wheels.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const IMAGE = digestOf(utf8('an image'));

interface Component {
  name: string;
  version?: string;
  purl: string;
  scope?: string;
  licenses: unknown[];
  hashes?: { content: string }[];
  properties: { name: string; value: string }[];
}
interface Bom {
  serialNumber: string;
  metadata: { component: { name: string; version: string }; timestamp?: string };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}
const read = ({ sbom }: { sbom: Uint8Array }): Bom => JSON.parse(fromUtf8(sbom)) as Bom;

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

let folder: string;
let lock: ImageLock;
const inputs = (): InputCache => new InputCache(join(folder, 'inputs'));

/** Adds a file to the cache of inputs, and returns its digest. */
async function addInput(path: string): Promise<Digest> {
  const digest = digestOf(new Uint8Array(await readFile(path)));
  const target = inputs().pathOf(digest);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(path, target);
  return digest;
}

async function lockedDeb(
  name: string,
  entries: readonly Entry[]
): Promise<ImageLock['debian']['packages'][number]> {
  const own = join(folder, name);
  await mkdir(own);
  const digest = await addInput(await oddDeb(own, entries));
  return {
    name,
    version: '1:2.0-1',
    path: `pool/main/s/${name}_2.0-1_amd64.deb`,
    size: 1,
    digest,
    parts: ['jail']
  };
}

const copyright = (name: string): Entry => ({
  name: `./usr/share/doc/${name}/copyright`,
  text: 'Format: 1.0\n\nFiles: *\nLicense: LGPL-2.1+\n'
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'builder-sbom-'));
  const wheel = await makeWheel(folder);
  const tool = await makeWheel(folder, { name: 'ziglang', version: '0.17.1' });
  lock = {
    format: 'clean-room.kernel-image-lock/v1',
    wanted: IMAGE,
    debian: {
      release: 'bookworm',
      indexed: '2026-07-11T10:16:37Z',
      signatureChecked: true,
      packages: [
        await lockedDeb('libsample', [copyright('libsample')]),
        await lockedDeb('sample-tools', [
          { name: './usr/share/doc/sample-tools', type: 'symlink', linkname: 'libsample' }
        ])
      ]
    },
    python: {
      version: '3.11',
      wheels: [
        {
          name: 'sample',
          version: '1.0',
          file: wheel.file,
          size: wheel.size,
          digest: await addInput(wheel.path),
          parts: ['jail']
        },
        {
          name: 'ziglang',
          version: '0.17.1',
          file: tool.file,
          size: tool.size,
          digest: await addInput(tool.path),
          parts: ['build']
        }
      ]
    }
  };
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const describeSample = (changes: Partial<ImageLock> = {}, digest = IMAGE): Promise<Materials> =>
  describeMaterials({ root: ROOT, lock: { ...lock, ...changes }, inputs: inputs(), name: 'sample', digest });

describe('a bill of materials', () => {
  test('is valid CycloneDX 1.6 without times, and names the image', async () => {
    const materials = await describeSample();
    expect(await validator.validate(fromUtf8(materials.sbom))).toBeNull();
    const { metadata, serialNumber } = read(materials);
    expect(metadata).toMatchObject({ component: { name: 'sample', version: IMAGE } });
    expect(metadata.timestamp).toBeUndefined();
    expect(serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    );
  });

  test('has the same bytes again, in whatever order the lock lists the inputs', async () => {
    const [first, second] = [await describeSample(), await describeSample()];
    expect(second).toEqual(first);
    const { debian, python } = lock;
    const reversed = await describeSample({
      debian: { ...debian, packages: [...debian.packages].reverse() },
      python: { ...python, wheels: [...python.wheels].reverse() }
    });
    expect(fromUtf8(reversed.sbom)).toBe(fromUtf8(first.sbom));
    expect(fromUtf8(reversed.licences)).toBe(fromUtf8(first.licences));
    expect(read(await describeSample({}, digestOf(utf8('another')))).serialNumber).not.toBe(
      read(first).serialNumber
    );
  });

  test('lists every input with its digest, licence and part', async () => {
    const { components, dependencies } = read(await describeSample());
    const find = (name: string): Component | undefined =>
      components.find(component => component.name === name);
    const [library] = lock.debian.packages;
    expect(find('libsample')).toMatchObject({
      purl: 'pkg:deb/debian/libsample@1:2.0-1?arch=amd64&distro=bookworm',
      licenses: [{ license: { id: 'LGPL-2.1-or-later' } }],
      hashes: [{ content: library!.digest.slice('sha256:'.length) }],
      properties: expect.arrayContaining([{ name: 'clean-room:part', value: 'jail' }])
    });
    expect(find('sample')?.purl).toBe('pkg:pypi/sample@1.0');
    expect(find('ziglang')?.scope).toBe('excluded');
    const image = dependencies.find(({ ref }) => ref.startsWith('pkg:oci/'));
    expect(image?.dependsOn).toHaveLength(components.length);
  });

  test('takes the licence of a package whose documentation is a link from the package that contains it', async () => {
    const { components } = read(await describeSample());
    expect(components.find(({ name }) => name === 'sample-tools')?.licenses).toEqual([
      { license: { id: 'LGPL-2.1-or-later' } }
    ]);
  });

  test('lists what is bundled into the supervisor, and our own parts', async () => {
    const { components } = read(await describeSample());
    const own = components.filter(({ properties }) => properties.some(({ value }) => value === 'own'));
    expect(own.map(({ purl }) => purl.replace(/@[^@]*$/, ''))).toEqual(
      expect.arrayContaining([
        'pkg:generic/clean-room-warden',
        'pkg:npm/%40clean-room/protocol',
        'pkg:npm/%40clean-room/supervisor',
        'pkg:pypi/clean-room'
      ])
    );
    expect(components.find(({ name }) => name === 'musl')?.licenses).toEqual([{ license: { id: 'MIT' } }]);
    expect(components.some(({ purl }) => purl.startsWith('pkg:npm/jose@'))).toBe(true);
    expect(components.some(({ purl }) => purl.startsWith('pkg:npm/esbuild@'))).toBe(false);
  });

  test('is not made if a package does not state its licences', async () => {
    const packages = [await lockedDeb('bare', [{ name: './usr/bin/bare', text: 'x' }])];
    await expect(describeSample({ debian: { ...lock.debian, packages } })).rejects.toMatchObject({
      code: 'malformed',
      message: 'The Debian package bare does not state its licences.'
    });
  });
});

describe('the committed bill of materials of python-cpu', () => {
  const committed = async (): Promise<Uint8Array> =>
    new Uint8Array(await readFile(join(KERNEL_IMAGES_FOLDER, 'python-cpu/sbom.json')));

  test('is valid CycloneDX 1.6', async () => {
    expect(await validator.validate(fromUtf8(await committed()))).toBeNull();
  });

  test('is about the committed image and lists everything that its lock does', async () => {
    const { metadata, components } = read({ sbom: await committed() });
    const { manifest } = await loadKernelImage('python-cpu');
    expect(metadata.component.version).toBe(digestOf(manifest));
    const { debian, python } = await readLock(await readDefinition(join(KERNEL_IMAGES_FOLDER, 'python-cpu')));
    const listed = new Set(
      components.flatMap(({ hashes = [] }) => hashes.map(({ content }) => `sha256:${content}`))
    );
    expect([...debian.packages, ...python.wheels].filter(({ digest }) => !listed.has(digest))).toEqual([]);
  });
});
