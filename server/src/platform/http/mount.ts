import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '@clean-room/api';
import type { BodyOf, ParamsOf, QueryOf, ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from './app.js';

/** What a handler is given: everything already validated against the route's definition. */
export interface RouteCall<D extends RouteDefinition> {
  readonly params: ParamsOf<D>;
  readonly query: QueryOf<D>;
  readonly body: BodyOf<D>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Resolves with the JSON to answer; of a route with cargo, with the reply it has sent itself. */
export type Handler<D extends RouteDefinition> = (
  call: RouteCall<D>
) => Promise<ResponseOf<D> | FastifyReply>;

/** Puts a route where its definition says, validated in and out by it, and into the OpenAPI document. */
export function mount<D extends RouteDefinition>(app: App, definition: D, handler: Handler<D>): void {
  const { method, path, summary, params, query, body, response, status = 200, bodyLimit } = definition;
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
      const answer = await handler(call as RouteCall<D>);
      // A reply is a thenable: a handler that has sent it itself resolves with nothing once it is through.
      // A stream that was cut half-way counts as answered too: there is nobody left to answer.
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
