export type { CellResult, CellStatus, SandboxOptions } from './cell.js';
export type { EndReason, SandboxEnd } from './end.js';
export { NOTEBOOK_COMMAND, notebookEnvironment } from './environment.js';
export type { RawOutput } from './outputs.js';
export { openSandbox, Sandbox } from './sandbox.js';
