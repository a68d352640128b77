import type { Kysely } from 'kysely';
import { PassThrough, type Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorEvent } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';

const BATCH = 500;
const HEARTBEAT_MILLISECONDS = 15_000;
/** Other replicas write events too: how often they are looked for without being woken. */
const POLL_MILLISECONDS = 1000;
/** A reader this far behind is cut off, and resumes behind what it has read. */
const MOST_BUFFERED = 256 * 1024;

interface Row {
  readonly id: number;
  readonly parties: readonly string[];
  /** As every reader is given it. */
  readonly frame: string;
}

interface Reader {
  readonly party: string;
  readonly stream: PassThrough;
  /** The last event it was given or spared. */
  cursor: number;
  /** False while it is still reading what it missed. */
  live: boolean;
}

function frame(id: number, data: CoordinatorEvent): string {
  return `id: ${id}\nevent: ${data.topic}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Resolves when what was written has been read, or nobody reads any more. */
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

/** Reads new events from the database once, however many streams are open, and gives each stream those of its party. */
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

  get streams(): number {
    return this.#readers.size;
  }

  async start(db: Kysely<CoordinatorTables>, onError: (error: unknown) => void): Promise<void> {
    this.#db = db;
    this.#onError = onError;
    const { last_event } = await db.selectFrom('counters').select('last_event').executeTakeFirstOrThrow();
    this.#last = last_event;
    const poll = setInterval(() => this.wake(), POLL_MILLISECONDS);
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MILLISECONDS);
    this.#timers = [poll, heartbeat];
  }

  async stop(): Promise<void> {
    this.#db = undefined;
    for (const timer of this.#timers) clearInterval(timer);
    // nobody waits for a reader that still catches up: it resumes behind what it has read
    for (const { live, stream } of this.#readers) {
      if (live) stream.end();
      else stream.destroy();
    }
    this.#readers.clear();
    for (const resolve of this.#waiting) resolve();
    await Promise.all(this.#catchUps);
    while (this.#reading !== undefined) await this.#reading;
  }

  /** Something may have happened. */
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

  /** Resolves at the next event, or after `milliseconds`. */
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
   * @param after the last event the reader has seen; without it, the stream begins now
   * @throws CleanRoomError `unavailable` once it is stopped: nobody would end the stream
   */
  open(party: string, after: number | undefined): Readable {
    if (this.#db === undefined) throw new CleanRoomError('unavailable', 'The server is ending. Try again.');
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
      for (const reader of this.#readers) if (reader.live) this.#give(reader, rows);
      if (rows.length > 0) for (const resolve of this.#waiting) resolve();
      if (rows.length < BATCH) return;
      // readers read before there is more for them
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
      if (this.#readers.has(reader)) this.#give(reader, rows);
    }
    reader.live = true;
  }

  /** Whether events behind `cursor` were deleted, or `cursor` is from a database this one has never been. */
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

  #give(reader: Reader, rows: readonly Row[]): void {
    const { readableLength, writableLength } = reader.stream;
    // asked before, not after: what is written here nobody could have read yet
    if (readableLength + writableLength > MOST_BUFFERED) {
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
