import type { TranslationBundle } from '@jupyterlab/translation';
import type { Asset } from '../api/types.js';

/** What kind of stand-in it is, with its ε where there is one. */
export function standInWords({ version: { standIn } }: Asset, trans: TranslationBundle): string {
  switch (standIn.kind) {
    case 'random':
      return trans.__('random');
    case 'synthetic':
      return standIn.epsilon === undefined
        ? trans.__('synthetic')
        : trans.__('synthetic, ε = %1', standIn.epsilon);
    case 'public':
      return trans.__('public');
  }
}
