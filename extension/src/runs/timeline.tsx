import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Decision } from '../api/index.js';
import { runStateLabel, type Entry, type Tone } from '../shared/status.js';
import { elapsed, formatDuration, formatMoment } from '../shared/time.js';
import { ToneIcon } from '../shared/tone-icon.js';

interface Line {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
  readonly at?: string;
  readonly took?: string;
}

function decisionLine(decision: Decision, trans: TranslationBundle): Line {
  const { party, title, state, reason, decidedAt: at } = decision;
  const quoted = reason === undefined ? '' : ` “${reason}”`;
  const line = (tone: Tone, text: string): Line => ({ key: `decision-${party}`, tone, text: text + quoted, at });
  switch (state) {
    case 'pending':
      return line('waiting', trans.__('%1 has not decided yet', title));
    case 'approved':
      return line('good', decision.unattended ? trans.__('%1 approved, unattended', title) : trans.__('%1 approved', title));
    case 'changes-requested':
      return line('bad', trans.__('%1 asks for changes:', title));
    case 'rejected':
      return line('bad', trans.__('%1 rejected:', title));
    case 'revoked':
      return line('bad', trans.__('%1 took its approval back', title));
    case 'expired':
      return line('ended', trans.__('%1’s approval has expired', title));
  }
}

function linesOf({ submission, runs }: Entry, now: number, trans: TranslationBundle): Line[] {
  const [run] = runs;
  const steps = run?.steps ?? [];
  return [
    { key: 'submitted', tone: 'good', text: trans.__('submitted for %1', submission.purpose), at: submission.submittedAt },
    ...submission.decisions.map(decision => decisionLine(decision, trans)),
    ...steps.map((step, index): Line => {
      const next = steps[index + 1];
      const last = next === undefined;
      const ended = run?.endedAt !== undefined;
      const tone = last && !ended ? 'active' : step.state === 'failed' ? 'bad' : step.state === 'cancelled' ? 'ended' : 'good';
      const label = runStateLabel(step.state, trans);
      return {
        key: `${step.state}-${step.at}`,
        tone,
        text: step.detail === undefined ? label : `${label}: ${step.detail}`,
        at: step.at,
        took: last && ended ? undefined : formatDuration(elapsed(step.at, next?.at, now))
      };
    })
  ];
}

export interface TimelineProps {
  readonly entry: Entry;
  readonly now: number;
  readonly language: string;
  readonly trans: TranslationBundle;
}

/** What has happened to a submission so far, step by step, and how long each step took. */
export function Timeline({ entry, now, language, trans }: TimelineProps): JSX.Element {
  return (
    <ol className="crm-Timeline">
      {linesOf(entry, now, trans).map(line => (
        <li key={line.key} title={line.at === undefined ? undefined : formatMoment(line.at, language)}>
          <ToneIcon tone={line.tone} />
          <span className="crm-Timeline-text">{line.text}</span>
          {line.took !== undefined && <span className="crm-Timeline-took">{line.took}</span>}
        </li>
      ))}
    </ol>
  );
}
