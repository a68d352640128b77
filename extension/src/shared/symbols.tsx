import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Tone } from './status.js';

const TONE_SYMBOLS: Readonly<Record<Tone, string>> = {
  waiting: '◔',
  active: '●',
  good: '✔',
  bad: '✖',
  ended: '○'
};

/** Shows the symbol of a status. It is hidden from screen readers, because text always follows it. */
export function ToneIcon({ tone }: { tone: Tone }): React.JSX.Element {
  return (
    <span className={`crm-Tone crm-mod-${tone}`} aria-hidden="true">
      {TONE_SYMBOLS[tone]}
    </span>
  );
}

/** A limitation of a result that must be as visible as the result itself. */
export type MarkKind =
  'simulated' | 'other-root' | 'co-hosted' | 'unattended' | 'operator-hosted' | 'development-kernel-image';

function markText(kind: MarkKind, trans: TranslationBundle): readonly [label: string, meaning: string] {
  switch (kind) {
    case 'simulated':
      return [
        trans.__('SIMULATED'),
        trans.__(
          'This runs in a simulated machine, which does not protect data. Use it only to try things out.'
        )
      ];
    case 'other-root':
      return [trans.__('OTHER ROOT'), trans.__('The machine is vouched for by somebody other than Google.')];
    case 'co-hosted':
      return [
        trans.__('co-hosted'),
        trans.__('The keys of this provider are kept on the same computer as the clean room’s own server.')
      ];
    case 'unattended':
      return [trans.__('unattended'), trans.__('The approval was given without a person’s passkey.')];
    case 'operator-hosted':
      return [
        trans.__('operator-hosted'),
        trans.__('The operator runs the Jupyter server of this party and can see what this party sees.')
      ];
    case 'development-kernel-image':
      return [
        trans.__('development image'),
        trans.__('The software in the machine is a development version, not a published release.')
      ];
  }
}

/**
 * Shows a mark with its explanation as a tooltip.
 *
 * @param props - the kind of mark; `of` names the parties that it is about
 */
export function StatusMark({
  kind,
  trans,
  of
}: {
  kind: MarkKind;
  trans: TranslationBundle;
  of?: string;
}): React.JSX.Element {
  const [label, meaning] = markText(kind, trans);
  return (
    <span className={`crm-Mark crm-mod-${kind}`} title={meaning}>
      {of === undefined ? label : `${label}: ${of}`}
    </span>
  );
}
