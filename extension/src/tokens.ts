import type { SidePanel } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { DatasetsModel } from './datasets/model.js';
import type { RunsModel } from './runs/model.js';
import type { CleanRoomSession } from './session/session.js';

/** The domain of this extension's translations. */
export const TRANSLATION_DOMAIN = 'clean_room';

/** The token of the connection to the clean room, for this extension's features and for other extensions. */
export const ICleanRoom = new Token<ICleanRoom>(
  '@clean-room/jupyterlab:ICleanRoom',
  'The connection to the clean room: the person, the party that they act for, the API, and changes.'
);

/** The connection to the clean room. */
export type ICleanRoom = CleanRoomSession;

/** The token of the clean room's panel in the left sidebar. Each feature adds its section to it. */
export const ICleanRoomPanel = new Token<ICleanRoomPanel>(
  '@clean-room/jupyterlab:ICleanRoomPanel',
  'The clean room’s panel in the left sidebar.'
);

/** The clean room's panel in the left sidebar. */
export type ICleanRoomPanel = SidePanel;

/** The token of the list of submissions and runs. */
export const IRuns = new Token<IRuns>(
  '@clean-room/jupyterlab:IRuns',
  'The submissions and runs that the party can see, kept up to date.'
);

/** The submissions and runs that the party can see, kept up to date. */
export type IRuns = RunsModel;

/** The token of the list of datasets. */
export const IDatasets = new Token<IDatasets>(
  '@clean-room/jupyterlab:IDatasets',
  'The datasets that the party can use.'
);

/** The datasets that the party can use. */
export type IDatasets = DatasetsModel;
