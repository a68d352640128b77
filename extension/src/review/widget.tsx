import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Panel, SplitPanel } from '@lumino/widgets';
import * as React from 'react';
import { reviewIcon } from '../icons.js';
import { NotebookView, type NotebookViewOptions } from '../notebook/view.js';
import { Discussion } from './discussion.js';
import { ReviewHead } from './facts.js';
import { FilesView } from './files.js';
import type { ReviewModel } from './model.js';
import { ReviewQueue } from './queue.js';
import { Terms } from './rules.js';
import { Tabs } from './tabs.js';

/** The options of the review view. */
export interface ReviewOptions extends Omit<NotebookViewOptions, 'markdown'> {
  readonly language: string;
}

function createTabs(model: ReviewModel, options: ReviewOptions): Tabs {
  const { trans, editors, language } = options;
  const notebook = new NotebookView({ ...options, markdown: 'source' });
  let shown = model.opened?.cells;
  model.stateChanged.connect(() => {
    if (model.opened?.cells === shown) return;
    shown = model.opened?.cells;
    notebook.setCells(shown ?? []);
  });
  const terms = ReactWidget.create(<Terms model={model} trans={trans} language={language} />);
  terms.addClass('crm-TermsPanel');
  const tabs = new Tabs(trans.__('What was submitted'));
  tabs.addPage(notebook, trans.__('Notebook'));
  tabs.addPage(new FilesView(model, editors, trans), trans.__('Files'));
  tabs.addPage(terms, trans.__('Data and rules'));
  return tabs;
}

function createContent(model: ReviewModel, options: ReviewOptions): SplitPanel {
  const { trans, language } = options;
  const props = { model, trans, language };
  const queue = ReactWidget.create(<ReviewQueue {...props} />);
  queue.addClass('crm-QueuePanel');
  const sheet = new Panel();
  sheet.addClass('crm-ReviewSheet');
  sheet.addWidget(ReactWidget.create(<ReviewHead {...props} />));
  sheet.addWidget(createTabs(model, options));
  sheet.addWidget(ReactWidget.create(<Discussion {...props} />));
  const content = new SplitPanel({ orientation: 'horizontal', spacing: 1 });
  content.addClass('crm-Main');
  content.addClass('crm-Review');
  content.addWidget(queue);
  content.addWidget(sheet);
  content.setRelativeSizes([1, 3]);
  return content;
}

/** The view of submissions and reviews: everything that a decision needs, on one screen. */
export class ReviewWidget extends MainAreaWidget<SplitPanel> {
  constructor(
    readonly model: ReviewModel,
    options: ReviewOptions
  ) {
    super({ content: createContent(model, options) });
    const { trans } = options;
    this.id = 'clean-room-review';
    this.title.icon = reviewIcon;
    this.title.label = trans.__('Submissions');
    this.title.closable = true;
    this.content.node.setAttribute('role', 'region');
    this.content.node.setAttribute('aria-label', trans.__('Submissions and reviews'));
  }
}
