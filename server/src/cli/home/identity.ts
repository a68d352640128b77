import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Type } from 'typebox';
import { writeFileAtomic } from '@clean-room/node-support';
import { fromBase64Url, toBase64Url } from '@clean-room/protocol/bytes';
import {
  checkSchema,
  generateSigningKey,
  signingKey,
  type Recipient,
  type SigningKey
} from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSecretFile } from '../../platform/files/secret-file.js';
import { parseJsonFile, readOptional } from '../files.js';
import type { Home } from './home.js';

/** A person's two keys: one signs submissions, the other opens results. */
export interface PersonKeys {
  readonly signing: SigningKey;
  /** The age identity, `AGE-SECRET-KEY-1…`. */
  readonly age: string;
  readonly recipient: Recipient;
}

const IdentityFile = Type.Object(
  {
    format: Type.Literal('clean-room.identity/v1'),
    signing: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    age: Type.String({ pattern: '^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$' })
  },
  { additionalProperties: false }
);

const FILE = 'identity.json';

/**
 * Reads the person's keys.
 *
 * @returns undefined when the person has no keys yet
 * @throws CleanRoomError `forbidden` when other users can read the file
 */
export async function findIdentity(home: Home): Promise<PersonKeys | undefined> {
  const file = home.file(FILE);
  if ((await readOptional(file)) === undefined) return undefined;
  const text = new TextEncoder().encode(await readSecretFile(file));
  const { signing, age } = checkSchema(IdentityFile, parseJsonFile(text, file), `identity in ${file}`);
  return { signing: signingKey(fromBase64Url(signing)), age, recipient: await identityToRecipient(age) };
}

/**
 * Reads the person's keys.
 * @throws CleanRoomError `not-found` when the person has no keys yet
 */
export async function requireIdentity(home: Home): Promise<PersonKeys> {
  const found = await findIdentity(home);
  if (found !== undefined) return found;
  throw new CleanRoomError('not-found', `You have no keys in ${home.folder} yet.`, {
    remedy:
      'Run "clean-room identity --make", and send its output to the person who manages your party’s roster.'
  });
}

/** Creates the person's keys in a file that only they can read. Existing keys are never overwritten. */
export async function createIdentity(home: Home): Promise<PersonKeys> {
  const found = await findIdentity(home);
  if (found !== undefined) return found;
  await home.create();
  const age = await generateX25519Identity();
  const signing = generateSigningKey();
  const value = { format: 'clean-room.identity/v1', signing: toBase64Url(signing.secret), age };
  await writeFileAtomic(home.file(FILE), `${JSON.stringify(value, undefined, 2)}\n`, 0o600);
  return { signing, age, recipient: await identityToRecipient(age) };
}
