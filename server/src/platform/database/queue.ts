import { fromKysely, type PgBoss } from 'pg-boss';

/** Time without a sign of life after which a job is taken from its worker, in seconds. The smallest value that is possible. */
const HEARTBEAT_SECONDS = 10;

/** Settings of one queue. */
export interface QueuePlan {
  /** Longest time that one handling of a job may take, in seconds. A job whose process has died is repeated much earlier. */
  readonly expireInSeconds: number;
  readonly retryLimit: number;
  /** Whether a job is dropped while another job with the same key is waiting. */
  readonly onceWaiting?: boolean;
}

interface SendOptions {
  /** Earliest start, in seconds from now. */
  readonly after?: number;
  /** The subject of the job, for queues with at most one waiting job per subject. */
  readonly key?: string;
}

type JobHandler<T> = (data: T) => Promise<void>;

/** Named queues of jobs with typed data. A job is repeated until its handler resolves, so handlers must be idempotent. */
export class JobQueue<Jobs extends Readonly<Record<string, object>>> {
  readonly #boss: PgBoss;

  constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Starts the queue, and creates or updates the queues of `plans`. */
  async start(plans: { readonly [N in keyof Jobs & string]: QueuePlan }): Promise<void> {
    await this.#boss.start();
    for (const [name, { onceWaiting, ...plan }] of Object.entries<QueuePlan>(plans)) {
      const settings = {
        ...plan,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        retryBackoff: true,
        retryDelay: 1,
        retryDelayMax: 60,
        notify: true
      };
      await this.#boss.createQueue(name, {
        ...settings,
        policy: onceWaiting === true ? 'short' : 'standard'
      });
      await this.#boss.updateQueue(name, settings);
    }
  }

  /** Sends a job as part of a transaction: the job exists if and only if `trx` commits. */
  async send<N extends keyof Jobs & string>(
    trx: Parameters<typeof fromKysely>[0],
    name: N,
    data: Jobs[N],
    { after, key }: SendOptions = {}
  ): Promise<void> {
    await this.#boss.send(name, data, {
      ...(after === undefined ? {} : { startAfter: after }),
      ...(key === undefined ? {} : { singletonKey: key }),
      db: fromKysely(trx)
    });
  }

  /**
   * Begins to handle the jobs of a queue.
   *
   * @param concurrency - how many handlers of this queue run at the same time in this process
   */
  async work<N extends keyof Jobs & string>(
    name: N,
    concurrency: number,
    handler: JobHandler<Jobs[N]>
  ): Promise<void> {
    for (let count = 0; count < concurrency; count++) await this.#startWorker(name, handler);
  }

  async #startWorker<N extends keyof Jobs & string>(name: N, handler: JobHandler<Jobs[N]>): Promise<void> {
    const worker: { id?: string } = {};
    worker.id = await this.#boss.work<Jobs[N]>(
      name,
      { pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 5 },
      async ([job]) => {
        if (job === undefined) return;
        try {
          await handler(job.data);
        } finally {
          // More jobs may be waiting. Without this, the worker waits for a notification or for five seconds after each job.
          if (worker.id !== undefined) this.#boss.notifyWorker(worker.id);
        }
      }
    );
  }

  /** Resolves when the queue can be read. */
  async ping(): Promise<void> {
    await this.#boss.getQueues();
  }

  /** Takes no more jobs, and waits for running handlers to end. */
  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: true, close: true, timeout: 20_000 });
  }
}
