import type { FastifyRequest } from 'fastify';
import type { LoggerOptions } from 'pino';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** A job's token stands in paths: whoever reads the log must not be able to act as the supervisor. */
export function pathForLog(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return path.replace(/^(\/v1\/jobs\/)[^/]+/, '$1…');
}

/** One JSON object a line. No header, body, query or token is ever written. */
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
