import { blocksOf, transpose, type Occurrence, type Reading } from './reading.js';
import { GROUP_ROWS, type RowKeys } from './scan.js';
import type { Survey } from './survey.js';

/** Share of all columns from which a line counts as a whole row. */
const WHOLE_ROW_SHARE = 0.9;
const MIN_COLUMNS = 5;
const MIN_LINES = 3;
/** Share of a block's lines that must be rows. In a summary only some lines are. */
const MIN_ROW_SHARE = 0.8;
const MIN_NUMBERS = 3;

/** Consecutive lines without an empty line between them. */
interface Block {
  /** Number of lines that could be rows, because they have enough numbers or enough values of the data. */
  eligible: number;
  /** Number of lines that hold enough values of a row. */
  complete: number;
  readonly outputs: Set<number>;
}

interface Line {
  readonly tokens: readonly Occurrence[];
  /** Tokens that a row must contain, the rarest first. */
  readonly needed: readonly Occurrence[];
  readonly block: Block;
  /** How often the line occurs in the block. */
  times: number;
  row: number;
  wholeRows: number;
  complete: boolean;
}

/** Searches for lines (or columns) that contain only a row's values, in the order of the dataset's columns. */
export class LineSearch {
  readonly #valuesPerRow: number;
  readonly #lines: Line[] = [];
  /** By key: the lines whose rarest token has the key. The line cannot show a row without that token. */
  readonly #index = new Map<number, Line[]>();
  readonly #counts = new Map<number, number>();

  constructor(readings: readonly Reading[], survey: Survey, valuesPerRow: number) {
    this.#valuesPerRow = valuesPerRow;
    for (const { counts } of survey.columns) {
      for (const [key, count] of counts) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    }
    for (const block of readings.flatMap(reading => blocksOf(reading.segments))) {
      const { left, right } = transpose(block);
      for (const lines of [block, left, right]) this.#addBlock(lines);
    }
  }

  #addBlock(lines: readonly (readonly Occurrence[])[]): void {
    const block: Block = { eligible: 0, complete: 0, outputs: new Set() };
    const known = new Map<string, Line | undefined>();
    for (const line of lines) {
      const tokens = line
        .map(token => ({ ...token, keys: token.keys.filter(key => this.#counts.has(key)) }))
        .filter(token => token.keys.length > 0);
      const numbers = line.filter(token => token.isNumber && !token.optional).length;
      if (numbers >= MIN_NUMBERS || tokens.length >= MIN_NUMBERS) block.eligible++;
      const name = tokens.map(({ keys, output }) => `${output}:${keys.join()}`).join(';');
      const same = known.get(name);
      if (same !== undefined) same.times++;
      else if (tokens.length > this.#valuesPerRow) known.set(name, this.#addLine(tokens, block));
    }
  }

  /** Returns in how many rows a token occurs. */
  #rowsWith(token: Occurrence): number {
    return token.keys.reduce((sum, key) => sum + (this.#counts.get(key) ?? 0), 0);
  }

  #addLine(tokens: readonly Occurrence[], block: Block): Line {
    // The first token may be a label or an index.
    const needed = tokens
      .slice(1)
      .filter(token => !token.optional)
      .sort((a, b) => this.#rowsWith(a) - this.#rowsWith(b));
    const line: Line = { tokens, needed, block, times: 1, row: -1, wholeRows: 0, complete: false };
    this.#lines.push(line);
    for (const key of needed[0]?.keys ?? []) {
      const known = this.#index.get(key);
      if (known === undefined) this.#index.set(key, [line]);
      else known.push(line);
    }
    return line;
  }

  /** Number of steps that the search takes, known before it starts. */
  get cost(): number {
    let steps = 0;
    for (const [key, lines] of this.#index) steps += (this.#counts.get(key) ?? 0) * lines.length * 16;
    return steps;
  }

  /** Compares one row with the lines. */
  visit(row: RowKeys): void {
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
    // Each with and without the first token, which may be a label or an index.
    const variants = [line.tokens, line.tokens.slice(1), certain, certain.slice(1)];
    const shared = Math.max(...variants.map(tokens => valuesInOrder(tokens, keys)));
    if (shared <= this.#valuesPerRow) return;
    if (shared >= WHOLE_ROW_SHARE * (keys.length - empty)) line.wholeRows++;
    if (shared >= Math.min(keys.length, MIN_COLUMNS)) line.complete = true;
  }

  /** Returns the outputs that show rows: one whole row that few share, or a block of several rows. */
  found(): Set<number> {
    const found = new Set<number>();
    for (const { tokens, block, times, wholeRows, complete } of this.#lines) {
      if (wholeRows > 0 && wholeRows <= GROUP_ROWS) for (const { output } of tokens) found.add(output);
      if (!complete) continue;
      block.complete += times;
      for (const { output } of tokens) block.outputs.add(output);
    }
    for (const { block } of this.#lines) {
      if (block.complete < MIN_LINES || block.complete < MIN_ROW_SHARE * block.eligible) continue;
      for (const output of block.outputs) found.add(output);
    }
    return found;
  }
}

function hasAll(tokens: readonly Occurrence[], { row, seen }: RowKeys): boolean {
  return tokens.every(({ keys }) => keys.some(key => seen[key] === row));
}

/** Returns how many values of a row a line contains in the row's order, or 0 when it contains anything else. */
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
