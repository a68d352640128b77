import type { KeyTable } from './keys.js';
import { tokensOf } from './tokens.js';

/** The text of one output. */
export interface OutputText {
  /** A number of the caller's. */
  readonly output: number;
  readonly lines: readonly string[];
}

/** A token of an output, as keys. */
export interface Occurrence {
  readonly output: number;
  readonly keys: readonly number[];
  readonly isNumber: boolean;
  /** May be a part of the number before. */
  readonly optional: boolean;
}

/** All outputs of one cell, token by token; what is spread over several outputs of a cell is read as one text. */
export interface Reading {
  readonly lines: readonly (readonly Occurrence[])[];
  /** The lines once more, cut at brackets: `[(19, 'f'), (18, 'm')]` holds two rows. */
  readonly pieces: readonly (readonly Occurrence[])[];
}

function readLine(output: number, line: string, keys: KeyTable): Occurrence[] {
  return tokensOf(line).map(token => ({
    output,
    keys: keys.learn(token),
    isNumber: token.numbers.length > 0,
    optional: token.optional
  }));
}

export function readCell(texts: readonly OutputText[], keys: KeyTable): Reading {
  const lines: Occurrence[][] = [];
  const pieces: Occurrence[][] = [];
  for (const { output, lines: written } of texts) {
    for (const text of written) {
      const line = readLine(output, text, keys);
      lines.push(line);
      const cut = text.split(/[()[\]{}]/);
      if (cut.length === 1) pieces.push(line);
      else pieces.push(...cut.map(piece => readLine(output, piece, keys)).filter(piece => piece.length > 0));
    }
  }
  return { lines, pieces };
}

/**
 * The ways in which values that stand together may be laid out: along the text (also every second token, as in
 * `{0: 19, 1: 18}`), and down a column counted from the left or the right.
 */
export function streamsOf(reading: Reading): Occurrence[][] {
  const along = reading.lines.flat();
  const every = (offset: number) => along.filter((_, index) => index % 2 === offset);
  return [along, every(0), every(1), ...columnsOf(reading.lines)].filter(stream => stream.length > 1);
}

const MOST_COLUMNS = 128;

/** Lines that follow each other without an empty one between them. */
export function blocksOf(lines: Reading['lines']): Occurrence[][][] {
  const blocks: Occurrence[][][] = [[]];
  for (const line of lines) {
    if (line.length === 0) blocks.push([]);
    else blocks.at(-1)?.push([...line]);
  }
  return blocks.filter(block => block.length > 0);
}

/** What stands at each place of a block's lines, counted from the left and from the right. */
export function turn(block: readonly (readonly Occurrence[])[]): {
  left: Occurrence[][];
  right: Occurrence[][];
} {
  const width = Math.min(MOST_COLUMNS, Math.max(0, ...block.map(line => line.length)));
  const places = Array.from({ length: width }, (_, place) => place);
  return {
    left: places.map(place => block.flatMap(line => line[place] ?? [])),
    right: places.map(place => block.flatMap(line => line.at(-1 - place) ?? []))
  };
}

export function columnsOf(lines: Reading['lines']): Occurrence[][] {
  return blocksOf(lines).flatMap(block => Object.values(turn(block)).flat());
}
