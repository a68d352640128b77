import { datasetsIn } from '@clean-room/protocol/notebooks';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { VDomModel, VDomRenderer } from '@jupyterlab/ui-components';
import { Debouncer } from '@lumino/polling';
import * as React from 'react';
import type { DatasetsModel } from '../datasets/model.js';
import { standInKind } from '../shared/dataset-text.js';

/** The datasets that the current notebook opens. In JupyterLab these are always stand-ins. */
export class StageModel extends VDomModel {
  private names: readonly string[] = [];
  private panel: NotebookPanel | null = null;
  private readonly updateLater = new Debouncer(() => this.update(), 500);

  constructor(
    readonly datasets: DatasetsModel,
    private readonly notebooks: INotebookTracker
  ) {
    super();
    notebooks.currentChanged.connect(this.onCurrent, this);
    datasets.stateChanged.connect(this.onContent, this);
    this.onCurrent();
  }

  /** The names of the datasets. */
  get opened(): readonly string[] {
    return this.names;
  }

  /** Whether the current notebook is a result that the clean room returned. */
  get isResult(): boolean {
    return this.panel?.content.model?.sharedModel.getMetadata('clean-room') !== undefined;
  }

  /** Whether there is anything to show. */
  get isActive(): boolean {
    return this.panel !== null && (this.names.length > 0 || this.isResult);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.updateLater.dispose();
    super.dispose();
  }

  private readonly onCurrent = (): void => {
    this.panel?.content.modelContentChanged.disconnect(this.onContent, this);
    this.panel = this.notebooks.currentWidget;
    this.panel?.content.modelContentChanged.connect(this.onContent, this);
    this.update();
  };

  private readonly onContent = (): void => {
    this.updateLater.invoke().catch(() => undefined);
  };

  private update(): void {
    const cells = this.panel?.content.model?.sharedModel.cells ?? [];
    this.names = datasetsIn(cells.filter(cell => cell.cell_type === 'code').map(cell => cell.getSource()));
    this.stateChanged.emit();
  }
}

/** Shows in the status bar that the notebook uses stand-in data, and which. */
export class StageItem extends VDomRenderer<StageModel> {
  constructor(
    model: StageModel,
    private readonly trans: TranslationBundle
  ) {
    super(model);
    this.addClass('crm-StageItem');
  }

  protected override render(): React.JSX.Element | null {
    const { trans, model } = this;
    if (!model.isActive) return null;
    if (model.isResult) {
      const meaning = trans.__(
        'The outputs in this notebook come from the clean room. Cells that you run here use stand-in data.'
      );
      return (
        <span className="jp-StatusBar-TextItem" title={meaning}>
          <span aria-hidden="true">● </span>
          {trans.__('Result of a run on real data. Cells that you run here use stand-in data.')}
        </span>
      );
    }
    const descriptions = model.opened.map(name => {
      const asset = model.datasets.byName(name);
      if (asset === undefined)
        return model.datasets.isReady ? trans.__('%1, not available to your party', name) : name;
      return trans.__('%1 v%2, %3', name, asset.version.version, standInKind(asset, trans));
    });
    const text = trans.__('Programming stage: stand-in data (%1)', descriptions.join('; '));
    const hint = trans.__(
      'This notebook uses stand-in data here. The real data is opened only in the clean room.'
    );
    return (
      <span className="jp-StatusBar-TextItem" title={hint}>
        <span aria-hidden="true">◐ </span>
        {text}
      </span>
    );
  }
}
