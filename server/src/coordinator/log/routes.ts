import { toBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { logSize } from './store.js';

/** Adds the routes for the log's checkpoints, entries and proofs. */
export function logRoutes(app: App, context: CoordinatorContext): void {
  const { log } = context.services;
  mountFor(app, context, routes.getCheckpoint, async () => ({
    checkpoint: await log.checkpoint(context.db, new Date())
  }));

  mountFor(app, context, routes.listLogEntries, async ({ query: { from = 0, limit = 100 } }) => {
    const size = await logSize(context.db);
    const rows = await context.db
      .selectFrom('log_entry')
      .select('bytes')
      .where('index', '>=', from)
      .where('index', '<', size)
      .orderBy('index')
      .limit(limit)
      .execute();
    return { from, entries: rows.map(row => toBase64(row.bytes)), size };
  });

  mountFor(app, context, routes.getLogProof, async ({ params }) =>
    log.proof(context.db, params.index, new Date())
  );

  mountFor(app, context, routes.getConsistencyProof, async ({ query }) =>
    log.consistency(context.db, query.from, new Date())
  );
}
