import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { writeFileAtomic } from '@clean-room/node-support';

export const TICKET_MINUTES = 15;

const Ticket = Type.Object(
  { person: Type.String(), expires: Type.String() },
  { additionalProperties: false }
);

function fileOf(folder: string, ticket: string): string {
  return path.join(folder, `${createHash('sha256').update(ticket).digest('hex')}.json`);
}

/**
 * A one-time pass for a person who has no passkey here yet. Whoever may write to the custodian's own folder can make one, and
 * nobody else: it is a file there, by the hash of the pass.
 */
export async function writeTicket(folder: string, person: string, now: Date): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ticket = randomBytes(32).toString('base64url');
  const expires = new Date(now.getTime() + TICKET_MINUTES * 60_000).toISOString();
  await writeFileAtomic(fileOf(folder, ticket), JSON.stringify({ person, expires }), 0o600);
  return ticket;
}

function spent(): CleanRoomError {
  return new CleanRoomError('unauthenticated', 'This sign-in link was used already, or is too old.', {
    remedy: 'Run "clean-room custodian sign-in" for another one.'
  });
}

/** @returns the person it was made for; it is gone afterwards. @throws CleanRoomError `unauthenticated` */
export async function useTicket(folder: string, ticket: string, now: Date): Promise<string> {
  const file = fileOf(folder, ticket);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
    // Who removes the file has used the pass: two at once, and one of them fails here.
    await unlink(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw spent();
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!Check(Ticket, value) || new Date(value.expires) <= now) throw spent();
  return value.person;
}
