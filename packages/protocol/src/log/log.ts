import { Type, type Static } from 'typebox';
import { digestFromHash, hashFromDigest } from '../bytes/digest.js';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { Closed, Count, DigestField, Timestamp } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import { leafHash, verifyInclusion } from './merkle.js';

/** The state of a log: the number of its entries, and the root hash of the tree over them. */
export const TreeHead = Closed({ size: Count, root: DigestField });
export type TreeHead = Static<typeof TreeHead>;

/** The tree head of a log without entries. */
export const EMPTY_TREE_HEAD: TreeHead = {
  size: 0,
  root: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
};

/** A transition of one subject to a new state. An entry contains IDs and digests, but no data. */
export const LogEntry = defineDocument(
  'log-entry',
  1,
  Closed({
    format: Type.Literal('clean-room.log-entry/v1'),
    at: Timestamp,
    /** The kind of the subject. */
    subject: Type.Union([
      Type.Literal('collaboration'),
      Type.Literal('roster'),
      Type.Literal('asset'),
      Type.Literal('policy'),
      Type.Literal('revision'),
      Type.Literal('decision'),
      Type.Literal('key-release'),
      Type.Literal('run')
    ]),
    /** The ID of the subject. */
    id: Type.String({ minLength: 1, maxLength: 200 }),
    /** The new state. */
    state: Type.String({ minLength: 1, maxLength: 60 }),
    /** The digest of the signed document that is the reason for the transition, if there is one. */
    evidence: Type.Optional(DigestField)
  })
);
export type LogEntry = Static<typeof LogEntry.schema>;

/** A tree head with a time, signed by the log's key. */
export const Checkpoint = defineDocument(
  'checkpoint',
  1,
  Closed({
    format: Type.Literal('clean-room.checkpoint/v1'),
    log: PublicKey,
    head: TreeHead,
    at: Timestamp
  })
);
export type Checkpoint = Static<typeof Checkpoint.schema>;

/** A proof that an entry is in a log, with the checkpoint of that log (RFC 9162 inclusion proof). */
export const LogProof = Closed({
  /** The bytes of the entry. */
  entry: Type.String({ maxLength: 16_384 }),
  /** The position of the entry, counted from 0. */
  index: Count,
  /** The hashes of the inclusion proof, from the leaf to the root. */
  path: Type.Array(DigestField, { maxItems: 64 }),
  checkpoint: Envelope
});
export type LogProof = Static<typeof LogProof>;

/**
 * Verifies that an entry is in a log.
 *
 * @param entryBytes - the bytes of the entry
 * @param logKey - the key of the log, which must have signed the checkpoint
 * @returns the checkpoint of the proof
 * @throws CleanRoomError `signature-invalid` when another key signed the checkpoint
 * @throws CleanRoomError `digest-mismatch` when the proof does not lead from the entry to the root of the checkpoint
 *
 * @example
 * ```ts
 * import { digestFromHash, toBase64 } from '@clean-room/protocol/bytes';
 * import { generateSigningKey } from '@clean-room/protocol/documents';
 * import { Checkpoint, inclusionProof, leafHash, LogEntry, treeHash, treeHead, verifyLogProof } from '@clean-room/protocol/log';
 *
 * // A log of three entries, with a checkpoint that is signed by the key of the log.
 * const at = '2026-11-20T12:00:00Z';
 * const entries = ['queued', 'starting', 'running'].map(state =>
 *   LogEntry.write({ format: 'clean-room.log-entry/v1', at, subject: 'run', id: 'run-1', state })
 * );
 * const leaves = entries.map(leafHash);
 * const key = generateSigningKey();
 * const head = treeHead(leaves.length, treeHash(leaves));
 * const checkpoint = Checkpoint.sign({ format: 'clean-room.checkpoint/v1', log: key.publicKey, head, at }, key);
 *
 * // A proof for the entry at index 1.
 * const path = inclusionProof(leaves, 1).map(digestFromHash);
 * const proof = { entry: toBase64(entries[1]), index: 1, path, checkpoint };
 * console.log(verifyLogProof(proof, entries[1], key.publicKey).value.head.size); // 3
 * try {
 *   verifyLogProof(proof, entries[2], key.publicKey);
 * } catch (error) {
 *   console.log(error.message); // The entry is not in the log of this checkpoint.
 * }
 * ```
 */
export function verifyLogProof(
  proof: LogProof,
  entryBytes: Uint8Array,
  logKey: PublicKey
): ReadDocument<Checkpoint> {
  const checkpoint = Checkpoint.open(proof.checkpoint, logKey);
  const { head } = checkpoint.value;
  const path = proof.path.map(hashFromDigest);
  if (!verifyInclusion(leafHash(entryBytes), proof.index, head.size, path, hashFromDigest(head.root))) {
    throw new CleanRoomError('digest-mismatch', 'The entry is not in the log of this checkpoint.');
  }
  return checkpoint;
}

/**
 * Returns a tree head.
 *
 * @param size - the number of entries
 * @param root - the root hash, 32 bytes
 */
export function treeHead(size: number, root: Uint8Array): TreeHead {
  return { size, root: digestFromHash(root) };
}
