import { Type } from 'typebox';
import { writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import {
  openRevocations,
  requireLaterRevocations,
  type KernelImageRevocations
} from '@clean-room/protocol/kernel-images';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { readOptional, readRequired } from '../files.js';
import type { Home } from './home.js';

/** The file with the newest list of revoked kernel images of each release key that the person trusts. */
const FILE = 'revocations.json';

async function readKnown(home: Home): Promise<Envelope[]> {
  const file = home.file(FILE);
  const bytes = await readOptional(file);
  if (bytes === undefined) return [];
  return checkSchema(
    Type.Array(Envelope),
    parseStrictJson(bytes),
    `lists of revoked kernel images in ${file}`
  );
}

/**
 * Returns the lists of revoked kernel images that the person knows, together with a list from a file. If a release key of the
 * trust roots has signed that list, it is remembered, and from then on no older list is accepted.
 *
 * @param named - the file with a list
 * @throws CleanRoomError `not-found`, `malformed`, `signature-invalid`, or `conflict` when the list is older than the one that
 * was remembered, or lost one of its entries
 */
export async function readRevocations(
  home: Home,
  trust: TrustRoots | undefined,
  named?: string
): Promise<KernelImageRevocations[]> {
  const known = await readKnown(home);
  const lists = known.map(openRevocations);
  if (named === undefined) return lists.map(({ value }) => value);
  const envelope = checkSchema(
    Envelope,
    parseStrictJson(await readRequired(named)),
    'list of revoked kernel images'
  );
  const list = openRevocations(envelope);
  const { signer } = list.value;
  const earlier = lists.find(({ value }) => value.signer === signer);
  if (earlier !== undefined) requireLaterRevocations(earlier, list);
  const others = known.filter((_, index) => lists[index]?.value.signer !== signer);
  if (trust?.kernelImageSigners.includes(signer) === true) {
    await home.create();
    await writeFileAtomic(home.file(FILE), JSON.stringify([...others, envelope]), 0o600);
  }
  return [...others.map(other => openRevocations(other).value), list.value];
}
