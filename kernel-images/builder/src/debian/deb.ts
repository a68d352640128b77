import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import xz from 'xz-decompress';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readArMembers } from './ar.js';

/** One entry of a package's file archive. `content` has to be read to its end before the next entry is asked for. */
export interface DebEntry {
  readonly name: string;
  readonly type: Header['type'];
  readonly mode: number;
  readonly linkTarget: string;
  readonly content: AsyncIterable<Uint8Array>;
}

function decompress(name: string, bytes: Readable): Readable {
  switch (name) {
    case 'data.tar':
      return bytes;
    case 'data.tar.gz':
      return bytes.pipe(createGunzip());
    case 'data.tar.zst':
      return bytes.pipe(createZstdDecompress());
    case 'data.tar.xz':
      return Readable.fromWeb(new xz.XzReadableStream(Readable.toWeb(bytes)));
    default:
      throw new CleanRoomError(
        'malformed',
        `The package holds its files in ${name}, a form this program can't read.`
      );
  }
}

async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
}

/**
 * The files that a Debian package installs, in the package's order. Its maintainer scripts are never looked at.
 * @throws CleanRoomError `malformed`
 */
export async function* readDeb(path: string): AsyncGenerator<DebEntry> {
  const file = await open(path);
  const members = await readArMembers(file).finally(() => file.close());
  const data = members.filter(({ name }) => name.startsWith('data.tar'));
  const [only] = data;
  if (members[0]?.name !== 'debian-binary' || only === undefined || data.length !== 1) {
    throw new CleanRoomError('malformed', `${path} is not a Debian package.`);
  }
  const compressed = createReadStream(path, { start: only.offset, end: only.offset + only.size - 1 });
  const archive = extract();
  const source = decompress(only.name, compressed);
  compressed.on('error', (error: Error) => archive.destroy(error));
  source.on('error', (error: Error) => archive.destroy(error));
  source.pipe(archive);
  for await (const entry of archive) {
    const { name, type, mode, linkname } = entry.header;
    yield { name, type, mode, linkTarget: linkname, content: bytesOf(entry) };
    entry.resume();
  }
}
