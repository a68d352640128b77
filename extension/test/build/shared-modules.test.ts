import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const extensionFolder = fileURLToPath(new URL('../..', import.meta.url));
const core = JSON.parse(readFileSync(require.resolve('@jupyterlab/core-meta/core.package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  resolutions: Record<string, string>;
  jupyterlab: { singletonPackages: string[] };
};

/** Packages whose code decides which signers are trusted. Another extension's copy must never replace ours. */
const PRIVATE_PACKAGES = [
  '@bufbuild/cel',
  '@clean-room/protocol',
  '@clean-room/api',
  '@hpke/core',
  '@noble/curves',
  '@noble/hashes',
  '@peculiar/asn1-schema',
  '@peculiar/asn1-x509',
  'age-encryption',
  'canonicalize',
  'jose',
  'typebox'
];

let folder: string;
let scripts: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'clean-room-labextension-'));
  cpSync(join(extensionFolder, 'package.json'), join(folder, 'package.json'));
  for (const part of ['lib', 'style', 'schema']) symlinkSync(join(extensionFolder, part), join(folder, part));
  const builder = require.resolve('@jupyter/builder/lib/build-labextension.js');
  const options = ['--core-package-file', require.resolve('@jupyterlab/core-meta/core.package.json'), folder];
  const { status, stderr } = spawnSync(process.execPath, [builder, ...options], {
    cwd: extensionFolder,
    encoding: 'utf8'
  });
  if (status !== 0) throw new Error(stderr);
  const built = join(folder, 'jupyterlab_clean_room/labextension/static');
  scripts = Object.fromEntries(
    readdirSync(built)
      .filter(name => name.endsWith('.js'))
      .map(name => [name, readFileSync(join(built, name), 'utf8')])
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entry(): string {
  const name = Object.keys(scripts).find(file => file.startsWith('remoteEntry.'));
  return scripts[name ?? ''] ?? '';
}

describe('the built labextension', () => {
  it('shares only itself with JupyterLab', () => {
    const [, provided = ''] = /scopeToSharingDataMapping:\{default:\[(.*?)\]\}/.exec(entry()) ?? [];
    expect([...provided.matchAll(/name:"([^"]+)"/g)].map(match => match[1])).toEqual([
      '@clean-room/jupyterlab'
    ]);
  });

  it('uses only JupyterLab’s own packages from the shared scope', () => {
    const taken = Object.values(scripts).flatMap(text =>
      [...text.matchAll(/shareKey:"([^"]+)"/g)].map(match => match[1] ?? '')
    );
    const offered = [
      ...Object.keys({ ...core.dependencies, ...core.resolutions }),
      ...core.jupyterlab.singletonPackages
    ];
    expect(taken.length).toBeGreaterThan(5);
    expect(taken.filter(name => !offered.includes(name))).toEqual([]);
    expect(taken.filter(name => PRIVATE_PACKAGES.includes(name))).toEqual([]);
  });

  it('contains the protocol’s checks in its own chunks', () => {
    expect(Object.values(scripts).some(text => text.includes('clean-room.spec/v1'))).toBe(true);
  });
});
