import { Panel, Widget } from '@lumino/widgets';

/**
 * A tab panel that the style sheet lays out. Lumino's own tab panel needs fixed heights, but the parts above and below this
 * one are as high as their text. Roles and keys follow the tabs pattern of the ARIA Authoring Practices.
 */
export class Tabs extends Panel {
  private readonly bar = new Widget();
  private readonly pages: Widget[] = [];
  private readonly buttons: HTMLButtonElement[] = [];

  constructor(label: string) {
    super();
    this.addClass('crm-Tabs');
    this.bar.addClass('crm-Tabs-bar');
    this.bar.node.setAttribute('role', 'tablist');
    this.bar.node.setAttribute('aria-label', label);
    this.bar.node.addEventListener('keydown', event => this.onKey(event));
    this.addWidget(this.bar);
  }

  /** Adds a page with its tab. The first page is shown. */
  addPage(widget: Widget, label: string): void {
    const index = this.pages.push(widget) - 1;
    const button = document.createElement('button');
    button.type = 'button';
    button.id = `${widget.id || `crm-page-${index}`}-tab`;
    button.textContent = label;
    button.setAttribute('role', 'tab');
    button.addEventListener('click', () => this.showPage(index));
    this.buttons.push(button);
    this.bar.node.append(button);
    widget.addClass('crm-Tabs-page');
    widget.node.setAttribute('role', 'tabpanel');
    widget.node.setAttribute('aria-labelledby', button.id);
    widget.node.tabIndex = 0;
    this.addWidget(widget);
    this.showPage(0);
  }

  private showPage(shownIndex: number): void {
    this.pages.forEach((page, index) => page.setHidden(index !== shownIndex));
    this.buttons.forEach((button, index) => {
      button.setAttribute('aria-selected', String(index === shownIndex));
      button.tabIndex = index === shownIndex ? 0 : -1;
    });
  }

  private onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const count = this.buttons.length;
    const at = this.buttons.findIndex(button => button === document.activeElement);
    const next = (at + step + count) % count;
    this.showPage(next);
    this.buttons[next]?.focus();
    event.preventDefault();
  }
}
