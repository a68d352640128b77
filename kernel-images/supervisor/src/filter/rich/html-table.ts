import { cleanText } from '../text/clean.js';
import { NotPlain, readPieces, type Piece, type Tag } from './html-pieces.js';

/** A cell of a plain table: text, whether it heads a row or column, and how many columns and rows it spans. */
export interface TableCell {
  readonly text: string;
  readonly heading: boolean;
  readonly columns: number;
  readonly rows: number;
}

export interface TableRow {
  readonly section: 'head' | 'body';
  readonly cells: readonly TableCell[];
}

/** A table, or a paragraph of text beside tables (pandas: "5 rows × 3 columns"). */
export type HtmlBlock = { readonly table: readonly TableRow[] } | { readonly paragraph: string };

const MOST_SPAN = 1000;
const MOST_CELLS = 100_000;

function span(tag: Tag, attribute: string): number {
  const value = tag.attributes.get(attribute) ?? '1';
  if (!/^\d{1,4}$/.test(value) || Number(value) < 1 || Number(value) > MOST_SPAN)
    throw new NotPlain('a wrong span');
  return Number(value);
}

const IGNORED = new Set(['div', 'colgroup', 'col']);
const INLINE = new Set(['b', 'strong', 'i', 'em', 'span', 'code', 'small']);
const SECTIONS = new Set(['thead', 'tbody', 'tfoot']);

/** Builds blocks from pieces, as strictly as a printed table needs. */
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
    else if (!IGNORED.has(piece.name) && !INLINE.has(piece.name)) throw new NotPlain(`<${piece.name}>`);
  }

  finish(): HtmlBlock[] {
    if (this.#rows !== undefined) throw new NotPlain('a table without end');
    this.#endParagraph();
    return this.blocks;
  }

  #text(text: string): void {
    if (this.#cell !== undefined) this.#cell.text += text;
    else this.#loose += text;
  }

  #endParagraph(): void {
    if (this.#cell !== undefined) throw new NotPlain('a paragraph in a cell');
    const text = cleanText(this.#loose.replace(/[ \t\r\n]+/g, ' ')).trim();
    this.#loose = '';
    if (text !== '') this.blocks.push({ paragraph: text });
  }

  #table(tag: Tag): void {
    if (!tag.closing) {
      if (this.#rows !== undefined) throw new NotPlain('a table in a table');
      this.#endParagraph();
      this.#rows = [];
      this.#section = 'body';
      return;
    }
    this.#endRow();
    if (this.#rows === undefined) throw new NotPlain('the end of no table');
    // What stands in a table outside its cells is its caption: it comes before, as a paragraph of its own.
    this.#endParagraph();
    this.blocks.push({ table: this.#rows });
    this.#rows = undefined;
  }

  #setSection(tag: Tag): void {
    if (this.#rows === undefined) throw new NotPlain('a section outside a table');
    this.#endRow();
    this.#section = tag.name === 'thead' && !tag.closing ? 'head' : 'body';
  }

  #row(tag: Tag): void {
    if (this.#rows === undefined) throw new NotPlain('a row outside a table');
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
    if (this.#cells === undefined || ++this.#count > MOST_CELLS)
      throw new NotPlain('a cell outside a row, or too many');
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

/** Tables and paragraphs of a piece of HTML, or `undefined` when there is anything else in it. */
export function readPlainHtml(html: string): HtmlBlock[] | undefined {
  const builder = new BlockBuilder();
  try {
    for (const piece of readPieces(html)) builder.take(piece);
    const blocks = builder.finish();
    return blocks.some(block => 'table' in block) ? blocks : undefined;
  } catch (error) {
    if (error instanceof NotPlain || error instanceof RangeError) return undefined;
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

/** HTML anew, from nothing but the texts. `dataframe` is the class that JupyterLab's own style sheet knows. */
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

/** The texts line by line, a row of a table being a line, for all that reads text. */
export function linesOfHtml(blocks: readonly HtmlBlock[]): string[] {
  return blocks.flatMap(block =>
    'paragraph' in block
      ? [block.paragraph]
      : [...block.table.map(row => row.cells.map(cell => cell.text).join('\t')), '']
  );
}
