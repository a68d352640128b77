import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { RevisionFile } from '@clean-room/protocol/packaging';
import { html, sizeText, sourceText, type Html } from './html.js';

/** Larger files are listed with their size and digest, but their content is not shown. */
const MAX_SHOWN_BYTES = 2 * 1024 * 1024;

interface NotebookCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // A binary file, shown only by size and digest.
  }
}

function cellsOf(text: string): { cells: readonly NotebookCell[]; rest: unknown } | undefined {
  try {
    const { cells, ...rest } = JSON.parse(text) as { cells: NotebookCell[] };
    const valid = cells.every(({ source }) => typeof source === 'string' || Array.isArray(source));
    return valid ? { cells, rest: { ...rest, cells: cells.map(withoutSource) } } : undefined;
  } catch {
    return undefined; // Not a notebook, shown as plain text.
  }
}

/** Returns everything in a cell except its source. It is shown as well, so that nothing in the file is hidden. */
function withoutSource(cell: NotebookCell): unknown {
  return Object.fromEntries(Object.entries(cell).filter(([name]) => name !== 'source'));
}

function notebookView(text: string): Html {
  const notebook = cellsOf(text);
  if (notebook === undefined) return html`<pre>${sourceText(text)}</pre>`;
  const cells = notebook.cells.map(({ cell_type: type, source }, index) => {
    const code = typeof source === 'string' ? source : source.join('');
    return html`<div class="cell">
      <span class="prompt">${type === 'code' ? `[${index + 1}]` : type}</span>
      <pre>${sourceText(code)}</pre>
    </div>`;
  });
  return html`${cells}
    <details>
      <summary>Everything else in the notebook file</summary>
      <pre>${sourceText(JSON.stringify(notebook.rest, undefined, 1))}</pre>
    </details>`;
}

/** Shows one file as text, from the bytes whose digest the spec names. */
export async function fileView(file: RevisionFile, isNotebook: boolean): Promise<Html> {
  const heading = html`<h3>
    <code>${sourceText(file.path)}</code>
    <span class="soft" title="${file.digest}">${sizeText(file.bytes)}</span>
  </h3>`;
  if (file.bytes > MAX_SHOWN_BYTES)
    return html`${heading}
      <p>This file is too large to show here. Its digest is <code>${file.digest}</code>.</p>`;
  const text = textOf(await buffer(Readable.from(file.content())));
  if (text === undefined)
    return html`${heading}
      <p>
        This file is not text and cannot be shown, but it is part of the program. Its digest is
        <code>${file.digest}</code>.
      </p>`;
  if (isNotebook) return html`${heading}${notebookView(text)}`;
  return html`${heading}
    <pre>${sourceText(text)}</pre>`;
}
