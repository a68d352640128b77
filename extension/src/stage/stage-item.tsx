import { datasetsIn } from '@clean-room/protocol/notebooks';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { VDomModel, VDomRenderer } from '@jupyterlab/ui-components';
import { Debouncer } from '@lumino/polling';
import * as React from 'react';
import type { DatasetsModel } from '../datasets/model.js';
import { standInWords } from '../shared/stand-in.js';

/** Which datasets the notebook in front opens. In JupyterLab these are stand-ins, always. */
export class StageModel extends VDomModel {
  private names: readonly string[] = [];
  private panel: NotebookPanel | null = null;
  private readonly later = new Debouncer(() => this.look(), 500);

  constructor(
    readonly datasets: DatasetsModel,
    private readonly notebooks: INotebookTracker
  ) {
    super();
    notebooks.currentChanged.connect(this.onCurrent, this);
    datasets.stateChanged.connect(this.onContent, this);
    this.onCurrent();
  }

  get opened(): readonly string[] {
    return this.names;
  }

  /** Whether the outputs in front came out of the clean room. */
  get isResult(): boolean {
    return this.panel?.content.model?.sharedModel.getMetadata('clean-room') !== undefined;
  }

  get isActive(): boolean {
    return this.panel !== null && (this.names.length > 0 || this.isResult);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.later.dispose();
    super.dispose();
  }

  private onCurrent(): void {
    this.panel?.content.modelContentChanged.disconnect(this.onContent, this);
    this.panel = this.notebooks.currentWidget;
    this.panel?.content.modelContentChanged.connect(this.onContent, this);
    this.look();
  }

  private onContent(): void {
    this.later.invoke().catch(() => undefined);
  }

  private look(): void {
    const cells = this.panel?.content.model?.sharedModel.cells ?? [];
    this.names = datasetsIn(cells.filter(cell => cell.cell_type === 'code').map(cell => cell.getSource()));
    this.stateChanged.emit();
  }
}

/** Status bar: that one is programming, and on which stand-ins. */
export class StageItem extends VDomRenderer<StageModel> {
  constructor(
    model: StageModel,
    private readonly trans: TranslationBundle
  ) {
    super(model);
    this.addClass('crm-StageItem');
  }

  protected override render(): JSX.Element | null {
    const { trans, model } = this;
    if (!model.isActive) return null;
    if (model.isResult) {
      const meaning = trans.__(
        'The outputs in this notebook came out of the clean room. Cells that you run here see stand-ins.'
      );
      return (
        <span className="jp-StatusBar-TextItem" title={meaning}>
          <span aria-hidden="true">● </span>
          {trans.__('Result of a run on real data; what you run here sees stand-ins')}
        </span>
      );
    }
    const words = model.opened.map(name => {
      const asset = model.datasets.byName(name);
      if (asset === undefined)
        return model.datasets.isReady ? trans.__('%1, not offered to your party', name) : name;
      return trans.__('%1 v%2, %3', name, asset.version.version, standInWords(asset, trans));
    });
    const text = trans.__('Programming stage: stand-in data (%1)', words.join('; '));
    const hint = trans.__(
      'What this notebook opens here is a stand-in. The real data is only opened in the clean room.'
    );
    return (
      <span className="jp-StatusBar-TextItem" title={hint}>
        <span aria-hidden="true">◐ </span>
        {text}
      </span>
    );
  }
}
