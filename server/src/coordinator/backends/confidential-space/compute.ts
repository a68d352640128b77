import type { protos, v1 } from '@google-cloud/compute';
import { createHash } from 'node:crypto';
import { retry, type RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ComputeOptions } from './credentials.js';
import { InstanceLists, type ListedInstance } from './instance-lists.js';
import type { InstanceResource } from './instance.js';

type Operation = protos.google.cloud.compute.v1.IOperation;
type OperationErrors = NonNullable<NonNullable<Operation['error']>['errors']>;

type ComputeModule = typeof v1;

/** An operation on a machine that somebody began. */
export interface ListedOperation {
  readonly type: string;
  /** The name of the machine. */
  readonly target: string;
}

/** Google's client repeats reads by itself, and never an insert or a deletion. */
const POLICY: RetryPolicy = { attempts: 6, firstDelayMs: 500, longestDelayMs: 8000 };

/** HTTP status codes and network errors that a repetition may overcome. */
const TRANSIENT_STATUS = [408, 429, 500, 502, 503, 504];

/**
 * The longest time of one call, in milliseconds. Google's client keeps each request and its response in memory until this time has
 * passed, even after the response. With its own ten minutes, 1,000 machines cost 400 MB.
 */
const CALL = { timeout: 30_000 };
/** The longest time of a wait for an operation, which the Compute API answers after two minutes at the latest. */
const WAIT = { timeout: 135_000 };

/** Returns the HTTP status of an error of Google's clients, or undefined for a broken connection. */
function httpStatusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { httpStatusCode, status, code } = error as {
    httpStatusCode?: unknown;
    status?: unknown;
    code?: unknown;
  };
  if (typeof httpStatusCode === 'number') return httpStatusCode;
  if (typeof status === 'number') return status;
  return typeof code === 'number' && code >= 400 ? code : undefined;
}

function isTransient(error: unknown): boolean {
  const status = httpStatusOf(error);
  return status === undefined || TRANSIENT_STATUS.includes(status);
}

/** Returns an error for people for a call that failed. */
function computeError(cause: unknown): CleanRoomError {
  const status = httpStatusOf(cause);
  if (isTransient(cause)) {
    return new CleanRoomError('unavailable', 'Google Compute Engine cannot be reached now.', { cause });
  }
  const remedy =
    status === 401 || status === 403
      ? 'Ask the operator to check the roles of the coordinator’s service account.'
      : 'Ask the operator to check the settings of the backend. The server’s log has the details.';
  return new CleanRoomError('backend-unavailable', 'Google Compute Engine refused a request.', {
    remedy,
    cause
  });
}

/** Returns a UUID that is always the same for the same text, so that a repeated request is recognised. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32)
  ].join('-');
}

const last = (address: string | null | undefined): string => (address ?? '').split('/').at(-1) ?? '';

/** The calls of the Compute API that the backend needs, in one project. */
export class ComputeApi {
  private constructor(
    private readonly project: string,
    private readonly clients: Clients,
    private readonly instanceLists: InstanceLists
  ) {}

  /** Loads Google's clients, which takes seconds and is therefore done only when this backend is configured. */
  static async open(project: string, options: ComputeOptions): Promise<ComputeApi> {
    const { InstancesClient, ZoneOperationsClient } = (await import('@google-cloud/compute')).v1;
    const clients = {
      instances: new InstancesClient(options),
      operations: new ZoneOperationsClient(options)
    };
    return new ComputeApi(project, clients, await InstanceLists.open(project, options));
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await retry(POLICY, work, { isTransient });
    } catch (error) {
      throw computeError(error);
    }
  }

  /**
   * Creates a machine, and waits until it runs or cannot. The same machine in the same zone is created once, also when the call
   * is repeated by another process.
   *
   * @returns the errors of the operation, none when the machine exists
   */
  async insert(zone: string, instance: InstanceResource): Promise<OperationErrors> {
    const { project } = this;
    const requestId = uuidOf(`${project}/${zone}/${instance.name ?? ''}`);
    return this.#call(async () => {
      try {
        const [{ latestResponse }] = await this.clients.instances.insert(
          { project, zone, instanceResource: instance, requestId },
          CALL
        );
        return await this.#finish(zone, latestResponse as Operation);
      } catch (error) {
        if (httpStatusOf(error) === 409) return [];
        throw error;
      }
    });
  }

  /** Deletes a machine, and waits until it does not exist any more. */
  async delete(zone: string, instance: string): Promise<void> {
    const { project } = this;
    await this.#call(async () => {
      try {
        const [{ latestResponse }] = await this.clients.instances.delete({ project, zone, instance }, CALL);
        await this.#finish(zone, latestResponse as Operation);
      } catch (error) {
        if (httpStatusOf(error) !== 404) throw error;
      }
    });
  }

  /** Waits for the end of an operation. Its errors are in the operation; Google's client does not throw them. */
  async #finish(zone: string, operation: Operation): Promise<OperationErrors> {
    let current = operation;
    while (current.status !== 'DONE') {
      [current] = await this.clients.operations.wait(
        { project: this.project, zone, operation: operation.name ?? '' },
        WAIT
      );
    }
    return current.error?.errors ?? [];
  }

  /** Returns the machines of all zones of the project that have these labels. */
  async list(labels: Readonly<Record<string, string>>): Promise<ListedInstance[]> {
    return this.#call(() => this.instanceLists.ofProject(labels));
  }

  /** Returns the machines of one zone that have these labels. For many machines, it needs much less memory than `list`. */
  async listIn(zone: string, labels: Readonly<Record<string, string>>): Promise<ListedInstance[]> {
    return this.#call(() => this.instanceLists.ofZone(zone, labels));
  }

  /** Returns the operations of one type, or on one machine, in a zone. The Compute API keeps them for two weeks. */
  async operations(
    zone: string,
    of: { readonly type: string } | { readonly instanceId: string }
  ): Promise<ListedOperation[]> {
    const filter = 'type' in of ? `operationType="${of.type}"` : `targetId=${of.instanceId}`;
    return this.#call(async () => {
      const found: ListedOperation[] = [];
      const operations = this.clients.operations.listAsync({ project: this.project, zone, filter }, CALL);
      for await (const { operationType, targetLink } of operations) {
        found.push({ type: operationType ?? '', target: last(targetLink) });
      }
      return found;
    });
  }

  /** Returns the last part of a machine's serial console, or undefined when the machine does not exist any more. */
  async serialOutput(zone: string, instance: string): Promise<string | undefined> {
    const { project } = this;
    return this.#call(async () => {
      try {
        const [{ contents }] = await this.clients.instances.getSerialPortOutput(
          { project, zone, instance, port: 1 },
          CALL
        );
        return contents ?? '';
      } catch (error) {
        if (httpStatusOf(error) !== 404) throw error;
        return undefined;
      }
    });
  }
}

interface Clients {
  readonly instances: InstanceType<ComputeModule['InstancesClient']>;
  readonly operations: InstanceType<ComputeModule['ZoneOperationsClient']>;
}
