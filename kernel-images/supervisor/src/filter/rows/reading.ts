import type { KeyTable } from './keys.js';
import { unwrapLiterals } from './literals.js';
import { tokensOf } from './tokens.js';

/** The text of one output. */
export interface OutputText {
  /** A number that the caller identifies the output by. */
  readonly output: number;
  readonly lines: readonly string[];
}

/** A token of an output with its keys. */
export interface Occurrence {
  readonly output: number;
  readonly keys: readonly number[];
  readonly isNumber: boolean;
  /** Whether it may be a part of the number before it. */
  readonly optional: boolean;
}

/** The tokens of all outputs of one cell. The outputs are read as one text, so that rows across outputs are found. */
export interface Reading {
  readonly lines: readonly (readonly Occurrence[])[];
  /** The lines split at brackets: `[(19, 'f'), (18, 'm')]` contains two rows. */
  readonly segments: readonly (readonly Occurrence[])[];
}

function readLine(output: number, line: string, keys: KeyTable): Occurrence[] {
  return tokensOf(line).map(token => ({
    output,
    keys: keys.add(token),
    isNumber: token.numbers.length > 0,
    optional: token.optional
  }));
}

/** Splits the texts of a cell's outputs into tokens and adds their meanings to `keys`. */
export function readCell(texts: readonly OutputText[], keys: KeyTable): Reading {
  const lines: Occurrence[][] = [];
  const segments: Occurrence[][] = [];
  for (const { output, lines: written } of texts) {
    for (const text of written.map(unwrapLiterals)) {
      const line = readLine(output, text, keys);
      lines.push(line);
      const parts = text.split(/[()[\]{}]/);
      if (parts.length === 1) segments.push(line);
      else segments.push(...parts.map(part => readLine(output, part, keys)).filter(part => part.length > 0));
    }
  }
  return { lines, segments };
}

/**
 * Returns the orders in which a cell's values can be read: along the text, every second token (for `{0: 19, 1: 18}`),
 * all tokens that are not a part of their neighbour, and down each column counted from the left or the right.
 */
export function streamsOf(reading: Reading): Occurrence[][] {
  const along = reading.lines.flat();
  const every = (offset: number) => along.filter((_, index) => index % 2 === offset);
  const certain = along.filter(token => !token.optional);
  return [
    along,
    every(0),
    every(1),
    ...(certain.length < along.length ? [certain] : []),
    ...columnsOf(reading.lines)
  ].filter(stream => stream.length > 1);
}

const MAX_COLUMNS = 128;

/** Returns the groups of lines that are not separated by an empty line. */
export function blocksOf(lines: Reading['lines']): Occurrence[][][] {
  const blocks: Occurrence[][][] = [[]];
  for (const line of lines) {
    if (line.length === 0) blocks.push([]);
    else blocks.at(-1)?.push([...line]);
  }
  return blocks.filter(block => block.length > 0);
}

/** Returns the columns of a block's tokens, counted from the left and from the right. */
export function transpose(block: readonly (readonly Occurrence[])[]): {
  left: Occurrence[][];
  right: Occurrence[][];
} {
  const width = Math.min(MAX_COLUMNS, Math.max(0, ...block.map(line => line.length)));
  const indexes = Array.from({ length: width }, (_, index) => index);
  return {
    left: indexes.map(index => block.flatMap(line => line[index] ?? [])),
    right: indexes.map(index => block.flatMap(line => line.at(-1 - index) ?? []))
  };
}

/** Returns the columns of all blocks, counted from both sides. */
export function columnsOf(lines: Reading['lines']): Occurrence[][] {
  return blocksOf(lines).flatMap(block => Object.values(transpose(block)).flat());
}
