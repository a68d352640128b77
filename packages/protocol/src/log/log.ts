import { Type, type Static } from 'typebox';
import { digestFromHash, hashFromDigest } from '../bytes/digest.js';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { Closed, Count, DigestField, Timestamp } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import { leafHash, verifyInclusion } from './merkle.js';

/** How far a log had grown: number of entries, and the tree's root over them. */
export const TreeHead = Closed({ size: Count, root: DigestField });
export type TreeHead = Static<typeof TreeHead>;

/** The head of the log before its first entry. */
export const EMPTY_TREE_HEAD: TreeHead = {
  size: 0,
  root: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
};

/** One move of one thing. Entries name by digest and id; they hold no data. */
export const LogEntry = defineDocument(
  'log-entry',
  1,
  Closed({
    format: Type.Literal('clean-room.log-entry/v1'),
    at: Timestamp,
    /** What moved: a party's roster, a policy, a revision, a decision, a run … */
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
    id: Type.String({ minLength: 1, maxLength: 200 }),
    /** The state it moved to. */
    state: Type.String({ minLength: 1, maxLength: 60 }),
    /** The signed bytes that the move rests on, where there are any. */
    evidence: Type.Optional(DigestField)
  })
);
export type LogEntry = Static<typeof LogEntry.schema>;

/** A head signed by the log's key at a time. */
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

/** Proof that an entry stands in the log under a signed head. */
export const LogProof = Closed({
  /** The entry's bytes, base64. */
  entry: Type.String({ maxLength: 16_384 }),
  index: Count,
  path: Type.Array(DigestField, { maxItems: 64 }),
  checkpoint: Envelope
});
export type LogProof = Static<typeof LogProof>;

/**
 * @returns the checkpoint under which the entry stands
 * @throws CleanRoomError `signature-invalid` or `digest-mismatch`
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
    throw new CleanRoomError('digest-mismatch', 'The entry does not stand in the log under this checkpoint.');
  }
  return checkpoint;
}

export function treeHead(size: number, root: Uint8Array): TreeHead {
  return { size, root: digestFromHash(root) };
}
