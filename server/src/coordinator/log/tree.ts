import { nodeHash, treeHash } from '@clean-room/protocol/log';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** A perfect subtree of the log's Merkle tree (RFC 9162 §2.1): 2^level leaves from leaf index·2^level on. */
export interface NodeName {
  readonly level: number;
  readonly index: number;
}

export interface LogTreeNode extends NodeName {
  readonly hash: Uint8Array;
}

/** Hashes by node; what the stored ones are looked up in. */
export class Nodes {
  readonly #hashes = new Map<string, Uint8Array>();

  constructor(nodes: Iterable<LogTreeNode> = []) {
    for (const node of nodes) this.add(node);
  }

  add({ level, index, hash }: LogTreeNode): void {
    this.#hashes.set(`${level}/${index}`, hash);
  }

  get({ level, index }: NodeName): Uint8Array {
    const hash = this.#hashes.get(`${level}/${index}`);
    if (hash === undefined) throw new CleanRoomError('internal', `The log has no node ${level}/${index}.`);
    return hash;
  }
}

/** The perfect subtrees, largest first, that the leaves `from` to `to` are made of. `from` is where one may begin. */
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

/** The hash over a range of leaves that {@link cover} named. */
export function fold(names: readonly NodeName[], nodes: Nodes): Uint8Array {
  const [last, ...others] = names.map(name => nodes.get(name)).reverse();
  if (last === undefined) return treeHash([]);
  return others.reduce((right, left) => nodeHash(left, right), last);
}

/** The nodes that come to be when `leaves` are put behind a tree of `size`, whose right edge `edge` holds. */
export function grow(size: number, edge: Nodes, leaves: readonly Uint8Array[]): LogTreeNode[] {
  const made: LogTreeNode[] = [];
  leaves.forEach((leaf, offset) => {
    let node: LogTreeNode = { level: 0, index: size + offset, hash: leaf };
    for (;;) {
      made.push(node);
      edge.add(node);
      if (node.index % 2 === 0) break;
      const left = edge.get({ level: node.level, index: node.index - 1 });
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash: nodeHash(left, node.hash) };
    }
  });
  return made;
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

type Range = readonly [from: number, to: number];

/** The ranges of leaves whose hashes prove that leaf `index` stands in a tree of `size`, from the leaf upwards. */
export function inclusionRanges(index: number, size: number): Range[] {
  const walk = (from: number, to: number): Range[] => {
    if (to - from <= 1) return [];
    const middle = from + largestPowerBelow(to - from);
    return index < middle ? [...walk(from, middle), [middle, to]] : [...walk(middle, to), [from, middle]];
  };
  return walk(0, size);
}

/** The ranges of leaves whose hashes prove that the tree of `oldSize` is the beginning of the one of `size`. */
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
