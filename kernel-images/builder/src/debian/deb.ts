import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import xz from 'xz-decompress';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** A member of an ar archive. */
interface ArMember {
  readonly name: string;
  /** The position of the member's content in the archive, in bytes. */
  readonly offset: number;
  readonly size: number;
}

const MAGIC = '!<arch>\n';
const HEADER_SIZE = 60;

function invalidArchive(reason: string): CleanRoomError {
  return new CleanRoomError('malformed', `The file is not an ar archive: ${reason}.`);
}

async function readText(file: FileHandle, offset: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.toString('latin1', 0, bytesRead);
}

/**
 * Lists the members of an ar archive, the container format of a .deb file (deb(5)).
 *
 * @throws CleanRoomError `malformed`
 */
async function readArMembers(file: FileHandle): Promise<ArMember[]> {
  const { size: length } = await file.stat();
  if ((await readText(file, 0, MAGIC.length)) !== MAGIC)
    throw invalidArchive('it does not begin with its signature');
  const members: ArMember[] = [];
  for (let offset = MAGIC.length; offset < length;) {
    const header = await readText(file, offset, HEADER_SIZE);
    if (header.length < HEADER_SIZE || header.slice(58) !== '`\n')
      throw invalidArchive('the header of a member is invalid');
    const digits = header.slice(48, 58).trim();
    const size = Number(digits);
    const start = offset + HEADER_SIZE;
    if (!/^\d+$/.test(digits) || start + size > length)
      throw invalidArchive('a member is longer than the file');
    members.push({ name: header.slice(0, 16).trim().replace(/\/$/, ''), offset: start, size });
    offset = start + size + (size % 2);
  }
  return members;
}

/** An entry of a package's file archive. Its content must be read to the end before the next entry is requested. */
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
        `The package contains its files in ${name}, a format that is not supported.`
      );
  }
}

async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
}

/**
 * Returns the entries that a Debian package installs, in the package's order. Its maintainer scripts are ignored.
 *
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
