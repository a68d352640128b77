import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Panel } from '@lumino/widgets';
import * as React from 'react';
import { cleanRoomIcon } from '../icons.js';
import { NotebookView, type NotebookViewOptions } from '../notebook/view.js';
import { ResultHeader, ResultSide, type ResultActions } from './header.js';
import type { ResultModel } from './model.js';

/** The options of a result view. */
export interface ResultOptions extends Omit<NotebookViewOptions, 'markdown'> {
  readonly actions: ResultActions;
  readonly language: string;
}

function createContent(model: ResultModel, options: ResultOptions): Panel {
  const { actions, trans, language } = options;
  const props = { model, actions, trans, language };
  const notebook = new NotebookView({ ...options, markdown: 'rendered' });
  let shown = model.cells;
  model.stateChanged.connect(() => {
    if (model.cells === shown || model.cells === undefined) return;
    shown = model.cells;
    notebook.setCells(shown);
  });
  const side = ReactWidget.create(<ResultSide {...props} />);
  side.addClass('crm-ResultSide');
  // The style sheet does the layout, because a split panel cannot follow a header whose height depends on its text.
  const body = new Panel();
  body.addClass('crm-ResultBody');
  body.addWidget(notebook);
  body.addWidget(side);
  const header = ReactWidget.create(<ResultHeader {...props} />);
  const content = new Panel();
  content.addClass('crm-Main');
  content.addClass('crm-Result');
  content.addWidget(header);
  content.addWidget(body);
  return content;
}

/** The result of a run in the main area: the filtered notebook, and what its receipt proves. */
export class ResultWidget extends MainAreaWidget<Panel> {
  constructor(
    readonly model: ResultModel,
    options: ResultOptions
  ) {
    super({ content: createContent(model, options) });
    const { trans } = options;
    this.id = `clean-room-result-${model.runId}`;
    this.title.icon = cleanRoomIcon;
    this.title.label = trans.__('Result');
    this.title.closable = true;
    this.content.node.setAttribute('role', 'region');
    this.content.node.setAttribute('aria-label', trans.__('Result of a run'));
    model.stateChanged.connect(() => {
      if (model.run !== undefined) this.title.label = trans.__('Result: %1', model.run.notebook);
    });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.model.dispose();
    super.dispose();
  }
}
