import { type Fault } from '../../test/cloud/http/faults.js';
import { CloudRoom, type Outcome } from './cloud-room.js';

/** A fault and what was wrong after it. */
export interface FaultRow {
  readonly fault: string;
  readonly at: string;
  readonly wrong: readonly string[];
}

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['timeout', { kind: 'timeout' }],
  ['429', { kind: 'status', code: 429 }],
  ['500', { kind: 'status', code: 500 }],
  ['503', { kind: 'status', code: 503 }],
  ['reset in the middle of the body', { kind: 'reset' }],
  ['lost response', { kind: 'lost-response' }],
  ['duplicate', { kind: 'duplicate' }]
];

/** Faults of the insert of a machine. They concern every zone once, and the run then starts again. */
const INSERT_FAULTS: readonly (readonly [string, Fault])[] = [
  ['stockout in every zone', { kind: 'stockout' }],
  ['quota in every zone', { kind: 'quota' }]
];

function wrongIn(outcome: Outcome): string[] {
  const { run, machines, machinesPerAttempt, output } = outcome;
  const wrong: string[] = [];
  if (machines > 0) wrong.push(`${machines} machines are left`);
  if (machinesPerAttempt > 1) wrong.push(`an attempt had ${machinesPerAttempt} machines`);
  if (run === undefined) return [...wrong, 'the run did not end'];
  if (run.state !== 'completed') wrong.push(`the run is ${run.state}: ${run.reason?.code ?? ''}`);
  else if (!output) wrong.push('the output is lost');
  return wrong;
}

/**
 * Lets each call of a run fail in each way, once per run.
 *
 * @returns the rows of the table
 */
export async function failCalls(report: (row: FaultRow) => void): Promise<FaultRow[]> {
  const room = await CloudRoom.start();
  const rows: FaultRow[] = [];
  const add = (row: FaultRow): void => {
    rows.push(row);
    report(row);
  };
  try {
    const before = room.cloud.faults.counts();
    add({ fault: 'none', at: 'no call', wrong: wrongIn(await room.run()) });
    const calls = [...room.cloud.faults.counts()]
      .filter(([call, count]) => count > (before.get(call) ?? 0))
      .map(([call]) => call);
    for (const call of calls.sort()) {
      for (const [fault, kind] of FAULTS) {
        room.cloud.faults.plan({ call, fault: kind });
        const outcome = await room.run();
        add({ fault, at: call, wrong: wrongIn(outcome) });
        room.cloud.faults.clear();
      }
    }
    for (const [fault, kind] of INSERT_FAULTS) {
      room.cloud.faults.plan({ call: 'compute.instances.insert', fault: kind, times: 2 });
      add({ fault, at: 'compute.instances.insert', wrong: wrongIn(await room.run()) });
      room.cloud.faults.clear();
    }
  } finally {
    await room.stop();
  }
  return rows;
}
