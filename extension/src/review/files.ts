import { CodeViewerWidget, type IEditorServices } from '@jupyterlab/codeeditor';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import { asProblem } from '../api/problem.js';
import { formatBytes, shortDigest } from '../shared/size.js';
import type { ReviewModel } from './model.js';

/** Files larger than this are not shown in an editor; they can still be compared by digest. */
const LARGEST_SHOWN = 1024 * 1024;

function button(text: string, detail: string, title: string): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = 'crm-Row-head';
  node.title = title;
  const quiet = document.createElement('span');
  quiet.className = 'crm-Quiet';
  quiet.textContent = ` ${detail}`;
  node.append(text, quiet);
  return node;
}

/** The files that go along: a list, and the chosen one as text in a read-only editor. */
export class FilesView extends Panel {
  private readonly list = new Widget();
  private readonly content = new Panel();
  private shown: string | undefined;

  constructor(
    private readonly model: ReviewModel,
    private readonly editors: IEditorServices,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('crm-Files');
    this.addWidget(this.list);
    this.addWidget(this.content);
    model.stateChanged.connect(this.refresh, this);
    this.refresh();
  }

  private refresh(): void {
    const revision = this.model.opened?.revision;
    if (revision?.specDigest === this.shown) return;
    this.shown = revision?.specDigest;
    this.clear();
    this.list.node.replaceChildren();
    for (const { path, bytes, digest } of revision?.spec.workspace ?? []) {
      const node = button(path, `${formatBytes(bytes)} · ${shortDigest(digest)}`, digest);
      node.addEventListener('click', () => void this.open(path, bytes));
      this.list.node.append(node);
    }
  }

  private clear(): void {
    for (const widget of [...this.content.widgets]) widget.dispose();
  }

  private say(text: string): void {
    this.clear();
    const widget = new Widget();
    widget.addClass('crm-Panel-empty');
    widget.node.textContent = text;
    this.content.addWidget(widget);
  }

  private async open(path: string, bytes: number): Promise<void> {
    if (bytes > LARGEST_SHOWN) {
      this.say(
        this.trans.__(
          '%1 is too large to show (%2). Its digest is part of what you approve.',
          path,
          formatBytes(bytes)
        )
      );
      return;
    }
    try {
      const text = await this.model.file(path);
      this.clear();
      const viewer = CodeViewerWidget.createCodeViewer({
        factory: this.editors.factoryService.newDocumentEditor,
        content: text,
        mimeType: this.editors.mimeTypeService.getMimeTypeByFilePath(path),
        editorOptions: { config: { lineNumbers: true, readOnly: true } }
      });
      viewer.addClass('crm-Files-viewer');
      this.content.addWidget(viewer);
    } catch (error) {
      this.say(asProblem(error).message);
    }
  }
}
