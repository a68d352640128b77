export { Client, type Connection, type Download, type StreamOptions } from './client.js';
export type { ServerSentEvent } from './events.js';
export { Problem } from './problem.js';
export * from './route.js';
