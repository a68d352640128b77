import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

/** What a reader must see beside a result, in no smaller letters. */
export type MarkKind =
  'simulated' | 'co-hosted' | 'unattended' | 'operator-hosted' | 'development-kernel-image';

function words(kind: MarkKind, trans: TranslationBundle): readonly [label: string, meaning: string] {
  switch (kind) {
    case 'simulated':
      return [
        trans.__('SIMULATED'),
        trans.__('The TEE is a simulator on one machine: no hardware vouches for anything here.')
      ];
    case 'co-hosted':
      return [
        trans.__('co-hosted'),
        trans.__('A provider’s keys are kept on the same machine as the clean room itself.')
      ];
    case 'unattended':
      return [trans.__('unattended'), trans.__('An approval was given without a person’s passkey.')];
    case 'operator-hosted':
      return [
        trans.__('operator-hosted'),
        trans.__('A party’s Jupyter server is run by the operator, who sees what that party sees.')
      ];
    case 'development-kernel-image':
      return [
        trans.__('development image'),
        trans.__('The kernel image is signed by a key that was made on the machine itself.')
      ];
  }
}

export function StatusMark({
  kind,
  trans,
  of
}: {
  kind: MarkKind;
  trans: TranslationBundle;
  of?: string;
}): JSX.Element {
  const [label, meaning] = words(kind, trans);
  return (
    <span className={`crm-Mark crm-mod-${kind}`} title={meaning}>
      {of === undefined ? label : `${label}: ${of}`}
    </span>
  );
}
