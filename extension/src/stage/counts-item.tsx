import type { TranslationBundle } from '@jupyterlab/translation';
import { VDomRenderer } from '@jupyterlab/ui-components';
import * as React from 'react';
import { cleanRoomIcon } from '../icons.js';
import type { RunsModel } from '../runs/model.js';

/** Status bar: how much is under way, and how much waits for this person. Opens what it speaks of. */
export class CountsItem extends VDomRenderer<RunsModel> {
  constructor(
    model: RunsModel,
    private readonly open: (what: 'runs' | 'review') => void,
    private readonly trans: TranslationBundle
  ) {
    super(model);
    this.addClass('crm-CountsItem');
  }

  protected override render(): JSX.Element | null {
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
