import { fileURLToPath } from 'node:url';

/** The folder that holds all files of a test run. */
export const FOLDER = fileURLToPath(new URL('../../.cache/ui-tests/run', import.meta.url));
/** Ports of the clean room that the JupyterLab tests use. */
export const PORTS = { coordinator: 8897, hospital: 8898, insurer: 8899 };
/** A JupyterLab that is configured for the clean room. */
export const LAB = 8868;
/** A JupyterLab that is not configured for any clean room. */
export const LAB_WITHOUT = 8869;
/** A JupyterHub, with its own clean room in production that authenticates people through it. */
export const HUB = { port: 8870, api: 8871, proxyApi: 8872, user: 'demo', password: 'only for tests' };
/** The folder of that clean room. */
export const HUB_FOLDER = `${FOLDER}/hub-clean-room`;
/** Ports of that clean room: custodians are reached through proxies that end TLS. */
export const HUB_PORTS = {
  coordinator: 8894,
  hospital: 8895,
  hospitalService: 8892,
  insurer: 8896,
  insurerService: 8893
};
