import type { CloudClock } from '../clock.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { filtered, pageOf } from './lists.js';
import { get, list, post, ZONAL, type ComputeProject } from './methods.js';
import type { Operation, Operations } from './operations.js';

/** How long `wait` waits, in milliseconds (cloud.google.com/compute/docs/reference/rest/v1/zoneOperations/wait). */
const LONGEST_WAIT = 120_000;

/** The methods of `zoneOperations` of the Compute API. */
export class OperationsApi {
  constructor(
    private readonly project: ComputeProject,
    private readonly operations: Operations,
    private readonly clock: CloudClock
  ) {}

  get routes(): readonly Route[] {
    const operation = `${ZONAL}/operations/{operation}`;
    return [
      list('zoneOperations.list', `${ZONAL}/operations`, 'OperationList', call => this.#listOperations(call)),
      get('zoneOperations.get', operation, call => this.#getOperation(call)),
      post('zoneOperations.wait', `${operation}/wait`, call => this.#wait(call))
    ];
  }

  #operation(call: Call): Operation {
    const { project = '', zone = '', operation = '' } = call.params;
    return this.operations.get(project, zone, operation);
  }

  #getOperation(call: Call): Reply {
    this.project.check(call, 'compute.zoneOperations.get');
    return { status: 200, body: this.#operation(call).toResource(this.project.base) };
  }

  async #wait(call: Call): Promise<Reply> {
    this.project.check(call, 'compute.zoneOperations.get');
    const operation = this.#operation(call);
    await Promise.race([operation.done, this.clock.sleep(LONGEST_WAIT), aborted(call.signal)]);
    return { status: 200, body: operation.toResource(this.project.base) };
  }

  #listOperations(call: Call) {
    this.project.check(call, 'compute.zoneOperations.list');
    const { zone = '' } = call.params;
    const { searchParams } = call.url;
    const resources = this.operations.list(zone).map(operation => operation.toResource(this.project.base));
    const page = pageOf(filtered(resources, searchParams.get('filter')), searchParams);
    return { status: 200, body: { kind: 'compute#operationList', ...page } };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve()));
}
