import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance } from 'fastify';
import { createHash, randomUUID } from 'node:crypto';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LogLevel } from '../config/config.js';
import { addHealth, type Checks } from './health.js';
import { loggerOptions } from './logging.js';
import { addMetrics, Metrics } from './metrics.js';
import { answerProblems } from './problems.js';
import { validateStrictly } from './validation.js';

/** The HTTP application of one role. */
export type App = FastifyInstance;

/** Settings of an application. */
interface AppOptions {
  readonly title: string;
  readonly version: string;
  readonly logLevel: LogLevel;
  /** Receives the log lines. Standard output by default. */
  readonly logTo?: { write(line: string): void };
  /** Maximum number of requests per minute from one credential, or from one address when a request has none. */
  readonly requestsPerMinute: number;
  /** Maximum size of a JSON body in bytes, for routes that set no limit of their own. */
  readonly bodyLimit: number;
  /** Checks that `/healthz` runs. */
  readonly checks: Checks;
  /** Directives of the content security policy. By default, pages of this server can neither load nor run anything. */
  readonly contentSecurityPolicy?: Readonly<Record<string, readonly string[]>>;
  readonly metrics?: Metrics;
}

/** Returns the key by which requests are counted: the hash of the credential, or the address when there is none. */
function rateLimitKey(authorization: string | undefined, address: string): string {
  return authorization === undefined ? address : createHash('sha256').update(authorization).digest('base64');
}

/**
 * Creates a Fastify application with the parts that both roles need: strict validation, errors as `Problem`, request ids,
 * limits, security headers, structured logs without secrets, health checks, metrics and OpenAPI 3.1 at `/openapi.json`. It
 * accepts only JSON and raw bytes as request bodies.
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
    keyGenerator: request => rateLimitKey(request.headers.authorization, request.ip),
    allowList: request => request.url === '/healthz',
    errorResponseBuilder: (_request, { after }) =>
      new CleanRoomError('rate-limited', 'You have sent too many requests in a short time.', {
        remedy: `Try again in ${after}.`
      })
  });
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: options.title, version: options.version } }
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  addHealth(app, options.checks);
  addMetrics(app, options.metrics ?? new Metrics());
  return app;
}
