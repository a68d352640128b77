export { DEFAULT_AUDIENCE } from './handler.js';
export { Launcher, LAUNCHER_SOCKET } from './launcher.js';
export { TOKEN_FILE } from './token-file.js';
