import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '@clean-room/api';
import type { BodyOf, ParamsOf, QueryOf, ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from './app.js';

/** The arguments of a handler, already validated against the route's definition. */
export interface RouteCall<D extends RouteDefinition> {
  readonly params: ParamsOf<D>;
  readonly query: QueryOf<D>;
  readonly body: BodyOf<D>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Handles a request. Resolves with the JSON to send, or, for a route that sends bytes, with the reply it has sent. */
type Handler<D extends RouteDefinition> = (call: RouteCall<D>) => Promise<ResponseOf<D> | FastifyReply>;

/** Adds a route to the application and to the OpenAPI document. The definition validates requests and responses. */
export function mount<D extends RouteDefinition>(app: App, definition: D, handler: Handler<D>): void {
  const { method, path, summary, params, query, body, response, status = 200, bodyLimit } = definition;
  // The response type depends on the route; only its schema is known here.
  const handle: (call: RouteCall<D>) => Promise<unknown> = handler;
  app.route({
    method,
    url: path,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    config: { definition },
    schema: {
      summary,
      ...(params === undefined ? {} : { params }),
      querystring: query ?? { type: 'object', properties: {}, additionalProperties: false },
      ...(body === undefined ? {} : { body }),
      response: {
        ...(response === undefined ? {} : { [status]: response }),
        '4xx': Problem,
        '5xx': Problem
      }
    },
    handler: async (request, reply) => {
      const call = { params: request.params, query: request.query, body: request.body, request, reply };
      void reply.status(status);
      const answer = await handle(call as RouteCall<D>);
      // A reply is a thenable, so `await` turns the reply of a handler that has sent it itself into undefined.
      // A response stream that the client has closed counts as sent too.
      if (reply.sent || reply.raw.headersSent || reply.raw.destroyed) return reply;
      return answer === undefined ? reply.send() : answer;
    }
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    definition?: RouteDefinition;
  }
}
