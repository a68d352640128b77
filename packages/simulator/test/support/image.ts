import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { LayoutStore } from '@clean-room/oci/layout';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  writeTar,
  type TarEntry
} from '@clean-room/protocol/packaging';
import { pack, type Header } from 'tar-stream';

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Returns a layer with exactly these entries, even if they are invalid. */
export async function rawLayer(entries: readonly (Partial<Header> & { name: string; content?: string })[]) {
  const tar = pack();
  const read = collect(tar as AsyncIterable<Uint8Array>);
  for (const { content = '', ...header } of entries) {
    const { type = 'file' } = header;
    const written = type === 'file' ? tar.entry({ ...header }, content) : tar.entry({ ...header, size: 0 });
    if (type !== 'file') written.end('');
  }
  tar.finalize();
  return read;
}

/**
 * Writes an image to a layout folder.
 *
 * @returns its digest
 */
export async function writeImage(
  layout: string,
  layers: readonly Buffer[],
  config: object = {}
): Promise<Digest> {
  const store = await LayoutStore.open(layout);
  const put = async (bytes: Buffer) => {
    const digest = digestOf(bytes);
    await store.writeBlob(digest, bytes.length, async function* () {
      yield await Promise.resolve(bytes);
    });
    return { digest, size: bytes.length };
  };
  const described = [];
  for (const layer of layers) described.push({ mediaType: LAYER_TYPE, ...(await put(layer)) });
  const configBlob = await put(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Entrypoint: ['/bin/sh'], Env: ['PATH=/bin'], ...config },
        rootfs: { type: 'layers', diff_ids: described.map(({ digest }) => digest) }
      })
    )
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, ...configBlob },
    layers: described
  };
  return store.writeManifest(Buffer.from(JSON.stringify(manifest)));
}

const TOOLS = [
  'sh',
  'cat',
  'ls',
  'id',
  'sleep',
  'mknod',
  'mount',
  'unshare',
  'readlink',
  'stat',
  'chmod',
  'mkdir',
  'hostname',
  'env'
];

/** Returns a small Linux system made of this machine's own shell and tools, with devices as in a kernel image. */
export async function toolsLayer(): Promise<Buffer> {
  const files = new Map<string, string>();
  for (const tool of TOOLS) {
    const source = realpathSync(
      execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim()
    );
    files.set(`bin/${tool}`, source);
    for (const [library] of execFileSync('ldd', [source], { encoding: 'utf8' }).matchAll(/\/\S+(?= \()/g)) {
      files.set(library.slice(1), realpathSync(library));
    }
  }
  const folders = new Set(['dev', 'proc', 'sys', 'run', 'tmp', 'etc', 'jail', 'jail/dev', 'jail/nb']);
  for (const path of files.keys()) {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1))
      folders.add(path.slice(0, end));
  }
  const entries: TarEntry[] = [...folders].map(path => ({ type: 'directory', path, mode: 0o755 }));
  for (const [path, source] of files) {
    const content = readFileSync(source);
    entries.push({ type: 'file', path, mode: 0o755, size: content.length, content: () => [content] });
  }
  entries.push({ type: 'character-device', path: 'jail/dev/null', mode: 0o666, major: 1, minor: 3 });
  return collect(writeTar(entries));
}

/** Returns a layer with one script, like the layer of a revision. */
export function scriptLayer(script: string): Promise<Buffer> {
  const content = Buffer.from(script);
  return collect(
    writeTar([
      { type: 'directory', path: 'clean-room', mode: 0o755 },
      { type: 'file', path: 'clean-room/run.sh', mode: 0o644, size: content.length, content: () => [content] }
    ])
  );
}
