import { fromKysely, type JobResult, type PgBoss } from 'pg-boss';

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

/** Returns how the handling of a job ended. The other jobs that were taken with it do not depend on it. */
async function resultOf(id: string, handled: Promise<void>): Promise<JobResult> {
  try {
    await handled;
    return { id, status: 'completed' };
  } catch (error) {
    return { id, status: 'failed', output: error };
  }
}

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
   * @param workers - how many workers take jobs from this queue in this process. A worker takes its next jobs when all jobs that it
   * took have ended.
   * @param batch - how many jobs a worker takes and handles at the same time
   */
  async work<N extends keyof Jobs & string>(
    name: N,
    { workers, batch }: { readonly workers: number; readonly batch: number },
    handler: JobHandler<Jobs[N]>
  ): Promise<void> {
    const options = {
      localConcurrency: workers,
      batchSize: batch,
      burstWhenBatchFull: true,
      perJobResults: true,
      pollingIntervalSeconds: 1,
      notifyPollingIntervalSeconds: 5
    } as const;
    await this.#boss.work<Jobs[N]>(name, options, async jobs =>
      Promise.all(jobs.map(({ id, data }) => resultOf(id, handler(data))))
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
