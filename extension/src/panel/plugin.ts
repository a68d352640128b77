import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import { cleanRoomIcon } from '../icons.js';
import { ICleanRoom, ICleanRoomPanel, TRANSLATION_DOMAIN } from '../tokens.js';
import { ActingWidget } from './header.js';

/** Adds the panel in the left sidebar that lists runs and datasets. */
export const panelPlugin: JupyterFrontEndPlugin<ICleanRoomPanel> = {
  id: '@clean-room/jupyterlab:panel',
  description: 'Adds the clean room’s panel to the left sidebar.',
  autoStart: true,
  provides: ICleanRoomPanel,
  requires: [ICleanRoom],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    session: ICleanRoom,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ): ICleanRoomPanel => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const panel = new SidePanel({ translator: translator ?? nullTranslator });
    panel.id = 'clean-room-panel';
    panel.title.icon = cleanRoomIcon;
    panel.title.caption = trans.__('Clean Room');
    panel.addClass('crm-SidePanel');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('Clean Room'));
    panel.header.addWidget(new ActingWidget(session, trans));
    app.shell.add(panel, 'left', { rank: 520, type: 'Clean Room' });
    restorer?.add(panel, panel.id);
    return panel;
  }
};
