import type { FileHandle } from 'node:fs/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Where a member's bytes lie in the archive. */
export interface ArMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const MAGIC = '!<arch>\n';
const HEADER_SIZE = 60;

function broken(reason: string): CleanRoomError {
  return new CleanRoomError('malformed', `The file is not an ar archive: ${reason}.`);
}

async function readText(file: FileHandle, offset: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.toString('latin1', 0, bytesRead);
}

/**
 * Lists the members of a common ar archive, the outer form of a .deb (deb(5)).
 * @throws CleanRoomError `malformed`
 */
export async function readArMembers(file: FileHandle): Promise<ArMember[]> {
  const { size: length } = await file.stat();
  if ((await readText(file, 0, MAGIC.length)) !== MAGIC) throw broken('its first bytes are others');
  const members: ArMember[] = [];
  for (let offset = MAGIC.length; offset < length;) {
    const header = await readText(file, offset, HEADER_SIZE);
    if (header.length < HEADER_SIZE || header.slice(58) !== '`\n')
      throw broken('a member has no proper header');
    const digits = header.slice(48, 58).trim();
    const size = Number(digits);
    const start = offset + HEADER_SIZE;
    if (!/^\d+$/.test(digits) || start + size > length) throw broken('a member is longer than the file');
    members.push({ name: header.slice(0, 16).trim().replace(/\/$/, ''), offset: start, size });
    offset = start + size + (size % 2);
  }
  return members;
}
