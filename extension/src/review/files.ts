import { CodeViewerWidget, type IEditorServices } from '@jupyterlab/codeeditor';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import { asProblem } from '../api/problem.js';
import { formatBytes, shortDigest } from '../shared/format.js';
import type { ReviewModel } from './model.js';

/** The size in bytes up to which a file is shown. Larger files can still be compared by their digest. */
const MAX_SHOWN_BYTES = 1024 * 1024;

function createButton(text: string, detail: string, title: string): HTMLButtonElement {
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

/** Shows the files of a submission: a list, and the selected file in a read-only editor. */
export class FilesView extends Panel {
  private readonly list = new Widget();
  private readonly content = new Panel();
  private shownSpec: string | undefined;

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

  private readonly refresh = (): void => {
    const revision = this.model.opened?.revision;
    if (revision?.specDigest === this.shownSpec) return;
    this.shownSpec = revision?.specDigest;
    this.clear();
    this.list.node.replaceChildren();
    for (const { path, bytes, digest } of revision?.spec.workspace ?? []) {
      const node = createButton(path, `${formatBytes(bytes)} · ${shortDigest(digest)}`, digest);
      node.addEventListener('click', () => void this.open(path, bytes));
      this.list.node.append(node);
    }
  };

  private clear(): void {
    for (const widget of [...this.content.widgets]) widget.dispose();
  }

  private showMessage(text: string): void {
    this.clear();
    const widget = new Widget();
    widget.addClass('crm-Panel-empty');
    widget.node.textContent = text;
    this.content.addWidget(widget);
  }

  private async open(path: string, bytes: number): Promise<void> {
    if (bytes > MAX_SHOWN_BYTES) {
      this.showMessage(
        this.trans.__(
          '%1 is too large to show here (%2). Your approval includes its digest.',
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
      this.showMessage(asProblem(error).message);
    }
  }
}
