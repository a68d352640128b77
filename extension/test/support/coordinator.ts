import { ServerConnection } from '@jupyterlab/services';

/** One call as it reached the Jupyter server. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

export type Answer = Response | object | undefined;

/** The Jupyter server's end of the wire: answers calls below `/clean-room/` and keeps them. */
export class FakeServer {
  readonly calls: Call[] = [];
  private readonly routes: {
    readonly key: string;
    readonly answer: (call: Call) => Answer | Promise<Answer>;
  }[] = [];

  /** @param route e.g. `GET /api/v1/me`; `:id` stands for any one part. Later routes go before earlier ones. */
  on(route: string, answer: Answer | ((call: Call) => Answer | Promise<Answer>)): this {
    const handler = typeof answer === 'function' && !(answer instanceof Response) ? answer : () => answer;
    this.routes.unshift({ key: route, answer: handler as (call: Call) => Answer });
    return this;
  }

  get settings(): ServerConnection.ISettings {
    return ServerConnection.makeSettings({
      baseUrl: 'http://jupyter.test/user/ana/',
      appendToken: false,
      fetch: ((input: RequestInfo | URL, init?: RequestInit) => this.handle(input, init)) as typeof fetch,
      Request: Request as never,
      Headers: Headers as never
    });
  }

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
      found === undefined ? problem(404, 'not-found', 'There is no such thing.') : await found.answer(call);
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

export function problem(status: number, code: string, message: string, remedy?: string): Response {
  return Response.json(
    { code, message, ...(remedy === undefined ? {} : { remedy }), reference: 'abcd1234' },
    { status }
  );
}

/** An event stream that the test writes to. */
export function eventStream(): {
  response: Response;
  send(id: number, data: { topic: string }): void;
  end(): void;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: it => {
      controller = it;
      it.enqueue(new TextEncoder().encode(':\n\n'));
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

/** Waits until `condition` holds; fails with what was waited for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
