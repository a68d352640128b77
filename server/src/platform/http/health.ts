import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';

/** Health checks by name. Each resolves when its part of the server works. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

const CHECK_TIMEOUT_MS = 5000;

async function passes(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), timeout]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

const Health = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('failing')]),
  checks: Type.Record(Type.String(), Type.Union([Type.Literal('ok'), Type.Literal('failing')]))
});

/** Adds `GET /healthz`: status 200 when all checks pass, otherwise 503 with the names of the checks that fail. */
export function addHealth(app: FastifyInstance, checks: Checks): void {
  app.get(
    '/healthz',
    { schema: { hide: true, response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const results = await Promise.all(
        Object.entries(checks).map(
          async ([name, check]) => [name, (await passes(check)) ? 'ok' : 'failing'] as const
        )
      );
      const healthy = results.every(([, result]) => result === 'ok');
      return reply
        .status(healthy ? 200 : 503)
        .send({ status: healthy ? 'ok' : 'failing', checks: Object.fromEntries(results) });
    }
  );
}
