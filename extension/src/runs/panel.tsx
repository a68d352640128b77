import { ReactWidget, FilterBox } from '@jupyterlab/ui-components';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { FeedStatus } from '../api/feed.js';
import { languageTag } from '../shared/format.js';
import { useNow, useSignals } from '../shared/hooks.js';
import { ProblemView } from '../shared/problems.js';
import { TRANSLATION_DOMAIN } from '../tokens.js';
import type { RunsModel } from './model.js';
import { Row, type EntryActions } from './row.js';

interface Props {
  readonly model: RunsModel;
  readonly actions: EntryActions;
  readonly trans: TranslationBundle;
  readonly language: string;
}

function RunsView({ model, actions, trans, language }: Props): React.JSX.Element {
  useSignals(model.stateChanged, model.session.changed, model.session.feed.statusChanged);
  const entries = model.entries;
  const now = useNow(model.counts.running > 0);
  return (
    <>
      <div className="crm-Panel-tools">
        <FilterBox
          placeholder={trans.__('Filter runs')}
          initialQuery={model.filter}
          updateFilter={(_, query) => {
            model.filter = query ?? '';
          }}
          useFuzzyFilter={false}
          showIcon
        />
        <FeedState status={model.session.feed.status} trans={trans} />
      </div>
      {model.problem !== undefined && <ProblemView problem={model.problem} trans={trans} />}
      {model.problem === undefined && entries.length === 0 && (
        <p className="crm-Panel-empty">{emptySentence(model, trans)}</p>
      )}
      <ul className="crm-Rows" aria-label={trans.__('Runs')}>
        {entries.map(entry => (
          <Row
            key={entry.submission.id}
            entry={entry}
            now={now}
            language={language}
            viewer={model.session.viewer}
            trans={trans}
            actions={actions}
            cancelling={entry.runs.some(run => model.isCancelling(run.id))}
            open={model.isOpen(entry.submission.id)}
            own={entry.submission.party === model.session.acting?.party}
            onToggle={() => model.toggle(entry.submission.id)}
          />
        ))}
      </ul>
    </>
  );
}

function FeedState({ status, trans }: { status: FeedStatus; trans: TranslationBundle }): React.JSX.Element {
  const live = status === 'live';
  const meaning = live
    ? trans.__('Changes are shown as they happen.')
    : trans.__('The list is updated every few seconds.');
  return (
    <span className="crm-Panel-live" role="status" title={meaning}>
      {live ? trans.__('● live') : trans.__('○ not live')}
    </span>
  );
}

function emptySentence(model: RunsModel, trans: TranslationBundle): string {
  if (!model.isReady) return trans.__('Loading…');
  if (model.filter !== '') return trans.__('No runs match this filter.');
  return trans.__(
    'Nothing submitted yet. Open a notebook and select “Submit to Clean Room”. Runs continue when you close JupyterLab.'
  );
}

/** The runs section of the left sidebar. */
export class RunsPanel extends ReactWidget {
  private readonly trans: TranslationBundle;
  private readonly language: string;

  constructor(
    private readonly model: RunsModel,
    private readonly actions: EntryActions,
    translator: ITranslator
  ) {
    super();
    this.trans = translator.load(TRANSLATION_DOMAIN);
    this.language = languageTag(translator.languageCode);
    this.addClass('crm-RunsPanel');
    this.title.label = this.trans.__('Runs');
  }

  protected override render(): React.JSX.Element {
    return <RunsView model={this.model} actions={this.actions} trans={this.trans} language={this.language} />;
  }
}
