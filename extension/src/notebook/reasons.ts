import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReasonClass } from '../../../packages/protocol/src/runs/verdict.js';

/** Why an output is not there as it was, and what can be done about it. */
export interface Explanation {
  readonly why: string;
  readonly remedy: string;
}

export function explain(reason: ReasonClass, trans: TranslationBundle): Explanation {
  switch (reason) {
    case 'type-not-allowed':
      return {
        why: trans.__('its type may not leave'),
        remedy: trans.__('Show it as plain text, a table or a PNG image instead.')
      };
    case 'too-large':
      return {
        why: trans.__('it is too large'),
        remedy: trans.__('Show less of it: fewer rows, a smaller figure.')
      };
    case 'too-many':
      return {
        why: trans.__('the run has too many outputs'),
        remedy: trans.__('Put several into one table or figure.')
      };
    case 'rows-of-data':
      return {
        why: trans.__('it would show rows of a dataset'),
        remedy: trans.__('Show counts, means or other figures about many people instead of single rows.')
      };
    case 'not-plain':
      return {
        why: trans.__('the filter can’t be sure of what is in it'),
        remedy: trans.__('Show it as plain text, a plain table or an image without hidden parts.')
      };
    case 'error-reduced':
      return {
        why: trans.__('errors are reduced to their kind and place'),
        remedy: trans.__('Messages can hold data. Run the cell on the stand-in to see the whole error.')
      };
    case 're-encoded':
      return {
        why: trans.__('the image was drawn anew from its pixels'),
        remedy: trans.__('Nothing need be done.')
      };
    case 'cleaned':
      return {
        why: trans.__('hidden or active parts were removed'),
        remedy: trans.__('Nothing need be done.')
      };
  }
}
