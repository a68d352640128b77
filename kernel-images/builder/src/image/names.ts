/** Where things are in an image. The supervisor's world is the root, the sandbox's the jail. */
export const JAIL = 'jail';
export const OWN_FOLDER = 'usr/lib/clean-room';
export const NODE_PATH = `${OWN_FOLDER}/node`;
export const SUPERVISOR_PATH = `${OWN_FOLDER}/supervisor.js`;
/** Matplotlib's list of fonts, which the executor puts into matplotlib's cache folder before a notebook starts. */
export const FONT_LIST_FOLDER = `${JAIL}/usr/share/clean-room/matplotlib`;

/** Inside the jail: where Debian's Python looks for what is not Debian's. */
export function packagesFolder(python: string): string {
  return `usr/local/lib/python${python}/dist-packages`;
}
