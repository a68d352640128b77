import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Decision, Reason, Run } from '@clean-room/api/coordinator';
import type { RunState } from '@clean-room/protocol/runs';
import { elapsed, formatDollars, formatDuration, formatTimestamp } from '../shared/format.js';
import {
  hasEnded,
  joinParties,
  machineText,
  runStateLabel,
  type Entry,
  type Tone,
  type Viewer
} from '../shared/status.js';
import { ToneIcon } from '../shared/symbols.js';

interface Line {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
  readonly at?: string;
  readonly took?: string;
}

function decisionLine(decision: Decision, viewer: Viewer, trans: TranslationBundle): Line {
  const { provider, state, reason, decidedAt: at } = decision;
  const name = joinParties([provider], viewer, trans);
  const line = (tone: Tone, text: string): Line => ({
    key: `decision-${provider}`,
    tone,
    text: reason === undefined ? text : `${text}: “${reason.message}”`,
    at
  });
  switch (state) {
    case 'pending':
      return line('waiting', trans.__('waiting for %1', name));
    case 'approved':
      return line('good', trans.__('approved by %1', name));
    case 'changes-requested':
      return line('bad', trans.__('changes requested by %1', name));
    case 'rejected':
      return line('bad', trans.__('rejected by %1', name));
    case 'revoked':
      return line('bad', trans.__('approval revoked by %1', name));
    case 'expired':
      return line('ended', trans.__('approval by %1 expired', name));
  }
}

function stepTone(state: RunState, isLast: boolean): Tone {
  if (state === 'failed') return 'bad';
  if (state === 'cancelled') return 'ended';
  return isLast && !hasEnded({ state }) ? 'active' : 'good';
}

/** Returns the text of a step. A run that is queued once more says what happened to its machine. */
function stepText(state: RunState, reason: Reason | undefined, trans: TranslationBundle): string {
  return state === 'queued' && reason !== undefined
    ? trans.__('started again: %1', machineText(reason, trans))
    : runStateLabel(state, trans);
}

function linesOf(
  { submission, detail }: Entry,
  now: number,
  viewer: Viewer,
  trans: TranslationBundle
): Line[] {
  const { revision } = submission;
  const newest = detail?.submission.revisions.find(({ number }) => number === revision.number);
  const history = detail?.run?.history ?? [];
  return [
    {
      key: 'submitted',
      tone: 'good',
      text: trans.__('submitted; purpose: %1', revision.purpose),
      at: revision.submittedAt
    },
    ...(newest?.decisions ?? []).map(decision => decisionLine(decision, viewer, trans)),
    ...history.map(({ state, at, reason }, index): Line => {
      const next = history[index + 1];
      const took = hasEnded({ state }) ? undefined : formatDuration(elapsed(at, next?.at, now));
      return {
        key: `${state}-${at}`,
        tone: stepTone(state, next === undefined),
        text: stepText(state, reason, trans),
        at,
        took
      };
    }),
    ...costLines(detail?.run, trans)
  ];
}

/** Returns the line with the cost of a run, once an attempt has ended and if the operator has configured the prices. */
function costLines(run: Run | undefined, trans: TranslationBundle): Line[] {
  const { cost } = run ?? {};
  if (cost?.dollars === undefined) return [];
  const time = formatDuration(cost.seconds * 1000);
  return [
    {
      key: 'cost',
      tone: 'ended',
      text: trans.__('cost about %1: %2 on %3', formatDollars(cost.dollars), time, cost.machine)
    }
  ];
}

/** The properties of a timeline. */
export interface TimelineProps {
  readonly entry: Entry;
  readonly now: number;
  readonly language: string;
  readonly viewer: Viewer;
  readonly trans: TranslationBundle;
}

/** Shows the history of a submission, step by step, and how long each step took. */
export function Timeline({ entry, now, language, viewer, trans }: TimelineProps): React.JSX.Element {
  return (
    <ol className="crm-Timeline" aria-busy={entry.detail === undefined}>
      {linesOf(entry, now, viewer, trans).map(line => (
        <li key={line.key} title={line.at === undefined ? undefined : formatTimestamp(line.at, language)}>
          <ToneIcon tone={line.tone} />
          <span className="crm-Timeline-text">{line.text}</span>
          {line.took !== undefined && <span className="crm-Timeline-took">{line.took}</span>}
        </li>
      ))}
    </ol>
  );
}
