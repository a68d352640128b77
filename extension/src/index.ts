import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { datasetsPlugin } from './datasets/plugin.js';
import { notificationsPlugin } from './notifications/plugin.js';
import { panelPlugin } from './panel/plugin.js';
import { resultsPlugin } from './results/plugin.js';
import { reviewPlugin } from './review/plugin.js';
import { runsPlugin } from './runs/plugin.js';
import { sessionPlugin } from './session/plugin.js';
import { stagePlugin } from './stage/plugin.js';
import { submitPlugin } from './submit/plugin.js';

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
