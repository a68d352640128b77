import { COORDINATOR, PROJECT, type FakeCloud } from '../cloud.js';
import { ZONE } from './insert-body.js';

/** An answer of the Compute API. */
export interface RestAnswer {
  readonly status: number;
  readonly body: Record<string, unknown> & {
    readonly name?: string;
    readonly error?: {
      readonly code: number;
      readonly message: string;
      readonly errors: { reason: string }[];
    };
  };
}

/** Requests to the Compute API as its documentation describes them, without a client library. */
export class ComputeRest {
  authorization: string;

  constructor(
    private readonly cloud: FakeCloud,
    account = COORDINATOR.email
  ) {
    this.authorization = `Bearer ${cloud.accounts.issueToken(account).token}`;
  }

  /** Sends a request to a path below the project. */
  async send(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const response = await fetch(`${this.cloud.computeUrl}/compute/v1/projects/${PROJECT.id}/${path}`, {
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    });
    return { status: response.status, body: (await response.json()) as RestAnswer['body'] };
  }

  insert(body: unknown, requestId?: string): Promise<RestAnswer> {
    const query = requestId === undefined ? '' : `?requestId=${requestId}`;
    return this.send('POST', `zones/${ZONE}/instances${query}`, body);
  }

  /** Waits until an operation is done and returns it. */
  wait(operation: string): Promise<RestAnswer> {
    return this.send('POST', `zones/${ZONE}/operations/${operation}/wait`);
  }

  /** Inserts an instance and waits for it. Returns the operation. */
  async start(body: unknown): Promise<RestAnswer['body']> {
    const accepted = await this.insert(body);
    if (accepted.status !== 200) throw new Error(accepted.body.error?.message);
    return (await this.wait(accepted.body.name ?? '')).body;
  }

  /** Returns the status of an instance, or undefined if there is none. */
  async status(name: string): Promise<unknown> {
    const { status, body } = await this.send('GET', `zones/${ZONE}/instances/${name}`);
    return status === 404 ? undefined : body['status'];
  }
}
