import type { Kysely } from 'kysely';
import { PassThrough, type Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorEvent } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';

/** Number of events that are read from the database at once. */
const BATCH = 500;
const HEARTBEAT_MS = 15_000;
/** Time between two queries for events of other processes, which cannot wake this one. */
const POLL_MS = 1000;
/** Maximum number of bytes that wait for a slow reader. Beyond it the stream is closed, and the client resumes later. */
const MAX_BUFFERED_BYTES = 256 * 1024;

interface Row {
  readonly id: number;
  readonly parties: readonly string[];
  /** The event in the format of server-sent events. */
  readonly frame: string;
}

interface Reader {
  readonly party: string;
  readonly stream: PassThrough;
  /** The last event that was sent to this reader, or skipped because it is not for its party. */
  cursor: number;
  /** False while the reader is still receiving the events that it missed. */
  live: boolean;
}

function frame(id: number, data: CoordinatorEvent): string {
  return `id: ${id}\nevent: ${data.topic}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Resolves when the written data has been read, or the stream is closed. */
async function drained(stream: PassThrough): Promise<void> {
  if (!stream.writableNeedDrain) return;
  await new Promise<void>(resolve => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/** Reads each new event from the database once, and sends it to all open streams of the parties that it concerns. */
export class EventTail {
  readonly #readers = new Set<Reader>();
  readonly #waiting = new Set<() => void>();
  readonly #catchUps = new Set<Promise<void>>();
  #db: Kysely<CoordinatorTables> | undefined;
  #last = 0;
  #reading: Promise<void> | undefined;
  #again = false;
  #timers: NodeJS.Timeout[] = [];
  #onError: (error: unknown) => void = () => undefined;

  /** Number of open streams. */
  get streams(): number {
    return this.#readers.size;
  }

  /** Starts to read events that are written from now on. */
  async start(db: Kysely<CoordinatorTables>, onError: (error: unknown) => void): Promise<void> {
    this.#db = db;
    this.#onError = onError;
    const { last_event } = await db.selectFrom('counters').select('last_event').executeTakeFirstOrThrow();
    this.#last = last_event;
    const poll = setInterval(() => this.wake(), POLL_MS);
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#timers = [poll, heartbeat];
  }

  /** Closes all streams, and waits for running queries. */
  async stop(): Promise<void> {
    this.#db = undefined;
    for (const timer of this.#timers) clearInterval(timer);
    // A reader that is still catching up is not waited for. Its client resumes after the last event that it received.
    for (const { live, stream } of this.#readers) {
      if (live) stream.end();
      else stream.destroy();
    }
    this.#readers.clear();
    for (const resolve of this.#waiting) resolve();
    await Promise.all(this.#catchUps);
    while (this.#reading !== undefined) await this.#reading;
  }

  /** Looks for new events now. */
  wake(): void {
    if (this.#db === undefined) return;
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#reading = this.#read()
      .catch(this.#onError)
      .finally(() => {
        this.#reading = undefined;
        if (this.#again) {
          this.#again = false;
          this.wake();
        }
      });
  }

  /** Resolves at the next event, or after `milliseconds` without one. */
  async next(milliseconds: number): Promise<void> {
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
    });
  }

  /**
   * Opens a stream with the events of a party.
   *
   * @param after - number of the last event that the client has received. Without it, the stream begins with the next event.
   * @throws CleanRoomError `unavailable` after {@link EventTail.stop}, because nothing would end the stream
   */
  open(party: string, after: number | undefined): Readable {
    if (this.#db === undefined)
      throw new CleanRoomError('unavailable', 'The server is stopping.', {
        remedy: 'Try again in a minute.'
      });
    const stream = new PassThrough();
    stream.write(':\n\n');
    const reader: Reader = { party, stream, cursor: after ?? this.#last, live: after === undefined };
    stream.on('close', () => this.#readers.delete(reader));
    this.#readers.add(reader);
    if (after !== undefined) {
      const caughtUp = this.#catchUp(reader)
        .catch(this.#onError)
        .finally(() => this.#catchUps.delete(caughtUp));
      this.#catchUps.add(caughtUp);
    }
    this.wake();
    return stream;
  }

  async #rows(after: number): Promise<Row[]> {
    if (this.#db === undefined) return [];
    const rows = await this.#db
      .selectFrom('event')
      .select(['id', 'parties', 'data'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute();
    return rows.map(({ id, parties, data }) => ({ id, parties, frame: frame(id, data) }));
  }

  async #read(): Promise<void> {
    for (;;) {
      const rows = await this.#rows(this.#last);
      this.#last = rows.at(-1)?.id ?? this.#last;
      for (const reader of this.#readers) if (reader.live) this.#send(reader, rows);
      if (rows.length > 0) for (const resolve of this.#waiting) resolve();
      if (rows.length < BATCH) return;
      // Let the readers empty their buffers before more is written.
      await setImmediate();
    }
  }

  async #catchUp(reader: Reader): Promise<void> {
    const gap = await this.#hasGap(reader.cursor);
    if (gap && this.#readers.has(reader)) {
      reader.cursor = this.#last;
      reader.stream.write(frame(reader.cursor, { topic: 'resync' }));
    }
    while (reader.cursor < this.#last && this.#readers.has(reader)) {
      await drained(reader.stream);
      const rows = await this.#rows(reader.cursor);
      if (this.#readers.has(reader)) this.#send(reader, rows);
    }
    reader.live = true;
  }

  /** Returns whether events after `cursor` were deleted, or `cursor` is from another database. */
  async #hasGap(cursor: number): Promise<boolean> {
    const db = this.#db;
    if (db === undefined) return true;
    const { last_event } = await db.selectFrom('counters').select('last_event').executeTakeFirstOrThrow();
    if (cursor >= last_event) return cursor > last_event;
    const next = await db
      .selectFrom('event')
      .select('id')
      .where('id', '=', cursor + 1)
      .executeTakeFirst();
    return next === undefined;
  }

  #send(reader: Reader, rows: readonly Row[]): void {
    const { readableLength, writableLength } = reader.stream;
    // Check before writing: the reader has no chance to read until this function returns.
    if (readableLength + writableLength > MAX_BUFFERED_BYTES) {
      reader.stream.destroy();
      this.#readers.delete(reader);
      return;
    }
    for (const { id, parties, frame } of rows) {
      if (id <= reader.cursor) continue;
      reader.cursor = id;
      if (parties.includes(reader.party)) reader.stream.write(frame);
    }
  }

  #beat(): void {
    for (const { stream } of this.#readers) stream.write(':\n\n');
  }
}
