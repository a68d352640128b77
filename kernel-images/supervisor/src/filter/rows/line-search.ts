import { blocksOf, turn, type Occurrence, type Reading } from './reading.js';
import type { RowKeys } from './scan.js';
import type { Survey } from './survey.js';

/** A row that more persons than this have in common tells of a group. */
const GROUP_ROWS = 10;
/** Share of all columns that makes a line a whole row. */
const WHOLE = 0.9;
const LEAST_COLUMNS = 5;
const LEAST_LINES = 3;
/** Share of a block's lines that must be rows: of a summary's lines only some are. */
const MOST_LINES = 0.8;
const LEAST_NUMBERS = 3;

/** Lines that stand under each other. */
interface Block {
  /** Lines that look as rows may: enough numbers, or enough values of the data. */
  eligible: number;
  complete: number;
  readonly outputs: Set<number>;
}

interface Line {
  readonly tokens: readonly Occurrence[];
  /** Those that a row must have, the rarest first. */
  readonly needed: readonly Occurrence[];
  readonly block: Block;
  /** How often it stands in the block. */
  times: number;
  row: number;
  wholeRows: number;
  complete: boolean;
}

/** Looks for lines (or columns) that hold a row's values in the order of the dataset's columns, and nothing else. */
export class LineSearch {
  readonly #valuesPerRow: number;
  readonly #lines: Line[] = [];
  /** By key: the lines whose rarest token means it. A row without that token can't be in the line. */
  readonly #index = new Map<number, Line[]>();
  readonly #counts = new Map<number, number>();

  constructor(readings: readonly Reading[], survey: Survey, valuesPerRow: number) {
    this.#valuesPerRow = valuesPerRow;
    for (const { counts } of survey.columns) {
      for (const [key, count] of counts) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    }
    for (const block of readings.flatMap(reading => blocksOf(reading.pieces))) {
      const { left, right } = turn(block);
      for (const lines of [block, left, right]) this.#learn(lines);
    }
  }

  #learn(lines: readonly (readonly Occurrence[])[]): void {
    const block: Block = { eligible: 0, complete: 0, outputs: new Set() };
    const known = new Map<string, Line | undefined>();
    for (const line of lines) {
      const tokens = line
        .map(token => ({ ...token, keys: token.keys.filter(key => this.#counts.has(key)) }))
        .filter(token => token.keys.length > 0);
      const numbers = line.filter(token => token.isNumber && !token.optional).length;
      if (numbers >= LEAST_NUMBERS || tokens.length >= LEAST_NUMBERS) block.eligible++;
      const name = tokens.map(({ keys, output }) => `${output}:${keys.join()}`).join(';');
      const same = known.get(name);
      if (same !== undefined) same.times++;
      else if (tokens.length > this.#valuesPerRow) known.set(name, this.#add(tokens, block));
    }
  }

  #share(token: Occurrence): number {
    return token.keys.reduce((sum, key) => sum + (this.#counts.get(key) ?? 0), 0);
  }

  #add(tokens: readonly Occurrence[], block: Block): Line {
    // The first token may be a label or an index.
    const needed = tokens
      .slice(1)
      .filter(token => !token.optional)
      .sort((a, b) => this.#share(a) - this.#share(b));
    const line: Line = { tokens, needed, block, times: 1, row: -1, wholeRows: 0, complete: false };
    this.#lines.push(line);
    for (const key of needed[0]?.keys ?? []) {
      const known = this.#index.get(key);
      if (known === undefined) this.#index.set(key, [line]);
      else known.push(line);
    }
    return line;
  }

  get cost(): number {
    let steps = 0;
    for (const [key, lines] of this.#index) steps += (this.#counts.get(key) ?? 0) * lines.length * 16;
    return steps;
  }

  look(row: RowKeys): void {
    for (const keys of row.keys) {
      for (const key of keys) {
        for (const line of this.#index.get(key) ?? []) {
          if (line.row === row.row) continue;
          line.row = row.row;
          if (hasAll(line.needed, row)) this.#compare(line, row);
        }
      }
    }
  }

  #compare(line: Line, { keys, empty }: RowKeys): void {
    if (line.complete && line.wholeRows > GROUP_ROWS) return;
    const certain = line.tokens.filter(token => !token.optional);
    const ways = [line.tokens, line.tokens.slice(1), certain, certain.slice(1)];
    const shared = Math.max(...ways.map(tokens => valuesInOrder(tokens, keys)));
    if (shared <= this.#valuesPerRow) return;
    if (shared >= WHOLE * (keys.length - empty)) line.wholeRows++;
    if (shared >= Math.min(keys.length, LEAST_COLUMNS)) line.complete = true;
  }

  /** The outputs that show rows: one that few have in full, or several under each other. */
  found(): Set<number> {
    const found = new Set<number>();
    for (const { tokens, block, times, wholeRows, complete } of this.#lines) {
      if (wholeRows > 0 && wholeRows <= GROUP_ROWS) for (const { output } of tokens) found.add(output);
      if (!complete) continue;
      block.complete += times;
      for (const { output } of tokens) block.outputs.add(output);
    }
    for (const { block } of this.#lines) {
      if (block.complete < LEAST_LINES || block.complete < MOST_LINES * block.eligible) continue;
      for (const output of block.outputs) found.add(output);
    }
    return found;
  }
}

function hasAll(tokens: readonly Occurrence[], { row, seen }: RowKeys): boolean {
  return tokens.every(({ keys }) => keys.some(key => seen[key] === row));
}

/** How many values of a row a line holds in the row's order; none when it holds anything else. */
function valuesInOrder(tokens: readonly Occurrence[], row: readonly (readonly number[])[]): number {
  let column = 0;
  let shared = 0;
  for (const { keys, optional } of tokens) {
    let at = column;
    while (at < row.length && !row[at]?.some(key => keys.includes(key))) at++;
    if (at < row.length) {
      column = at + 1;
      shared++;
    } else if (!optional) return 0;
  }
  return shared;
}
