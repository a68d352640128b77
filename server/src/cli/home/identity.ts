import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { Type } from 'typebox';
import { fromBase64Url, toBase64Url } from '@clean-room/protocol/bytes';
import {
  checkSchema,
  generateSigningKey,
  signingKey,
  type Recipient,
  type SigningKey
} from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { writeFileAtomic } from '@clean-room/node-support';
import { readSecretFile } from '../../platform/files/secret-file.js';
import { parseJsonFile, readOptional, type Home } from './home.js';

/** A person's two keys: one signs what they submit, the other opens what comes back. */
export interface PersonKeys {
  readonly signing: SigningKey;
  /** `AGE-SECRET-KEY-1…` */
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

/** The person's keys, when they have been made. @throws CleanRoomError `forbidden` when others can read the file */
export async function findIdentity(home: Home): Promise<PersonKeys | undefined> {
  const file = home.file(FILE);
  if ((await readOptional(file)) === undefined) return undefined;
  const text = new TextEncoder().encode(await readSecretFile(file));
  const { signing, age } = checkSchema(IdentityFile, parseJsonFile(text, file), `identity in ${file}`);
  return { signing: signingKey(fromBase64Url(signing)), age, recipient: await identityToRecipient(age) };
}

/** @throws CleanRoomError `not-found` before `clean-room identity` has made the keys */
export async function requireIdentity(home: Home): Promise<PersonKeys> {
  const found = await findIdentity(home);
  if (found !== undefined) return found;
  throw new CleanRoomError('not-found', `You have no keys yet in ${home.folder}.`, {
    remedy: 'Run "clean-room identity --make", and give what it prints to whoever keeps your party’s roster.'
  });
}

/** Makes the person's keys, readable by the person alone. Keys that are there are never overwritten. */
export async function makeIdentity(home: Home): Promise<PersonKeys> {
  const found = await findIdentity(home);
  if (found !== undefined) return found;
  await home.make();
  const age = await generateX25519Identity();
  const signing = generateSigningKey();
  const value = { format: 'clean-room.identity/v1', signing: toBase64Url(signing.secret), age };
  await writeFileAtomic(home.file(FILE), `${JSON.stringify(value, undefined, 2)}\n`, 0o600);
  return { signing, age, recipient: await identityToRecipient(age) };
}
