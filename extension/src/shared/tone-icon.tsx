import * as React from 'react';
import type { Tone } from './status.js';

const SYMBOLS: Readonly<Record<Tone, string>> = {
  waiting: '◔',
  active: '●',
  good: '✔',
  bad: '✖',
  ended: '○'
};

/** The symbol of a status. Words always stand beside it, so it is hidden from screen readers. */
export function ToneIcon({ tone }: { tone: Tone }): JSX.Element {
  return (
    <span className={`crm-Tone crm-mod-${tone}`} aria-hidden="true">
      {SYMBOLS[tone]}
    </span>
  );
}
