import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { createHash, randomUUID } from 'node:crypto';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { addHealth, type Checks } from './health.js';
import { addMetrics, Metrics } from './metrics.js';
import { loggerOptions, type LogLevel } from './logging.js';
import { answerProblems } from './problems.js';
import { validateStrictly } from './validation.js';

export type App = FastifyInstance;

export interface AppOptions {
  readonly title: string;
  readonly version: string;
  readonly logLevel: LogLevel;
  /** Where log lines go; standard output unless told. */
  readonly logTo?: { write(line: string): void };
  /** Requests a minute that one credential (or, without one, one address) may make. */
  readonly requestsPerMinute: number;
  /** Largest JSON body, in bytes, where a route does not say. */
  readonly bodyLimit: number;
  /** What `/healthz` asks. */
  readonly checks: Checks;
  /** Sources of the content security policy; by default a page of this server may do nothing at all. */
  readonly contentSecurityPolicy?: Readonly<Record<string, readonly string[]>>;
  readonly metrics?: Metrics;
}

/** Counts by credential without holding it; without one by address. */
function caller(authorization: string | undefined, address: string): string {
  return authorization === undefined ? address : createHash('sha256').update(authorization).digest('base64');
}

/**
 * A Fastify application with what every role of ours needs: strict validation, failures as `Problem`, request ids, limits,
 * security headers, structured logs without secrets, health, metrics, OpenAPI 3.1 at `/openapi.json`. JSON and raw bytes
 * are the only bodies it takes.
 */
export async function buildApp(options: AppOptions): Promise<App> {
  const app = Fastify({
    logger: loggerOptions(options.logLevel, options.logTo),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: options.bodyLimit,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 60_000
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as App;
  validateStrictly(app);
  answerProblems(app);
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.removeContentTypeParser('text/plain');

  app.addHook('onSend', async (request, reply, payload) => {
    void reply.header('x-request-id', request.id);
    return payload;
  });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        ...Object.fromEntries(
          Object.entries(options.contentSecurityPolicy ?? {}).map(([k, v]) => [k, [...v]])
        )
      }
    },
    referrerPolicy: { policy: 'no-referrer' }
  });
  await app.register(rateLimit, {
    max: options.requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: request => caller(request.headers.authorization, request.ip),
    allowList: request => request.url === '/healthz',
    errorResponseBuilder: (_request, { after }) =>
      new CleanRoomError('rate-limited', 'Too many requests came with this credential.', {
        remedy: `Try again in ${after}.`
      })
  });
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: options.title, version: options.version } }
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  addHealth(app, options.checks);
  addMetrics(app, options.metrics ?? new Metrics());
  return app as FastifyInstance;
}

export type Logger = FastifyBaseLogger;
