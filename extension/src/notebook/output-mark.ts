import type { ReasonClass } from '@clean-room/protocol/runs';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { OutputMark } from './cells.js';

/** The reason why an output was changed, held or suppressed, and the steps that the researcher can take. */
interface Explanation {
  readonly reason: string;
  readonly remedy: string;
}

function explain(reason: ReasonClass, trans: TranslationBundle): Explanation {
  switch (reason) {
    case 'type-not-allowed':
      return {
        reason: trans.__('this type of output is not allowed'),
        remedy: trans.__('Show it as plain text, a table or a PNG image instead.')
      };
    case 'too-large':
      return {
        reason: trans.__('it is too large'),
        remedy: trans.__('Show fewer rows or a smaller figure.')
      };
    case 'too-many':
      return {
        reason: trans.__('the run has too many outputs'),
        remedy: trans.__('Combine several outputs in one table or figure.')
      };
    case 'rows-of-data':
      return {
        reason: trans.__('it would show rows of a dataset'),
        remedy: trans.__('Show counts, means or other figures about many people instead of single rows.')
      };
    case 'not-plain':
      return {
        reason: trans.__('it could contain hidden data'),
        remedy: trans.__('Show it as plain text, a plain table or an image without hidden parts.')
      };
    case 'error-reduced':
      return {
        reason: trans.__('only the kind and the place of the error are shown'),
        remedy: trans.__(
          'Error messages can contain data. Run the cell on the stand-in data to see the whole message.'
        )
      };
    case 're-encoded':
      return {
        reason: trans.__('the image was redrawn from its pixels'),
        remedy: trans.__('You need not do anything.')
      };
    case 'cleaned':
      return {
        reason: trans.__('hidden or active parts were removed'),
        remedy: trans.__('You need not do anything.')
      };
  }
}

function createElement(tag: string, className: string, text: string): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function createRemedies(explanations: readonly Explanation[], summary: string): HTMLElement {
  const node = document.createElement('details');
  node.append(createElement('summary', '', summary));
  for (const { remedy } of explanations) node.append(createElement('p', '', remedy));
  return node;
}

/** Shows the filter's verdict: in place of an output that was not returned, or below one that was changed. */
export class OutputMarkView extends Widget {
  constructor(mark: OutputMark, trans: TranslationBundle) {
    super();
    const explanations = mark.reasons.map(reason => explain(reason, trans));
    const reasons = explanations.map(({ reason }) => reason).join('; ');
    this.addClass('crm-OutputMark');
    this.addClass(`crm-mod-${mark.verdict}`);
    if (mark.verdict === 'transformed') {
      this.node.append(createElement('span', 'crm-Quiet', trans.__('Changed by the filter: %1.', reasons)));
      return;
    }
    const headline =
      mark.verdict === 'held'
        ? trans.__('Held for review: %1.', reasons)
        : trans.__('Suppressed: %1.', reasons);
    this.node.setAttribute('role', 'note');
    const symbol = createElement('span', 'crm-OutputMark-symbol', '▒');
    symbol.setAttribute('aria-hidden', 'true');
    this.node.append(
      symbol,
      createElement('strong', '', headline),
      createRemedies(explanations, trans.__('What can I do?'))
    );
  }
}
