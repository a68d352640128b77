import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';

/** Each check resolves when its part can be worked with. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

const CHECK_MILLISECONDS = 5000;

async function holds(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_MILLISECONDS);
  });
  try {
    await Promise.race([check(), late]);
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

/** `GET /healthz`: 200 when every part answers, else 503 with the parts that don't. */
export function addHealth(app: FastifyInstance, checks: Checks): void {
  app.get(
    '/healthz',
    { schema: { hide: true, response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const results = await Promise.all(
        Object.entries(checks).map(
          async ([name, check]) => [name, (await holds(check)) ? 'ok' : 'failing'] as const
        )
      );
      const well = results.every(([, result]) => result === 'ok');
      return reply
        .status(well ? 200 : 503)
        .send({ status: well ? 'ok' : 'failing', checks: Object.fromEntries(results) });
    }
  );
}
