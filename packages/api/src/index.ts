export { Client, type Connection, type Download, type StreamOptions } from './client.js';
export type { ServerSentEvent } from './events.js';
export { Problem, errorFromResponse } from './problem.js';
export {
  type BodyOf,
  type CallerKind,
  type BodyKind,
  type ParamsOf,
  type QueryOf,
  type ResponseOf,
  type RouteDefinition,
  defineRoute
} from './route.js';
