import { CleanRoomError } from '@clean-room/protocol/errors';

/** A server-sent event. */
export interface ServerSentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** The maximum length of an event in characters. */
const MAX_EVENT_LENGTH = 1024 * 1024;

/**
 * Yields the events of a stream, which is parsed as the HTML standard defines it (section 9.2.6). Comments, which only keep the
 * connection open, are ignored.
 *
 * @throws CleanRoomError `malformed` when an event is too long
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = '';
  let id: string | undefined;
  let event = 'message';
  let data: string[] = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      if (rest.length > MAX_EVENT_LENGTH)
        throw new CleanRoomError('malformed', 'The server sent an event that is too long.');
      // A carriage return at the end may be the first half of a line end, so it waits for the next chunk.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, event, data: data.join('\n') };
          [event, data] = ['message', []];
          continue;
        }
        const [, field = '', text = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (field === 'id') id = text;
        else if (field === 'event') event = text;
        else if (field === 'data') data.push(text);
      }
    }
  } finally {
    await reader.cancel();
  }
}
