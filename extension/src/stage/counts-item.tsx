import type { TranslationBundle } from '@jupyterlab/translation';
import { VDomRenderer } from '@jupyterlab/ui-components';
import * as React from 'react';
import { cleanRoomIcon } from '../icons.js';
import type { RunsModel } from '../runs/model.js';

/** Shows in the status bar how many runs are active and how many reviews are waiting. A click opens their list. */
export class CountsItem extends VDomRenderer<RunsModel> {
  constructor(
    model: RunsModel,
    private readonly open: (list: 'runs' | 'review') => void,
    private readonly trans: TranslationBundle
  ) {
    super(model);
    this.addClass('crm-CountsItem');
  }

  protected override render(): React.JSX.Element | null {
    const { trans, model } = this;
    const { running, waiting } = model.counts;
    if (model.problem !== undefined || !model.isReady) return null;
    return (
      <span className="jp-StatusBar-TextItem">
        <cleanRoomIcon.react tag="span" className="crm-StatusIcon" width="14px" />
        <button type="button" className="crm-LinkButton" onClick={() => this.open('runs')}>
          {trans.__('%1 running', running)}
        </button>
        {waiting > 0 && (
          <>
            {' · '}
            <button type="button" className="crm-LinkButton" onClick={() => this.open('review')}>
              {trans.__('%1 waiting for you', waiting)}
            </button>
          </>
        )}
      </span>
    );
  }
}
