import { setTimeout as delay } from 'node:timers/promises';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { deliverPendingApprovals } from './approvals/deliver.js';
import { revokeApprovals } from './approvals/reject.js';
import type { CustodianContext } from './context.js';
import { answerMailbox } from './key-release/mailbox.js';
import { fetchMemberships } from './parties/collaborations.js';

/** The time between two rounds without an event. Events start a round at once; the interval is for missed events. */
const ROUND_MILLISECONDS = 10_000;
const RECONNECT_MILLISECONDS = 1000;

/** Runs the background tasks of a custodian, one round at a time. */
class TaskRounds {
  readonly #context: CustodianContext;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(context: CustodianContext) {
    this.#context = context;
  }

  /** Starts a round. While one is running, schedules exactly one more after it. */
  start(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#round().finally(() => {
      this.#running = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.start();
    });
  }

  /** Cancels the scheduled round and waits until the running one has ended. */
  async stop(): Promise<void> {
    this.#again = false;
    await this.#running;
  }

  async #round(): Promise<void> {
    const { coordinator, rosters, config, log } = this.#context;
    await this.#attempt('transparency log', () => log.advance());
    await this.#attempt('mailbox', () => answerMailbox(this.#context));
    await this.#attempt('rosters', () =>
      fetchMemberships(coordinator, rosters, config.party, config.rootKey)
    );
    await this.#attempt('approvals', () => deliverPendingApprovals(this.#context));
  }

  /** Runs one task of a round. Its failure is logged and does not keep the other tasks from running. */
  async #attempt(task: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const code = isCleanRoomError(error) ? error.code : 'internal';
      this.#context.logger.warn({ err: error, code, task }, 'a background task failed and will be retried');
    }
  }
}

/**
 * Revokes approvals here when the coordinator reports that the provider's decision was withdrawn. The report is not
 * verified, because believing it can only stop key releases.
 */
async function applyWithdrawal(context: CustodianContext, event: CoordinatorEvent): Promise<void> {
  if (event.topic !== 'submission' || event.decision?.provider !== context.config.party) return;
  if (event.decision.state === 'rejected' || event.decision.state === 'revoked') {
    await revokeApprovals(context, event.submission, event.revision);
  }
}

/** Reads the coordinator's events, and reconnects after a failure, until `signal` is aborted. */
async function followEvents(
  context: CustodianContext,
  rounds: TaskRounds,
  signal: AbortSignal
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { data } of context.coordinator.events(routes.streamEvents, { signal })) {
        const event = JSON.parse(data) as CoordinatorEvent;
        await applyWithdrawal(context, event);
        if (event.topic !== 'run') rounds.start();
      }
    } catch (error) {
      context.logger.warn({ err: error }, 'the event stream of the coordinator was interrupted');
      await delay(RECONNECT_MILLISECONDS, undefined, { ref: false });
    }
  }
}

/** The background tasks of a running custodian. */
export interface BackgroundTasks {
  /** Stops the tasks and waits until the one that is running has ended. */
  stop(): Promise<void>;
}

/** Starts following the coordinator: its log, its mailbox, rosters, and approvals that are not delivered yet. */
export function startBackgroundTasks(context: CustodianContext): BackgroundTasks {
  const abort = new AbortController();
  const rounds = new TaskRounds(context);
  rounds.start();
  const interval = setInterval(() => rounds.start(), ROUND_MILLISECONDS);
  const following = followEvents(context, rounds, abort.signal);
  return {
    stop: async () => {
      clearInterval(interval);
      abort.abort();
      await following;
      await rounds.stop();
    }
  };
}
