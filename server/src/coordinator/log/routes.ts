import { toBase64 } from '@clean-room/protocol/bytes';
import * as api from '../../client/coordinator/log.js';
import type { App } from '../../platform/http/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { logSize } from './ledger.js';

export function logRoutes(app: App, context: Context): void {
  const { log } = context.parts;
  mountFor(app, context, api.getCheckpoint, async () => ({
    checkpoint: await log.checkpoint(context.db, new Date())
  }));

  mountFor(app, context, api.listLogEntries, async ({ query: { from = 0, limit = 100 } }) => {
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

  mountFor(app, context, api.getLogProof, async ({ params }) =>
    log.proof(context.db, params.index, new Date())
  );

  mountFor(app, context, api.getConsistencyProof, async ({ query }) =>
    log.consistency(context.db, query.from, new Date())
  );
}
