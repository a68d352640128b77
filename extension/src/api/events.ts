/** One server-sent event, as the stream spells it. */
export interface StreamEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/**
 * Reads a server-sent event stream. The browser's own EventSource can't be used: it sends no XSRF header, and JupyterHub
 * asks for one on every call.
 * Source: the event stream format of the HTML standard, section 9.2.6.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let event = { id: '', type: 'message', data: [] as string[] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (event.data.length > 0) yield { ...event, data: event.data.join('\n') };
          event = { id: event.id, type: 'message', data: [] };
        } else {
          take(event, line);
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function take(event: { id: string; type: string; data: string[] }, line: string): void {
  const colon = line.indexOf(':');
  if (colon === 0) return; // a comment: the heartbeat
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (field === 'id') event.id = value;
  else if (field === 'event') event.type = value;
  else if (field === 'data') event.data.push(value);
}
