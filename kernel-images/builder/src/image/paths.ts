/** The folder of the sandbox's file system in an image. The supervisor's file system is the root. */
export const JAIL = 'jail';
/** The folder of our own programs. */
export const OWN_FOLDER = 'usr/lib/clean-room';
/** The path of Node.js. */
export const NODE_PATH = `${OWN_FOLDER}/node`;
/** The path of the supervisor. */
export const SUPERVISOR_PATH = `${OWN_FOLDER}/supervisor.js`;
/** The folder of matplotlib's list of fonts, which the executor copies to matplotlib's cache before a notebook starts. */
export const FONT_LIST_FOLDER = `${JAIL}/usr/share/clean-room/matplotlib`;

/** Returns the folder in the jail in which Debian's Python looks for packages that are not from Debian. */
export function packagesFolder(python: string): string {
  return `usr/local/lib/python${python}/dist-packages`;
}
