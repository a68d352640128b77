import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { utf8 } from '../../src/bytes/encoding.js';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  treeHash,
  verifyConsistency,
  verifyInclusion
} from '../../src/log/merkle.js';

const leaves = Array.from({ length: 20 }, (_, index) => leafHash(utf8(`entry ${index}`)));

/** Computes the root hash as RFC 9162 §2.1.1 defines it, with another SHA-256. */
function oracle(entries: readonly string[]): Buffer {
  const sha = (...parts: (Buffer | string)[]) =>
    createHash('sha256')
      .update(Buffer.concat(parts.map(p => Buffer.from(p))))
      .digest();
  if (entries.length === 0) return sha();
  if (entries.length === 1) return sha(Buffer.of(0), entries[0]!);
  const split = 2 ** (Math.ceil(Math.log2(entries.length)) - 1);
  return sha(Buffer.of(1), oracle(entries.slice(0, split)), oracle(entries.slice(split)));
}

describe('the Merkle tree', () => {
  it.each([0, 1, 2, 3, 7, 8, 13, 20])('of %i entries has the root that RFC 9162 defines', size => {
    const entries = Array.from({ length: size }, (_, index) => `entry ${index}`);
    expect(Buffer.from(treeHash(leaves.slice(0, size)))).toEqual(oracle(entries));
  });

  it('proves every entry of trees of every size, only at its own index', () => {
    for (let size = 1; size <= leaves.length; size++) {
      const part = leaves.slice(0, size);
      const root = treeHash(part);
      part.forEach((leaf, index) => {
        const proof = inclusionProof(part, index);
        expect(verifyInclusion(leaf, index, size, proof, root)).toBe(true);
        expect(verifyInclusion(leafHash(utf8('other')), index, size, proof, root)).toBe(false);
        if (size > 1) expect(verifyInclusion(leaf, (index + 1) % size, size, proof, root)).toBe(false);
        expect(verifyInclusion(leaf, index, size, [...proof, leaf], root)).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(leaf, index, size, proof.slice(1), root)).toBe(false);
      });
    }
  });

  it('proves that it begins with every smaller tree, and with no other tree', () => {
    for (let size = 1; size <= leaves.length; size++) {
      const root = treeHash(leaves.slice(0, size));
      for (let old = 0; old <= size; old++) {
        const proof = consistencyProof(leaves.slice(0, size), old);
        const oldRoot = treeHash(leaves.slice(0, old));
        expect(verifyConsistency(old, size, oldRoot, root, proof)).toBe(true);
        if (old === 0) continue;
        const rewritten = treeHash([leafHash(utf8('rewritten')), ...leaves.slice(1, old)]);
        expect(verifyConsistency(old, size, rewritten, root, proof)).toBe(false);
        expect(verifyConsistency(old, size, oldRoot, rewritten, proof)).toBe(false);
      }
      expect(verifyConsistency(size + 1, size, root, root, [])).toBe(false);
    }
  });
});
