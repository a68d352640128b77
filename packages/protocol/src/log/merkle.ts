import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes } from '../bytes/encoding.js';

/** The Merkle tree of RFC 9162 §2.1: leaves and nodes are hashed apart, so that neither can pass for the other. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(0), entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(1), left, right));
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return sha256(new Uint8Array());
  if (leaves.length === 1) return only;
  const split = largestPowerBelow(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** The hashes that lead from leaf `index` to the root of `leaves`. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  return index < split
    ? [...inclusionProof(leaves.slice(0, split), index), treeHash(leaves.slice(split))]
    : [...inclusionProof(leaves.slice(split), index - split), treeHash(leaves.slice(0, split))];
}

/** RFC 9162 §2.1.3.2. */
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

/** The hashes that show that the tree of the first `oldSize` leaves is the beginning of the tree of all. */
export function consistencyProof(leaves: readonly Uint8Array[], oldSize: number): Uint8Array[] {
  const walk = (part: readonly Uint8Array[], old: number, whole: boolean): Uint8Array[] => {
    if (old === part.length) return whole ? [] : [treeHash(part)];
    const split = largestPowerBelow(part.length);
    return old <= split
      ? [...walk(part.slice(0, split), old, whole), treeHash(part.slice(split))]
      : [...walk(part.slice(split), old - split, false), treeHash(part.slice(0, split))];
  };
  return oldSize === 0 || oldSize === leaves.length ? [] : walk(leaves, oldSize, true);
}

/** RFC 9162 §2.1.4.2. The empty tree is consistent with every tree. */
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
