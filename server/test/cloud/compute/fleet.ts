import type { CloudClock } from '../clock.js';
import type { GuestSystem } from '../guest.js';
import type { Accounts } from '../identity/accounts.js';
import type { Logging } from '../logging/logging.js';
import { quotaMetric, regionOf } from './catalogue.js';
import type { Instance } from './instance.js';
import type { Operation, OperationError, Operations } from './operations.js';

/** Durations of the fake cloud's steps, in milliseconds. */
export interface ComputeLatencies {
  /** From the insert until the machine is found. */
  readonly provisioning: number;
  /** From then until it runs. */
  readonly staging: number;
  /** Until a machine without power is gone or TERMINATED. */
  readonly stopping: number;
  /** How long a guest may take to shut down after the power button (a preemption gives 30 s). */
  readonly shutdown: number;
}

/** Parts of the cloud that the fleet needs. */
export interface FleetOptions {
  readonly project: { readonly id: string; readonly number: string };
  readonly clock: CloudClock;
  readonly operations: Operations;
  readonly guests: GuestSystem;
  readonly accounts: Accounts;
  readonly log: Logging;
  readonly latencies: ComputeLatencies;
}

/** The use of one machine. */
export interface Usage {
  readonly name: string;
  readonly zone: string;
  readonly machineType: string;
  readonly spot: boolean;
  readonly diskGb: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The time that it ran, in seconds. */
  readonly seconds: number;
}

/** The time that a preempted machine has to shut down, in milliseconds (cloud.google.com/compute/docs/instances/spot). */
const PREEMPTION_NOTICE = 30_000;

function stockout(project: string, zone: string): OperationError {
  return {
    code: 'ZONE_RESOURCE_POOL_EXHAUSTED',
    message: `The zone 'projects/${project}/zones/${zone}' does not have enough resources available to fulfill the request.  Try a different zone, or try again later.`,
    httpStatus: 503,
    httpMessage: 'SERVICE UNAVAILABLE'
  };
}

function quotaExceeded(metric: string, limit: number, region: string): OperationError {
  return {
    code: 'QUOTA_EXCEEDED',
    message: `Quota '${metric}' exceeded.  Limit: ${limit.toFixed(1)} in region ${region}.`,
    httpStatus: 403,
    httpMessage: 'FORBIDDEN'
  };
}

/** The limit of a quota that a test has not set. */
const UNLIMITED = 1_000_000;

/** The machines of the project, from their insert to their deletion. */
export class Fleet {
  readonly #instances = new Map<string, Instance>();
  /** All instances that have ever run. */
  readonly #history: Instance[] = [];
  /** Zones without free machines. */
  readonly exhausted = new Set<string>();
  /** The largest page of a list. */
  largestPage = 500;
  /** Quotas of processors by metric, such as `N2D_CPUS`, in each region. */
  readonly quotas = new Map<string, number>();

  constructor(private readonly options: FleetOptions) {}

  get(zone: string, name: string): Instance | undefined {
    return this.#instances.get(`${zone}/${name}`);
  }

  /** Returns the instances of a zone. */
  list(zone: string): readonly Instance[] {
    return [...this.#instances.values()].filter(instance => instance.zone === zone);
  }

  /** Returns the number of instances that exist. */
  get size(): number {
    return this.#instances.size;
  }

  /** Creates a machine. The operation ends when it runs, or with the reason why it cannot. */
  insert(instance: Instance, operation: Operation, planned: 'stockout' | 'quota' | undefined): void {
    const { clock, latencies } = this.options;
    const key = `${instance.zone}/${instance.name}`;
    this.#instances.set(key, instance);
    clock.after(latencies.provisioning, () => {
      // Deleted before it was provisioned.
      if (instance.status !== 'PROVISIONING') {
        operation.finish();
        return;
      }
      const problem = this.#problem(instance, planned);
      if (problem !== undefined) {
        this.#instances.delete(key);
        operation.finish(problem);
        return;
      }
      instance.status = 'STAGING';
      clock.after(latencies.staging, () => {
        if (instance.status === 'STAGING') this.#boot(instance);
        operation.finish();
      });
    });
  }

  #problem(instance: Instance, planned: 'stockout' | 'quota' | undefined): OperationError | undefined {
    const { project } = this.options;
    const metric = quotaMetric(instance.resolved.machineType);
    const region = regionOf(instance.zone);
    const limit = this.quotas.get(metric) ?? Infinity;
    if (planned === 'quota' || (Number.isFinite(limit) && this.#used(metric, region, instance) > limit)) {
      return quotaExceeded(metric, Number.isFinite(limit) ? limit : 24, region);
    }
    if (planned === 'stockout' || this.exhausted.has(instance.zone))
      return stockout(project.id, instance.zone);
    return undefined;
  }

  /** Returns the quotas of processors in a region. */
  quotasOf(region: string): { metric: string; limit: number; usage: number }[] {
    return ['C3_CPUS', 'N2D_CPUS'].map(metric => ({
      metric,
      limit: this.quotas.get(metric) ?? UNLIMITED,
      usage: this.#used(metric, region)
    }));
  }

  /** Returns the processors of the provisioned machines of a metric in a region, and of one that is to be provisioned. */
  #used(metric: string, region: string, next?: Instance): number {
    return [...this.#instances.values()]
      .filter(other => other === next || other.status !== 'PROVISIONING')
      .map(({ zone, resolved }) => ({ region: regionOf(zone), type: resolved.machineType }))
      .filter(other => other.region === region && quotaMetric(other.type) === metric)
      .reduce((sum, other) => sum + other.type.processors, 0);
  }

  #boot(instance: Instance): void {
    const { clock, guests, accounts, log, project } = this.options;
    const { body, resolved } = instance;
    instance.status = 'RUNNING';
    instance.started = clock.now();
    this.#history.push(instance);
    const email = body.serviceAccounts?.[0]?.email;
    const guest = guests.boot(
      {
        instance: {
          name: instance.name,
          id: instance.id,
          zone: instance.zone,
          projectId: project.id,
          projectNumber: project.number
        },
        machine: {
          type: resolved.machineType.name,
          processors: resolved.machineType.processors,
          memoryBytes: resolved.machineType.memoryMb * 1024 * 1024,
          tee: resolved.confidentialType
        },
        bootImage: resolved.image.name,
        labels: body.labels ?? {},
        metadata: instance.metadata,
        serviceAccount: email,
        accessToken: () => {
          if (email === undefined) throw new Error('the instance has no service account');
          return accounts.issueToken(email, body.serviceAccounts?.[0]?.scopes).token;
        }
      },
      {
        serial: line => instance.serialPort.write(line),
        log: entry => log.write(instance, entry),
        sleep: milliseconds => clock.sleep(milliseconds)
      }
    );
    instance.guest = guest;
    void guest.ended.then(() => {
      instance.guest = undefined;
      return this.stop(instance);
    });
    const seconds = body.scheduling?.maxRunDuration?.seconds;
    if (seconds !== undefined) {
      instance.limit = clock.after(Number(seconds) * 1000, () => {
        void (body.scheduling?.instanceTerminationAction === 'DELETE'
          ? this.delete(instance)
          : this.stop(instance));
      });
    }
  }

  /** Stops a machine: power button, then after a time its power. Resolves when it is TERMINATED. */
  stop(instance: Instance, shutdown = this.options.latencies.shutdown): Promise<void> {
    instance.stopping ??= this.#powerDown(instance, shutdown);
    return instance.stopping;
  }

  async #powerDown(instance: Instance, shutdown: number): Promise<void> {
    const { clock, latencies } = this.options;
    instance.limit?.cancel();
    instance.status = 'STOPPING';
    const { guest } = instance;
    if (guest !== undefined) {
      const cut = clock.after(shutdown, () => guest.cutPower());
      if (shutdown > 0) guest.pressPowerButton();
      else guest.cutPower();
      await guest.ended;
      cut.cancel();
    }
    await clock.sleep(latencies.stopping);
    instance.status = 'TERMINATED';
    instance.stopped = clock.now();
  }

  /** Deletes a machine. Resolves when it is gone. */
  async delete(instance: Instance, shutdown?: number): Promise<void> {
    await this.stop(instance, shutdown);
    const key = `${instance.zone}/${instance.name}`;
    if (this.#instances.get(key) !== instance) return;
    this.#instances.delete(key);
    instance.deleted = this.options.clock.now();
  }

  /** Takes a Spot machine back, as Google does at any time. Resolves when it is TERMINATED or gone. */
  async preempt(instance: Instance): Promise<void> {
    if (!instance.isSpot) throw new Error(`the instance ${instance.name} is not a Spot instance`);
    const operation = this.#beginSystemEvent(instance, 'compute.instances.preempted');
    const deletes = instance.body.scheduling?.instanceTerminationAction === 'DELETE';
    await (deletes ? this.delete(instance, PREEMPTION_NOTICE) : this.stop(instance, PREEMPTION_NOTICE));
    operation.finish();
  }

  /** Ends a machine whose host failed: its guest gets no signal. Resolves when it is TERMINATED. */
  async failHost(instance: Instance): Promise<void> {
    const operation = this.#beginSystemEvent(instance, 'compute.instances.hostError');
    await this.stop(instance, 0);
    operation.finish();
  }

  #beginSystemEvent({ name, id, zone }: Instance, type: string): Operation {
    return this.options.operations.begin({ type, zone, user: 'system', target: { name, id } });
  }

  /** Returns what is on the bill so far. */
  usage(): readonly Usage[] {
    const now = this.options.clock.now();
    return this.#history.map(instance => ({
      name: instance.name,
      zone: instance.zone,
      machineType: instance.resolved.machineType.name,
      spot: instance.isSpot,
      diskGb: instance.resolved.diskSizeGb,
      labels: instance.body.labels ?? {},
      seconds: ((instance.stopped ?? now) - (instance.started ?? now)) / 1000
    }));
  }

  /** Cuts the power of all machines. */
  async cutAllPower(): Promise<void> {
    const running = [...this.#instances.values()];
    await Promise.all(
      running.map(async ({ guest, limit }) => {
        limit?.cancel();
        guest?.cutPower();
        await guest?.ended;
      })
    );
  }
}
