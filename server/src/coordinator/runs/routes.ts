import { toBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { requireCustodian, requireRole } from '../access/caller.js';
import { mountFor, mountForOperator } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { pageRequest } from '../../platform/http/paging.js';
import { ID_PATTERN } from '../../platform/ids.js';
import { receiptOf, reviewBy, saveOutputRelease, withholdOutputs } from '../results/complete.js';
import { consoleOf } from './console.js';
import { cancelRun, requestRun } from './request.js';
import { listRuns, requireRun, runSummary, runView } from './views.js';

const ID = new RegExp(ID_PATTERN);

function mountOutputReview(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.getOutputUnderReview, async ({ params }, caller) => {
    const { party } = requireCustodian(caller);
    await requireRun(context.db, caller, params.id);
    return context.transact(async unit => {
      const { run } = await reviewBy(unit, party, params.id);
      const result = await unit.trx
        .selectFrom('result')
        .select(['run_statement', 'attestation_token', 'key_releases'])
        .where('run', '=', run.id)
        .executeTakeFirstOrThrow();
      return {
        run: run.id,
        submission: run.submission,
        statement: toBase64(result.run_statement),
        token: result.attestation_token,
        keyReleases: [...result.key_releases]
      };
    });
  });

  mountFor(app, context, routes.releaseOutputs, async ({ params, body, request }, caller) => {
    const { party } = requireCustodian(caller);
    await requireRun(context.db, caller, params.id);
    return once(context, caller, request, async unit => {
      await saveOutputRelease(context, unit, party, params.id, body.outputRelease);
      return runSummary(unit.trx, params.id);
    });
  });

  mountFor(app, context, routes.withholdOutputs, async ({ params, body, request }, caller) => {
    const { party } = requireCustodian(caller);
    await requireRun(context.db, caller, params.id);
    return once(context, caller, request, async unit => {
      await withholdOutputs(unit, party, params.id, body.reason);
      return runSummary(unit.trx, params.id);
    });
  });
}

/** Adds the routes for runs, their receipts and the review of their outputs. */
export function runRoutes(app: App, context: CoordinatorContext): void {
  mountOutputReview(app, context);

  mountFor(app, context, routes.createRun, async ({ body, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    return once(context, caller, request, async unit => {
      const run = await requestRun(unit, researcher, body.submission);
      return runSummary(unit.trx, run.id);
    });
  });

  mountFor(app, context, routes.listRuns, async ({ query }, caller) =>
    listRuns(context.db, caller.party, pageRequest(query, ID), query.submission)
  );

  mountFor(app, context, routes.getRun, async ({ params }, caller) => {
    await requireRun(context.db, caller, params.id);
    return runView(context.db, caller, params.id);
  });

  mountFor(app, context, routes.cancelRun, async ({ params, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    return once(context, caller, request, async unit => {
      const run = await cancelRun(unit, researcher, params.id);
      return runSummary(unit.trx, run.id);
    });
  });

  mountForOperator(app, context, routes.getConsole, async ({ params, query }) =>
    consoleOf(context, params.id, query.attempt)
  );

  mountFor(app, context, routes.getReceipt, async ({ params, reply }, caller) => {
    await requireRun(context.db, caller, params.id);
    return reply.type('application/json').send(await receiptOf(context, params.id));
  });
}
