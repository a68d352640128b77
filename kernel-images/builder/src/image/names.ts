/** Where things are in an image. The supervisor's world is the root, the sandbox's the jail. */
export const JAIL = 'jail';
export const OWN_FOLDER = 'usr/lib/clean-room';
export const NODE_PATH = `${OWN_FOLDER}/node`;
export const SUPERVISOR_PATH = `${OWN_FOLDER}/supervisor.js`;
/** Matplotlib's own cache folder (MPLCONFIGDIR of the sandbox), where its list of fonts is looked for. */
export const FONT_LIST_FOLDER = `${JAIL}/tmp/mpl`;

/** Inside the jail: where Debian's Python looks for what is not Debian's. */
export function packagesFolder(python: string): string {
  return `usr/local/lib/python${python}/dist-packages`;
}
