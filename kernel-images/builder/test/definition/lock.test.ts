import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { readDefinition, type ImageDefinition } from '../../src/definition/definition.js';
import { readLock, writeLock, type ImageLock } from '../../src/definition/lock.js';
import { KERNEL_IMAGES_FOLDER } from '../../src/image/committed.js';
import { scratch } from '../support/scratch.js';

const DEFINITION: ImageDefinition = {
  format: 'clean-room.kernel-image-definition/v1',
  name: 'sample',
  debian: { release: 'bookworm', outer: ['libc6'], jail: ['libc6'], without: {} },
  python: { version: '3.11', outer: [], jail: ['numpy>=2'], build: [], without: {} },
  strip: { outer: [], jail: [] }
};
const digest = `sha256:${'a'.repeat(64)}` as const;
let folder: string;

async function define(change: (definition: ImageDefinition) => unknown = d => d): Promise<void> {
  await writeFile(join(folder, 'image.json'), JSON.stringify(change(structuredClone(DEFINITION))));
}

async function lock(change: (lock: ImageLock) => unknown = l => l): Promise<void> {
  const { wanted } = await readDefinition(folder);
  const whole: ImageLock = {
    format: 'clean-room.kernel-image-lock/v1',
    wanted,
    debian: {
      release: 'bookworm',
      indexed: '2026-07-11T10:16:37Z',
      signatureChecked: true,
      packages: [
        {
          name: 'libc6',
          version: '2',
          path: 'pool/main/g/glibc/libc6_2_amd64.deb',
          size: 1,
          digest,
          parts: ['outer']
        }
      ]
    },
    python: {
      version: '3.11',
      wheels: [
        {
          name: 'numpy',
          version: '2.4',
          file: 'numpy-2.4-py3-none-any.whl',
          size: 1,
          digest,
          parts: ['jail']
        }
      ]
    }
  };
  await writeFile(join(folder, 'image.lock.json'), JSON.stringify(change(whole)));
}

beforeEach(async () => {
  folder = await scratch();
  await define();
  await lock();
});

describe('a lock file', () => {
  test('is read, and written sorted', async () => {
    const read = await readLock(await readDefinition(folder));
    const [wheel] = read.python.wheels;
    const more = { ...read, python: { ...read.python, wheels: [wheel!, { ...wheel!, name: 'attrs' }] } };
    await writeLock(folder, more);
    const text = await readFile(join(folder, 'image.lock.json'), 'utf8');
    expect(text.indexOf('"attrs"')).toBeLessThan(text.indexOf('"numpy"'));
    expect(text.endsWith('}\n')).toBe(true);
    expect((await readLock(await readDefinition(folder))).python.wheels).toHaveLength(2);
  });

  test('is out of date if the definition requests other packages', async () => {
    await define(d => ({ ...d, debian: { ...d.debian, jail: ['libc6', 'bash'] } }));
    await expect(readLock(await readDefinition(folder))).rejects.toMatchObject({
      code: 'conflict',
      remedy: expect.stringContaining('relock')
    });
  });

  test('stays valid if only the stripped paths change', async () => {
    await define(d => ({ ...d, strip: { outer: ['usr/share/doc/**'], jail: [] } }));
    await expect(readLock(await readDefinition(folder))).resolves.toMatchObject({
      python: { version: '3.11' }
    });
  });

  test.each<[string, (lock: ImageLock) => unknown]>([
    ['an unknown field', l => ({ ...l, extra: 1 })],
    [
      'a weak digest',
      l => ({ ...l, debian: { ...l.debian, packages: [{ ...l.debian.packages[0], digest: 'md5:aa' }] } })
    ],
    [
      'no digest',
      l => ({ ...l, python: { ...l.python, wheels: [{ ...l.python.wheels[0], digest: undefined }] } })
    ],
    [
      'a source distribution',
      l => ({ ...l, python: { ...l.python, wheels: [{ ...l.python.wheels[0], file: 'numpy-2.tar.gz' }] } })
    ],
    [
      'a package twice',
      l => ({ ...l, debian: { ...l.debian, packages: [...l.debian.packages, ...l.debian.packages] } })
    ],
    [
      'an address instead of a path',
      l => ({
        ...l,
        debian: { ...l.debian, packages: [{ ...l.debian.packages[0], path: 'http://evil.example/a.deb' }] }
      })
    ],
    [
      'a package of another component',
      l => ({
        ...l,
        debian: { ...l.debian, packages: [{ ...l.debian.packages[0], path: 'pool/non-free/a.deb' }] }
      })
    ],
    ['another format', l => ({ ...l, format: 'clean-room.kernel-image-lock/v2' })]
  ])('is refused with %s', async (_what, change) => {
    await lock(change);
    await expect(readLock(await readDefinition(folder))).rejects.toMatchObject({ code: 'malformed' });
  });

  test('that is missing is an error with a remedy', async () => {
    const other = await scratch();
    await writeFile(join(other, 'image.json'), JSON.stringify(DEFINITION));
    await expect(readLock(await readDefinition(other))).rejects.toMatchObject({
      code: 'not-found',
      remedy: expect.stringContaining('relock')
    });
  });
});

describe('a definition', () => {
  test.each<[string, (definition: ImageDefinition) => unknown]>([
    ['an unknown field', d => ({ ...d, maintainerScripts: true })],
    ['another suite', d => ({ ...d, debian: { ...d.debian, release: 'bookworm-backports' } })],
    [
      'a dependency left out without a reason',
      d => ({ ...d, python: { ...d.python, without: { psutil: '' } } })
    ]
  ])('is refused with %s', async (_what, change) => {
    await define(change);
    await expect(readDefinition(folder)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('that is missing is an error', async () => {
    await expect(readDefinition(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the committed lock of python-cpu', () => {
  test('matches its definition, was signed by Debian, and leaves out what fails in the jail', async () => {
    const read = await readDefinition(join(KERNEL_IMAGES_FOLDER, 'python-cpu'));
    const committed = await readLock(read);
    expect(committed.debian.signatureChecked).toBe(true);
    const names = committed.python.wheels.map(({ name }) => name);
    expect(names).not.toContain('psutil');
    for (const name of [
      'numpy',
      'pandas',
      'pyarrow',
      'duckdb',
      'scipy',
      'scikit-learn',
      'statsmodels',
      'matplotlib',
      'seaborn',
      'xgboost-cpu'
    ]) {
      expect(names).toContain(name);
    }
  });
});
