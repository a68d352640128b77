import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Decision } from '../../../packages/api/src/coordinator/submissions.js';
import type { RunState } from '../../../packages/protocol/src/runs/states.js';
import { runStateLabel, type Entry, type TitleOf, type Tone } from '../shared/status.js';
import { elapsed, formatDuration, formatTimestamp } from '../shared/time.js';
import { ToneIcon } from '../shared/tone-icon.js';
import { isOver } from './over.js';

interface Line {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
  readonly at?: string;
  readonly took?: string;
}

function decisionLine(decision: Decision, titleOf: TitleOf, trans: TranslationBundle): Line {
  const { provider, state, reason, decidedAt: at } = decision;
  const title = titleOf(provider);
  const line = (tone: Tone, text: string): Line => ({
    key: `decision-${provider}`,
    tone,
    text: reason === undefined ? text : `${text}: “${reason.message}”`,
    at
  });
  switch (state) {
    case 'pending':
      return line('waiting', trans.__('%1 has not decided yet', title));
    case 'approved':
      return line('good', trans.__('%1 approved', title));
    case 'changes-requested':
      return line('bad', trans.__('%1 asks for changes', title));
    case 'rejected':
      return line('bad', trans.__('%1 rejected', title));
    case 'revoked':
      return line('bad', trans.__('%1 took its approval back', title));
    case 'expired':
      return line('ended', trans.__('%1’s approval has expired', title));
  }
}

function stepTone(state: RunState, isLast: boolean): Tone {
  if (state === 'failed') return 'bad';
  if (state === 'cancelled') return 'ended';
  return isLast && !isOver({ state }) ? 'active' : 'good';
}

function linesOf(
  { submission, detail }: Entry,
  now: number,
  titleOf: TitleOf,
  trans: TranslationBundle
): Line[] {
  const { revision } = submission;
  const newest = detail?.submission.revisions.find(({ number }) => number === revision.number);
  const history = detail?.run?.history ?? [];
  return [
    {
      key: 'submitted',
      tone: 'good',
      text: trans.__('submitted for: %1', revision.purpose),
      at: revision.submittedAt
    },
    ...(newest?.decisions ?? []).map(decision => decisionLine(decision, titleOf, trans)),
    ...history.map(({ state, at }, index): Line => {
      const next = history[index + 1];
      const took = isOver({ state }) ? undefined : formatDuration(elapsed(at, next?.at, now));
      return {
        key: `${state}-${at}`,
        tone: stepTone(state, next === undefined),
        text: runStateLabel(state, trans),
        at,
        took
      };
    })
  ];
}

export interface TimelineProps {
  readonly entry: Entry;
  readonly now: number;
  readonly language: string;
  readonly titleOf: TitleOf;
  readonly trans: TranslationBundle;
}

/** What has happened to a submission so far, step by step, and how long each step took. */
export function Timeline({ entry, now, language, titleOf, trans }: TimelineProps): JSX.Element {
  return (
    <ol className="crm-Timeline" aria-busy={entry.detail === undefined}>
      {linesOf(entry, now, titleOf, trans).map(line => (
        <li key={line.key} title={line.at === undefined ? undefined : formatTimestamp(line.at, language)}>
          <ToneIcon tone={line.tone} />
          <span className="crm-Timeline-text">{line.text}</span>
          {line.took !== undefined && <span className="crm-Timeline-took">{line.took}</span>}
        </li>
      ))}
    </ol>
  );
}
