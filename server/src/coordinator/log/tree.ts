import { nodeHash, treeHash } from '@clean-room/protocol/log';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The position of a perfect subtree of the log's Merkle tree (RFC 9162 §2.1): 2^level leaves from leaf index·2^level. */
export interface NodeName {
  readonly level: number;
  readonly index: number;
}

/** A perfect subtree with its hash. */
export interface LogTreeNode extends NodeName {
  readonly hash: Uint8Array;
}

/** Hashes of nodes in memory, by position. */
export class Nodes {
  readonly #hashes = new Map<string, Uint8Array>();

  constructor(nodes: Iterable<LogTreeNode> = []) {
    for (const node of nodes) this.add(node);
  }

  /** Adds a node. */
  add({ level, index, hash }: LogTreeNode): void {
    this.#hashes.set(`${level}/${index}`, hash);
  }

  /**
   * Returns the hash of a node.
   *
   * @throws CleanRoomError `internal` when the node is missing
   */
  get({ level, index }: NodeName): Uint8Array {
    const hash = this.#hashes.get(`${level}/${index}`);
    if (hash === undefined)
      throw new CleanRoomError('internal', `The log is incomplete: its node ${level}/${index} is missing.`);
    return hash;
  }
}

/**
 * Returns the perfect subtrees, from left to right, that together contain the leaves from `from` up to but not including
 * `to`. A subtree of that size must be able to begin at `from`.
 */
export function cover(from: number, to: number): NodeName[] {
  const names: NodeName[] = [];
  let start = from;
  while (start < to) {
    let level = 0;
    while (start % 2 ** (level + 1) === 0 && start + 2 ** (level + 1) <= to) level++;
    names.push({ level, index: start / 2 ** level });
    start += 2 ** level;
  }
  return names;
}

/** Returns the hash over a range of leaves, given its perfect subtrees from {@link cover}. */
export function fold(names: readonly NodeName[], nodes: Nodes): Uint8Array {
  const [last, ...others] = names.map(name => nodes.get(name)).reverse();
  if (last === undefined) return treeHash([]);
  return others.reduce((right, left) => nodeHash(left, right), last);
}

/**
 * Returns the nodes that are added when `leaves` are appended to a tree of `size` leaves.
 *
 * @param edge - the perfect subtrees of the existing tree. The new nodes are added to it.
 */
export function grow(size: number, edge: Nodes, leaves: readonly Uint8Array[]): LogTreeNode[] {
  const added: LogTreeNode[] = [];
  leaves.forEach((leaf, offset) => {
    let node: LogTreeNode = { level: 0, index: size + offset, hash: leaf };
    for (;;) {
      added.push(node);
      edge.add(node);
      if (node.index % 2 === 0) break;
      const left = edge.get({ level: node.level, index: node.index - 1 });
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash: nodeHash(left, node.hash) };
    }
  });
  return added;
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

type Range = readonly [from: number, to: number];

/** Returns the ranges of leaves whose hashes prove that a tree of `size` leaves contains leaf `index`, from the leaf upwards. */
export function inclusionRanges(index: number, size: number): Range[] {
  const walk = (from: number, to: number): Range[] => {
    if (to - from <= 1) return [];
    const middle = from + largestPowerBelow(to - from);
    return index < middle ? [...walk(from, middle), [middle, to]] : [...walk(middle, to), [from, middle]];
  };
  return walk(0, size);
}

/** Returns the ranges of leaves whose hashes prove that the tree of `oldSize` leaves is the beginning of the one of `size`. */
export function consistencyRanges(oldSize: number, size: number): Range[] {
  const walk = (from: number, to: number, old: number, whole: boolean): Range[] => {
    if (old === to) return whole ? [] : [[from, to]];
    const middle = from + largestPowerBelow(to - from);
    return old <= middle
      ? [...walk(from, middle, old, whole), [middle, to]]
      : [...walk(middle, to, old, false), [from, middle]];
  };
  return oldSize === 0 || oldSize === size ? [] : walk(0, size, oldSize, true);
}
