import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { datasetsPlugin } from './datasets/index.js';
import { notificationsPlugin } from './notifications/index.js';
import { panelPlugin } from './panel/index.js';
import { resultsPlugin } from './results/index.js';
import { reviewPlugin } from './review/index.js';
import { runsPlugin } from './runs/index.js';
import { sessionPlugin } from './session/index.js';
import { stagePlugin } from './stage/index.js';
import { submitPlugin } from './submit/index.js';

export * from './tokens.js';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  sessionPlugin,
  panelPlugin,
  runsPlugin,
  datasetsPlugin,
  submitPlugin,
  resultsPlugin,
  reviewPlugin,
  stagePlugin,
  notificationsPlugin
];

export default plugins;
