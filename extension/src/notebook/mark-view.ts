import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { OutputMark } from './cells.js';
import { explain } from './reasons.js';

function element(tag: string, className: string, text: string): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function details(mark: OutputMark, summary: string, trans: TranslationBundle): HTMLElement {
  const node = document.createElement('details');
  node.append(element('summary', '', summary));
  for (const reason of mark.reasons) node.append(element('p', '', explain(reason, trans).remedy));
  return node;
}

/** What the filter did with an output: in the output's place where it did not leave, below it where it was changed. */
export class MarkView extends Widget {
  constructor(mark: OutputMark, trans: TranslationBundle) {
    super();
    const why = mark.reasons.map(reason => explain(reason, trans).why).join('; ');
    this.addClass('crm-OutputMark');
    this.addClass(`crm-mod-${mark.verdict}`);
    if (mark.verdict === 'transformed') {
      this.node.append(element('span', 'crm-Quiet', trans.__('Changed by the filter: %1.', why)));
      return;
    }
    const headline =
      mark.verdict === 'held' ? trans.__('Held for review: %1.', why) : trans.__('Suppressed: %1.', why);
    this.node.setAttribute('role', 'note');
    const symbol = element('span', 'crm-OutputMark-symbol', '▒');
    symbol.setAttribute('aria-hidden', 'true');
    this.node.append(
      symbol,
      element('strong', '', headline),
      details(mark, trans.__('What can I do?'), trans)
    );
  }
}
