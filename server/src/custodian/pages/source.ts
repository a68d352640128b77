import type { RevisionFile } from '@clean-room/protocol/packaging';
import { html, sourceText, type Html } from './html.js';

/** A file larger than this is named with its digest, and can be fetched for reading elsewhere. */
const LARGEST_SHOWN = 2 * 1024 * 1024;

interface NotebookCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
}

async function contentOf(file: RevisionFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // binary: shown by size and digest
  }
}

function cellsOf(text: string): { cells: readonly NotebookCell[]; rest: unknown } | undefined {
  try {
    const { cells, ...rest } = JSON.parse(text) as { cells: NotebookCell[] };
    const known = cells.every(({ source }) => typeof source === 'string' || Array.isArray(source));
    return known ? { cells, rest: { ...rest, cells: cells.map(remainder) } } : undefined;
  } catch {
    return undefined; // not a notebook: shown as the text it is
  }
}

/** What a cell holds beside its source; shown, so that nothing in the file goes unseen. */
function remainder(cell: NotebookCell): unknown {
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
      <summary>Everything else in the notebook’s file</summary>
      <pre>${sourceText(JSON.stringify(notebook.rest, undefined, 1))}</pre>
    </details>`;
}

/** One file as text, from the bytes whose digest the spec names. */
export async function fileView(file: RevisionFile, isNotebook: boolean): Promise<Html> {
  const head = html`<h3>
    <code>${sourceText(file.path)}</code> <span class="soft">${file.bytes} bytes · ${file.digest}</span>
  </h3>`;
  if (file.bytes > LARGEST_SHOWN)
    return html`${head}
      <p>Too large to show here.</p>`;
  const text = textOf(await contentOf(file));
  if (text === undefined)
    return html`${head}
      <p>Not text. It is part of the program all the same.</p>`;
  if (isNotebook) return html`${head}${notebookView(text)}`;
  return html`${head}
    <pre>${sourceText(text)}</pre>`;
}
