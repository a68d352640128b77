import { Panel, Widget } from '@lumino/widgets';

/**
 * Tabs over widgets, laid out by the style sheet: what stands above and below them is as high as its words, which
 * Lumino's own tab panel can't follow. Roles and keys as in the ARIA Authoring Practices' tabs pattern.
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

  addPage(widget: Widget, label: string): void {
    const index = this.pages.push(widget) - 1;
    const button = document.createElement('button');
    button.type = 'button';
    button.id = `${widget.id || `crm-page-${index}`}-tab`;
    button.textContent = label;
    button.setAttribute('role', 'tab');
    button.addEventListener('click', () => this.turnTo(index));
    this.buttons.push(button);
    this.bar.node.append(button);
    widget.addClass('crm-Tabs-page');
    widget.node.setAttribute('role', 'tabpanel');
    widget.node.setAttribute('aria-labelledby', button.id);
    widget.node.tabIndex = 0;
    this.addWidget(widget);
    this.turnTo(0);
  }

  private turnTo(wanted: number): void {
    this.pages.forEach((page, index) => page.setHidden(index !== wanted));
    this.buttons.forEach((button, index) => {
      button.setAttribute('aria-selected', String(index === wanted));
      button.tabIndex = index === wanted ? 0 : -1;
    });
  }

  private onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const count = this.buttons.length;
    const at = this.buttons.findIndex(button => button === document.activeElement);
    const next = (at + step + count) % count;
    this.turnTo(next);
    this.buttons[next]?.focus();
    event.preventDefault();
  }
}
