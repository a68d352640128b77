import type { SidePanel } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { DatasetsModel } from './datasets/model.js';
import type { RunsModel } from './runs/model.js';
import type { CleanRoomSession } from './session/session.js';

/** The person's connection to the clean room, shared by all features and offered to other extensions. */
export const ICleanRoom = new Token<ICleanRoom>(
  '@clean-room/jupyterlab:ICleanRoom',
  'The connection to the clean room: who is asking, for which party, the routes as methods, and what has changed.'
);

export type ICleanRoom = CleanRoomSession;

/** Where the sentences of this extension are translated. */
export const TRANSLATION_DOMAIN = 'clean_room';

/** The clean room's panel in the left side bar; each feature adds its section. */
export const ICleanRoomPanel = new Token<ICleanRoomPanel>(
  '@clean-room/jupyterlab:ICleanRoomPanel',
  'The clean room’s panel in the left side bar.'
);

export type ICleanRoomPanel = SidePanel;

/** Submissions and runs as this party sees them, kept up to date. */
export const IRuns = new Token<IRuns>(
  '@clean-room/jupyterlab:IRuns',
  'Submissions and runs, kept up to date.'
);

export type IRuns = RunsModel;

/** Datasets that the acting party may ask for. */
export const IDatasets = new Token<IDatasets>(
  '@clean-room/jupyterlab:IDatasets',
  'Datasets that the acting party may ask for.'
);

export type IDatasets = DatasetsModel;
