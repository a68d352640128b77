import { fromKysely, type PgBoss } from 'pg-boss';

export interface QueuePlan {
  /** Seconds until a job whose worker has died is given to another. */
  readonly expireInSeconds: number;
  readonly retryLimit: number;
  /** Whether a job is not sent while another with the same key waits to be worked on. */
  readonly onceWaiting?: boolean;
}

export interface SendOptions {
  /** The earliest start, in seconds from now. */
  readonly after?: number;
  /** What the job is about, where its queue has one waiting at most. */
  readonly key?: string;
}

export type JobHandler<T> = (data: T) => Promise<void>;

/** Named jobs with typed data. A job comes back until its handler has resolved: handlers must bear being run again. */
export class JobQueue<Jobs extends Readonly<Record<string, object>>> {
  readonly #boss: PgBoss;

  constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  async start(plans: { readonly [N in keyof Jobs & string]: QueuePlan }): Promise<void> {
    await this.#boss.start();
    for (const [name, { onceWaiting, ...plan }] of Object.entries<QueuePlan>(plans)) {
      const settings = { ...plan, retryBackoff: true, retryDelay: 1, retryDelayMax: 60, notify: true };
      await this.#boss.createQueue(name, {
        ...settings,
        policy: onceWaiting === true ? 'short' : 'standard'
      });
      await this.#boss.updateQueue(name, settings);
    }
  }

  /** Enqueues as part of `trx`: the job exists if and only if the transaction commits. */
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

  /** @param concurrency handlers that run at once in this process */
  async work<N extends keyof Jobs & string>(
    name: N,
    concurrency: number,
    handler: JobHandler<Jobs[N]>
  ): Promise<void> {
    await this.#boss.work<Jobs[N]>(
      name,
      { localConcurrency: concurrency, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 5 },
      async ([job]) => {
        if (job !== undefined) await handler(job.data);
      }
    );
  }

  /** Resolves when the queue answers. */
  async ping(): Promise<void> {
    await this.#boss.getQueues();
  }

  /** Takes no more jobs and waits for those at work. */
  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: true, close: true, timeout: 20_000 });
  }
}
