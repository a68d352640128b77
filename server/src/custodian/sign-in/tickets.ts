import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { isMissing, writeFileAtomic } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The time in which a sign-in link can be used. */
export const TICKET_MINUTES = 15;

const Ticket = Type.Object(
  { person: Type.String(), expires: Type.String() },
  { additionalProperties: false }
);

/** Returns the file of a ticket. Its name is a hash, so that a reader of the folder does not learn the ticket. */
function fileOf(folder: string, ticket: string): string {
  return path.join(folder, `${createHash('sha256').update(ticket).digest('hex')}.json`);
}

/**
 * Creates a one-time ticket for a person who has no passkey at this custodian yet. It is a file in the custodian's own folder,
 * so only a user who can write to that folder can create one.
 *
 * @param person - the id of the person in the roster
 * @returns the ticket
 */
export async function writeTicket(folder: string, person: string, now: Date): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ticket = randomBytes(32).toString('base64url');
  const expires = new Date(now.getTime() + TICKET_MINUTES * 60_000).toISOString();
  await writeFileAtomic(fileOf(folder, ticket), JSON.stringify({ person, expires }), 0o600);
  return ticket;
}

function invalidTicket(): CleanRoomError {
  return new CleanRoomError('unauthenticated', 'This sign-in link was used before, or has expired.', {
    remedy: 'Ask for a new link. The command "clean-room custodian sign-in" prints one.'
  });
}

/**
 * Redeems a ticket. It cannot be used again.
 *
 * @returns the id of the person that it was created for
 * @throws CleanRoomError `unauthenticated`
 */
export async function useTicket(folder: string, ticket: string, now: Date): Promise<string> {
  const file = fileOf(folder, ticket);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
    // Removing the file redeems the ticket. Of two simultaneous attempts, one fails here.
    await unlink(file);
  } catch (error) {
    if (isMissing(error)) throw invalidTicket();
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!Check(Ticket, value) || new Date(value.expires) <= now) throw invalidTicket();
  return value.person;
}
