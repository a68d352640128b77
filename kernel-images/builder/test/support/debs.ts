import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';

const run = promisify(execFile);

/** Creates a package with Debian's own tool and returns its path. */
export async function dpkgDeb(
  folder: string,
  files: Readonly<Record<string, string>>,
  compression: 'xz' | 'zstd' | 'gzip' | 'none' = 'xz'
): Promise<string> {
  const root = join(folder, 'root');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  await mkdir(join(root, 'DEBIAN'), { recursive: true });
  const control =
    'Package: sample\nVersion: 1\nArchitecture: amd64\nMaintainer: T <t@example.org>\nDescription: sample\n';
  await writeFile(join(root, 'DEBIAN/control'), control);
  const path = join(folder, `sample-${compression}.deb`);
  await run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', root, path]);
  return path;
}

/** An entry of a package. */
export type Entry = Partial<Header> & { name: string; text?: string };

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text, ...header } of entries) {
    if (text === undefined) archive.entry(header, '');
    else archive.entry(header, text);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** Returns an ar archive. */
export function ar(members: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts = Object.entries(members).flatMap(([name, bytes]) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), Buffer.from(bytes), Buffer.from(bytes.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** Creates a package that Debian's tools cannot create and returns its path. */
export async function oddDeb(
  folder: string,
  entries: readonly Entry[],
  data = 'data.tar.gz'
): Promise<string> {
  const path = join(folder, 'odd.deb');
  const archive = await tar(entries);
  const packed = data.endsWith('.gz')
    ? gzipSync(archive)
    : data.endsWith('.zst')
      ? zstdCompressSync(archive)
      : archive;
  await writeFile(
    path,
    ar({ 'debian-binary': Buffer.from('2.0\n'), 'control.tar.gz': gzipSync(''), [data]: packed })
  );
  return path;
}
