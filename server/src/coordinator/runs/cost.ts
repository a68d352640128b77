import type { RunCost } from '@clean-room/api/coordinator';
import type { UnitOfWork } from '../state/unit-of-work.js';

/**
 * Adds the cost of an attempt that ends now to its run: the seconds since its machine was started, times the machine's price. A
 * run of which any attempt's price is unknown has no cost.
 */
export async function addAttemptCost(unit: UnitOfWork, attempt: string): Promise<void> {
  const found = await unit.trx
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(['attempt.run', 'attempt.machine', 'attempt.started_at', 'run.cost'])
    .where('attempt.id', '=', attempt)
    .executeTakeFirstOrThrow();
  const { run, machine, started_at: startedAt, cost } = found;
  if (machine === null || startedAt === null) return;
  const seconds = Math.max(0, Math.round((unit.at.getTime() - startedAt.getTime()) / 1000));
  const before = cost ?? { seconds: 0, dollars: 0, machine: machine.name };
  const price = machine.dollarsPerHour;
  const next: RunCost = {
    machine: machine.name,
    seconds: before.seconds + seconds,
    ...(price === undefined || before.dollars === undefined
      ? {}
      : { dollars: before.dollars + (seconds * price) / 3600 })
  };
  await unit.trx
    .updateTable('run')
    .set({ cost: JSON.stringify(next) })
    .where('id', '=', run)
    .execute();
}
