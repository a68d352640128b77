import { ServerConnection } from '@jupyterlab/services';

/** A request as the Jupyter server receives it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A response: complete, or only its JSON body, or none for 204. */
export type Answer = Response | object | undefined;

/** A fake Jupyter server that answers requests below `/clean-room/` and records them. */
export class FakeServer {
  readonly calls: Call[] = [];
  private readonly routes: {
    readonly key: string;
    readonly answer: (call: Call) => Answer | Promise<Answer>;
  }[] = [];

  /**
   * Adds a route. A later route takes precedence over an earlier one.
   *
   * @param route - for example `GET /api/v1/me`; `:id` matches any one part of the path
   */
  on(route: string, answer: Answer | ((call: Call) => Answer | Promise<Answer>)): this {
    const handler = typeof answer === 'function' && !(answer instanceof Response) ? answer : () => answer;
    this.routes.unshift({ key: route, answer: handler as (call: Call) => Answer });
    return this;
  }

  /** Connection settings whose `fetch` calls this server. */
  get settings(): ServerConnection.ISettings {
    return ServerConnection.makeSettings({
      baseUrl: 'http://jupyter.test/user/ana/',
      appendToken: false,
      fetch: (input, init) => this.handle(input, init),
      Request,
      Headers
    });
  }

  /** Returns method and path of every request. */
  paths(): string[] {
    return this.calls.map(({ method, path }) => `${method} ${path}`);
  }

  private async handle(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const path = request.url.replace('http://jupyter.test/user/ana/clean-room', '');
    const text = await request.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const call = { method: request.method, path, headers: request.headers, body };
    this.calls.push(call);
    const found = this.routes.find(({ key }) =>
      matches(key, `${request.method} ${path.split('?')[0] ?? ''}`)
    );
    const answer =
      found === undefined ? problem(404, 'not-found', 'This does not exist.') : await found.answer(call);
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer);
  }
}

function matches(key: string, path: string): boolean {
  const [wanted, given] = [key.split('/'), path.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith(':') || part === given[index])
  );
}

/** Returns an error response in the form of the coordinator. */
export function problem(status: number, code: string, message: string, remedy?: string): Response {
  return Response.json(
    { code, message, ...(remedy === undefined ? {} : { remedy }), reference: 'abcd1234' },
    { status }
  );
}

/** Returns the response of an event stream, and functions to send events and to end it. */
export function eventStream(): {
  response: Response;
  send(id: number, data: { topic: string }): void;
  end(): void;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: streamController => {
      controller = streamController;
      streamController.enqueue(new TextEncoder().encode(':\n\n'));
    }
  });
  return {
    response: new Response(stream, { headers: { 'content-type': 'text/event-stream' } }),
    send: (id, data) =>
      controller?.enqueue(
        new TextEncoder().encode(`id: ${id}\nevent: ${data.topic}\ndata: ${JSON.stringify(data)}\n\n`)
      ),
    end: () => controller?.close()
  };
}

/** Waits until a condition is true. Throws after ten seconds with the description of what it waited for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Timed out waiting for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
