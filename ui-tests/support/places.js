import { fileURLToPath } from 'node:url';

/** Where everything of a test run lies. */
export const FOLDER = fileURLToPath(new URL('../../.cache/ui-tests/run', import.meta.url));
export const PORTS = { coordinator: 8897, custodian: 8898 };
/** JupyterLab with the clean room. */
export const LAB = 8868;
/** JupyterLab that knows of no clean room. */
export const LAB_WITHOUT = 8869;
