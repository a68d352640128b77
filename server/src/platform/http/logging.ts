import type { FastifyRequest } from 'fastify';
import type { LoggerOptions } from 'pino';
import type { LogLevel } from '../config/config.js';

/** The log of a running server, as the domains of a role write to it. */
export type Logger = Readonly<Record<'info' | 'warn' | 'error', (data: object, message: string) => void>>;

/** Returns a URL's path without a job's token: a reader of the log must not be able to act as the supervisor. */
function pathForLog(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.replace(/^(\/v1\/jobs\/)[^/]+/, '$1…');
}

/** Returns the settings of a log with one JSON object per line. It never contains headers, bodies, queries or tokens. */
export function loggerOptions(
  level: LogLevel,
  stream?: { write(line: string): void }
): LoggerOptions & { stream?: { write(line: string): void } } {
  return {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: {
      paths: [
        '*.authorization',
        '*.cookie',
        '*.token',
        '*.secret',
        'authorization',
        'cookie',
        'token',
        'secret'
      ],
      censor: '…'
    },
    serializers: {
      req: (request: FastifyRequest) => ({ method: request.method, path: pathForLog(request.url) }),
      res: (reply: { statusCode: number }) => ({ status: reply.statusCode })
    },
    ...(stream === undefined ? {} : { stream })
  };
}
