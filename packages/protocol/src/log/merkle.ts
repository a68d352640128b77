import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes } from '../bytes/encoding.js';

/**
 * Returns the hash of a leaf of the Merkle tree of RFC 9162 §2.1. Leaves and inner nodes have different prefixes, so that the hash
 * of one cannot be presented as the hash of the other.
 */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(0), entry));
}

/** Returns the hash of an inner node. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(1), left, right));
}

/** Returns the largest power of two that is smaller than `size`, or 1. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/**
 * Returns the root hash of a tree (RFC 9162 §2.1.1).
 *
 * @param leaves - the hashes of the leaves
 */
export function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256(new Uint8Array());
  if (leaves.length === 1) return first;
  const split = largestPowerBelow(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/**
 * Returns a proof that a leaf is in a tree (RFC 9162 §2.1.3.1): the hashes with which the root can be computed from the leaf.
 *
 * @param leaves - the hashes of all leaves
 * @param index - the position of the leaf, counted from 0
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  return index < split
    ? [...inclusionProof(leaves.slice(0, split), index), treeHash(leaves.slice(split))]
    : [...inclusionProof(leaves.slice(split), index - split), treeHash(leaves.slice(0, split))];
}

/**
 * Returns whether a leaf is in a tree (RFC 9162 §2.1.3.2).
 *
 * @param leaf - the hash of the leaf
 * @param index - the position of the leaf, counted from 0
 * @param size - the number of leaves of the tree
 * @param proof - the result of {@link inclusionProof}
 * @param root - the root hash of the tree
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let [first, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      hash = nodeHash(sibling, hash);
      while (first % 2 === 0 && first !== 0) [first, last] = [first / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(hash, root);
}

/**
 * Returns a proof that a tree begins with the leaves of an older tree (RFC 9162 §2.1.4.1).
 *
 * @param leaves - the hashes of all leaves of the newer tree
 * @param oldSize - the number of leaves of the older tree
 */
export function consistencyProof(leaves: readonly Uint8Array[], oldSize: number): Uint8Array[] {
  // `whole` is true while `part` begins at the first leaf. If `part` then ends where the old tree ends, its hash is the old root,
  // which the verifier knows already.
  const walk = (part: readonly Uint8Array[], old: number, whole: boolean): Uint8Array[] => {
    if (old === part.length) return whole ? [] : [treeHash(part)];
    const split = largestPowerBelow(part.length);
    return old <= split
      ? [...walk(part.slice(0, split), old, whole), treeHash(part.slice(split))]
      : [...walk(part.slice(split), old - split, false), treeHash(part.slice(0, split))];
  };
  return oldSize === 0 || oldSize === leaves.length ? [] : walk(leaves, oldSize, true);
}

/**
 * Returns whether a newer tree begins with the leaves of an older tree (RFC 9162 §2.1.4.2). If it does not, the log was rewritten.
 * Every tree begins with the empty tree.
 *
 * @param oldSize - the number of leaves of the older tree
 * @param size - the number of leaves of the newer tree
 * @param oldRoot - the root hash of the older tree
 * @param root - the root hash of the newer tree
 * @param proof - the result of {@link consistencyProof}
 *
 * @example
 * ```ts
 * import { utf8 } from '@clean-room/protocol/bytes';
 * import { consistencyProof, leafHash, treeHash, verifyConsistency } from '@clean-room/protocol/log';
 *
 * const leaves = ['a', 'b', 'c', 'd', 'e'].map(entry => leafHash(utf8(entry)));
 * const oldRoot = treeHash(leaves.slice(0, 3));
 * console.log(verifyConsistency(3, 5, oldRoot, treeHash(leaves), consistencyProof(leaves, 3))); // true
 *
 * const rewritten = [leafHash(utf8('x')), ...leaves.slice(1)];
 * console.log(verifyConsistency(3, 5, oldRoot, treeHash(rewritten), consistencyProof(rewritten, 3))); // false
 * ```
 */
export function verifyConsistency(
  oldSize: number,
  size: number,
  oldRoot: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[]
): boolean {
  if (oldSize > size || oldSize < 0) return false;
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  if (oldSize === 0) return proof.length === 0 && equalBytes(oldRoot, sha256(new Uint8Array()));
  const isPower = Number.isInteger(Math.log2(oldSize));
  const [start, ...rest] = isPower ? [oldRoot, ...proof] : proof;
  if (start === undefined) return false;
  let [first, last] = [oldSize - 1, size - 1];
  while (first % 2 === 1) [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
  let [oldHash, hash] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      oldHash = nodeHash(sibling, oldHash);
      hash = nodeHash(sibling, hash);
      while (first % 2 === 0 && first !== 0) [first, last] = [first / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(oldHash, oldRoot) && equalBytes(hash, root);
}
