import { fileURLToPath } from 'node:url';

/** Where everything of a test run lies. */
export const FOLDER = fileURLToPath(new URL('../../.cache/ui-tests/run', import.meta.url));
export const PORTS = { coordinator: 8897, custodian: 8898 };
/** JupyterLab with the clean room. */
export const LAB = 8868;
/** JupyterLab that knows of no clean room. */
export const LAB_WITHOUT = 8869;
/** JupyterHub, and a clean room of its own that asks it who people are. */
export const HUB = { port: 8870, api: 8871, proxyApi: 8872, user: 'demo', password: 'only for tests' };
export const HUB_PORTS = { coordinator: 8895, custodian: 8896 };
