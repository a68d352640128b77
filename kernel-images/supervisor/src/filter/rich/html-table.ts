import { cleanText } from '../text/clean.js';
import { NotPlainError, readPieces, type Piece, type Tag } from './html-pieces.js';

interface TableCell {
  readonly text: string;
  /** Whether the cell is the header of a row or column. */
  readonly heading: boolean;
  /** Number of columns that the cell spans. */
  readonly columns: number;
  /** Number of rows that the cell spans. */
  readonly rows: number;
}

interface TableRow {
  readonly section: 'head' | 'body';
  readonly cells: readonly TableCell[];
}

/** A table, or a paragraph outside tables (such as "5 rows × 3 columns" of pandas). */
export type HtmlBlock = { readonly table: readonly TableRow[] } | { readonly paragraph: string };

const MAX_SPAN = 1000;
const MAX_CELLS = 100_000;

function span(tag: Tag, attribute: string): number {
  const value = tag.attributes.get(attribute) ?? '1';
  if (!/^\d{1,4}$/.test(value) || Number(value) < 1 || Number(value) > MAX_SPAN)
    throw new NotPlainError('an invalid span');
  return Number(value);
}

const IGNORED = new Set(['div', 'colgroup', 'col']);
const INLINE = new Set(['b', 'strong', 'i', 'em', 'span', 'code', 'small']);
const SECTIONS = new Set(['thead', 'tbody', 'tfoot']);

/** Builds blocks from pieces. Accepts only the structure of tables that common libraries print. */
class BlockBuilder {
  readonly blocks: HtmlBlock[] = [];
  #rows: TableRow[] | undefined;
  #section: TableRow['section'] = 'body';
  #cells: TableCell[] | undefined;
  #cell: { text: string; tag: Tag } | undefined;
  #count = 0;
  #loose = '';

  take(piece: Piece): void {
    if (typeof piece === 'string') this.#text(piece);
    else if (piece.name === 'br') this.#text('\n');
    else if (piece.name === 'table') this.#table(piece);
    else if (SECTIONS.has(piece.name)) this.#setSection(piece);
    else if (piece.name === 'tr') this.#row(piece);
    else if (piece.name === 'td' || piece.name === 'th') this.#tableCell(piece);
    else if (piece.name === 'p' || piece.name === 'caption') this.#endParagraph();
    else if (!IGNORED.has(piece.name) && !INLINE.has(piece.name)) throw new NotPlainError(`<${piece.name}>`);
  }

  finish(): HtmlBlock[] {
    if (this.#rows !== undefined) throw new NotPlainError('a table that is not closed');
    this.#endParagraph();
    return this.blocks;
  }

  #text(text: string): void {
    if (this.#cell !== undefined) this.#cell.text += text;
    else this.#loose += text;
  }

  #endParagraph(): void {
    if (this.#cell !== undefined) throw new NotPlainError('a paragraph in a cell');
    const text = cleanText(this.#loose.replace(/[ \t\r\n]+/g, ' ')).trim();
    this.#loose = '';
    if (text !== '') this.blocks.push({ paragraph: text });
  }

  #table(tag: Tag): void {
    if (!tag.closing) {
      if (this.#rows !== undefined) throw new NotPlainError('a table in a table');
      this.#endParagraph();
      this.#rows = [];
      this.#section = 'body';
      return;
    }
    this.#endRow();
    if (this.#rows === undefined) throw new NotPlainError('an end tag without its table');
    // Text in a table outside its cells is the caption. It becomes a paragraph before the table.
    this.#endParagraph();
    this.blocks.push({ table: this.#rows });
    this.#rows = undefined;
  }

  #setSection(tag: Tag): void {
    if (this.#rows === undefined) throw new NotPlainError('a section outside a table');
    this.#endRow();
    this.#section = tag.name === 'thead' && !tag.closing ? 'head' : 'body';
  }

  #row(tag: Tag): void {
    if (this.#rows === undefined) throw new NotPlainError('a row outside a table');
    this.#endRow();
    if (!tag.closing) this.#cells = [];
  }

  #endRow(): void {
    this.#endCell();
    if (this.#cells !== undefined) this.#rows?.push({ section: this.#section, cells: this.#cells });
    this.#cells = undefined;
  }

  #tableCell(tag: Tag): void {
    this.#endCell();
    if (tag.closing) return;
    if (this.#cells === undefined || ++this.#count > MAX_CELLS)
      throw new NotPlainError('a cell outside a row, or too many cells');
    this.#cell = { text: '', tag };
  }

  #endCell(): void {
    if (this.#cell === undefined) return;
    const { text, tag } = this.#cell;
    this.#cell = undefined;
    this.#cells?.push({
      text: cleanText(text.replace(/[ \t\r\n]+/g, ' ')).trim(),
      heading: tag.name === 'th',
      columns: span(tag, 'colspan'),
      rows: span(tag, 'rowspan')
    });
  }
}

/** Returns the tables and paragraphs of HTML, or `undefined` when it contains anything else or no table. */
export function readPlainHtml(html: string): HtmlBlock[] | undefined {
  const builder = new BlockBuilder();
  try {
    for (const piece of readPieces(html)) builder.take(piece);
    const blocks = builder.finish();
    return blocks.some(block => 'table' in block) ? blocks : undefined;
  } catch (error) {
    if (error instanceof NotPlainError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function writeCell({ text, heading, columns, rows }: TableCell): string {
  const name = heading ? 'th' : 'td';
  const spans = `${columns === 1 ? '' : ` colspan="${columns}"`}${rows === 1 ? '' : ` rowspan="${rows}"`}`;
  return `<${name}${spans}>${escape(text)}</${name}>`;
}

function writeSection(name: 'thead' | 'tbody', rows: readonly TableRow[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(row => `<tr>${row.cells.map(writeCell).join('')}</tr>\n`);
  return `<${name}>\n${lines.join('')}</${name}>\n`;
}

/** Writes new HTML from the texts of the blocks. JupyterLab's style sheet formats the class `dataframe`. */
export function writePlainHtml(blocks: readonly HtmlBlock[]): string {
  return blocks
    .map(block => {
      if ('paragraph' in block) return `<p>${escape(block.paragraph)}</p>\n`;
      const head = writeSection(
        'thead',
        block.table.filter(row => row.section === 'head')
      );
      const body = writeSection(
        'tbody',
        block.table.filter(row => row.section === 'body')
      );
      return `<table class="dataframe">\n${head}${body}</table>\n`;
    })
    .join('');
}

/** Returns the texts of the blocks line by line. A row of a table is one line. */
export function linesOfHtml(blocks: readonly HtmlBlock[]): string[] {
  return blocks.flatMap(block =>
    'paragraph' in block
      ? [block.paragraph]
      : [...block.table.map(row => row.cells.map(cell => cell.text).join('\t')), '']
  );
}
