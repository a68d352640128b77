import type { KernelImageOnFile } from '../../../src/coordinator/images/kernel-images.js';
import type { CoordinatorConfig } from '../../../src/coordinator/start.js';
import { KilledCoordinator } from '../crash/killed-coordinator.js';
import type { TestedCoordinator } from '../crash/retrying-clients.js';

/** Several coordinators on one database, each a process of its own. Requests go to those that are alive, in turn. */
export class Replicas implements TestedCoordinator {
  readonly pendingKills = [];
  readonly #all: readonly KilledCoordinator[];
  readonly #alive: KilledCoordinator[];
  #next = 0;

  private constructor(all: readonly KilledCoordinator[]) {
    this.#all = all;
    this.#alive = [...all];
  }

  /** Starts `count` replicas at the same time, so that all of them find an empty database. */
  static async start(
    count: number,
    config: CoordinatorConfig,
    image: KernelImageOnFile,
    tees: string
  ): Promise<Replicas> {
    const start = (): Promise<KilledCoordinator> => KilledCoordinator.start(config, image, tees);
    return new Replicas(await Promise.all(Array.from({ length: count }, start)));
  }

  /** Returns the URL of the replica whose turn it is. */
  get url(): string {
    return this.#alive[this.#next++ % this.#alive.length]!.url;
  }

  /** Returns one replica. */
  at(index: number): KilledCoordinator {
    return this.#all[index]!;
  }

  /** Kills a replica, and sends no more requests to it. */
  async kill(index: number): Promise<void> {
    await this.at(index).kill();
    this.exclude(index);
  }

  /** Sends no more requests to a replica. */
  exclude(index: number): void {
    this.#alive.splice(this.#alive.indexOf(this.at(index)), 1);
  }

  /** Starts a replica that was killed, and sends requests to it again. */
  async revive(index: number): Promise<void> {
    await this.at(index).restart();
    this.#alive.push(this.at(index));
  }

  whileRunning<T>(answer: Promise<T>): Promise<T> {
    return answer;
  }

  async restartIfKilled(): Promise<void> {
    // The other replicas go on.
  }

  arm(): Promise<void> {
    throw new Error('arm one of the replicas');
  }

  starts(): Promise<string[]> {
    return this.at(0).starts();
  }

  job(attempt: string): Promise<string> {
    return this.at(0).job(attempt);
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map(replica => replica.end()));
  }
}
