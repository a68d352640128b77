import { CodeEditor, CodeEditorWrapper, type IEditorServices } from '@jupyterlab/codeeditor';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import { MimeModel, type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import type { OutputWithMark, ShownCell } from './cells.js';
import { OutputMarkView } from './output-mark.js';

/** The services that a notebook view needs, and how it shows markdown. */
export interface NotebookViewOptions {
  readonly editors: IEditorServices;
  readonly rendermime: IRenderMimeRegistry;
  readonly trans: TranslationBundle;
  /** `source`: reviewers see the source text as it was written, and nothing is rendered. */
  readonly markdown: 'rendered' | 'source';
}

/** A read-only view of a notebook. Outputs are rendered as untrusted. */
export class NotebookView extends Panel {
  constructor(private readonly options: NotebookViewOptions) {
    super();
    this.addClass('crm-NotebookView');
  }

  /** Replaces the shown cells. */
  setCells(cells: readonly ShownCell[]): void {
    for (const widget of [...this.widgets]) widget.dispose();
    for (const cell of cells) this.addWidget(this.createCell(cell));
  }

  private createCell(cell: ShownCell): Panel {
    const { markdown, trans } = this.options;
    const panel = new Panel();
    panel.addClass('crm-Cell');
    panel.node.setAttribute('role', 'group');
    panel.node.setAttribute(
      'aria-label',
      cell.number === undefined ? trans.__('Text') : trans.__('Cell %1', cell.number)
    );
    const label = new Widget();
    label.addClass('crm-Cell-label');
    label.node.textContent = cell.number === undefined ? '' : String(cell.number);
    panel.addWidget(label);
    const body = new Panel();
    body.addClass('crm-Cell-body');
    panel.addWidget(body);
    body.addWidget(
      cell.type === 'markdown' && markdown === 'rendered'
        ? this.createProse(cell.source)
        : this.createSource(cell)
    );
    if (cell.status === 'not-run')
      body.addWidget(this.createRemark(trans.__('Not run, because an earlier cell failed.')));
    if (cell.status === 'interrupted')
      body.addWidget(this.createRemark(trans.__('Stopped before it finished.')));
    for (const output of cell.outputs) body.addWidget(this.createOutput(output));
    return panel;
  }

  private createSource({ type, source }: ShownCell): Widget {
    const mimeType =
      type === 'code' ? 'text/x-python' : type === 'markdown' ? 'text/x-markdown' : 'text/plain';
    const model = new CodeEditor.Model({ mimeType });
    model.sharedModel.setSource(source);
    const viewer = new CodeEditorWrapper({
      factory: this.options.editors.factoryService.newInlineEditor,
      model,
      editorOptions: { config: { lineNumbers: type === 'code', lineWrap: true, readOnly: true } }
    });
    viewer.addClass('crm-Cell-source');
    return viewer;
  }

  private createProse(source: string): Widget {
    const renderer = this.options.rendermime.createRenderer('text/markdown');
    renderer.addClass('crm-Cell-prose');
    void renderer.renderModel(new MimeModel({ data: { 'text/markdown': source }, trusted: false }));
    return renderer;
  }

  private createOutput({ output, mark }: OutputWithMark): Widget {
    const { rendermime, trans } = this.options;
    if (mark?.verdict === 'suppressed' || mark?.verdict === 'held') return new OutputMarkView(mark, trans);
    const area = new OutputArea({
      model: new OutputAreaModel({ values: [output], trusted: false }),
      rendermime
    });
    area.addClass('crm-Cell-output');
    if (mark?.verdict !== 'transformed') return area;
    const both = new Panel();
    both.addWidget(area);
    both.addWidget(new OutputMarkView(mark, trans));
    return both;
  }

  private createRemark(text: string): Widget {
    const widget = new Widget();
    widget.addClass('crm-Cell-remark');
    widget.node.textContent = text;
    return widget;
  }
}
