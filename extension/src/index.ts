import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { panelPlugin } from './panel/index.js';
import { runsPlugin } from './runs/index.js';
import { sessionPlugin } from './session/index.js';
import { submitPlugin } from './submit/index.js';

export * from './tokens.js';

const plugins: JupyterFrontEndPlugin<unknown>[] = [sessionPlugin, panelPlugin, runsPlugin, submitPlugin];

export default plugins;
