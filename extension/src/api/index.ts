// The client itself is left out: it brings the protocol along and is loaded when it is first needed.
export type { CleanRoomClient } from './client.js';
export * from './feed.js';
export * from './host.js';
export * from './problem.js';
export * from './types.js';
