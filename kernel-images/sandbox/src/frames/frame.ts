import { CleanRoomError } from '@clean-room/protocol/errors';
import { copyJson, parseFrameJson, type JsonValue } from './json.js';

/** One value per MIME type: JSON for types that end in `json`, text (base64 where binary) for all others. */
export type MimeBundle = Readonly<Record<string, JsonValue>>;

/** The size in CSS pixels that an image is to be shown in: all that is kept of a display's metadata. */
export type DisplayMetadata = Readonly<Record<string, { readonly width?: number; readonly height?: number }>>;

/** What comes out of the sandbox on its frame pipe. Every field is the notebook's claim, in bounds and well-formed. */
export type Frame =
  | { readonly type: 'ready' }
  | { readonly type: 'stream'; readonly cell: number; readonly name: StreamName; readonly text: string }
  | ({ readonly type: 'execute_result'; readonly cell: number } & Rich)
  | ({
      readonly type: 'display_data' | 'update_display_data';
      readonly cell: number;
      readonly displayId: string | null;
    } & Rich)
  | { readonly type: 'clear_output'; readonly cell: number; readonly wait: boolean }
  | ({ readonly type: 'error'; readonly cell: number } & ErrorContent)
  | { readonly type: 'done'; readonly cell: number };

export type StreamName = 'stdout' | 'stderr';

export interface Rich {
  readonly data: MimeBundle;
  readonly metadata: DisplayMetadata;
}

export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  /** Names of the classes that the exception's class comes from, nearest first. */
  readonly bases: readonly string[];
  /** The line of the running cell that led to the exception, from 1. */
  readonly line: number | null;
}

const MAX_NAME = 256;
const MAX_LIST = 1000;
const MAX_MIME_TYPES = 32;
const MAX_PIXELS = 100_000;
const MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

function refuse(what: string): never {
  throw new CleanRoomError('malformed', `The frame has a wrong ${what}.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    this.#fields = new Map(Object.entries(isRecord(value) ? value : refuse('form')));
  }

  get(name: string): unknown {
    return this.#fields.get(name);
  }

  /** Exactly these fields, no more and no fewer. */
  only(...names: readonly string[]): this {
    if (this.#fields.size !== names.length || !names.every(name => this.#fields.has(name)))
      refuse('set of fields');
    return this;
  }

  text(name: string, longest = Infinity): string {
    const value = this.get(name);
    return typeof value === 'string' && value.length <= longest ? value.toWellFormed() : refuse(name);
  }

  index(name: string): number {
    const value = this.get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : refuse(name);
  }

  texts(name: string, longest = Infinity): readonly string[] {
    const value = this.get(name);
    if (!Array.isArray(value) || value.length > MAX_LIST) return refuse(name);
    return value.map((item: unknown) =>
      typeof item === 'string' && item.length <= longest ? item.toWellFormed() : refuse(name)
    );
  }
}

function bundle(value: unknown): MimeBundle {
  if (!isRecord(value)) return refuse('data');
  const entries = Object.entries(value);
  if (entries.length > MAX_MIME_TYPES) refuse('data');
  return Object.fromEntries(
    entries.map(([mime, item]): [string, JsonValue] => {
      if (!MIME.test(mime)) refuse('MIME type');
      if (mime.toLowerCase().endsWith('json')) return [mime, copyJson(item)];
      return [mime, typeof item === 'string' ? item.toWellFormed() : refuse('MIME value')];
    })
  );
}

function pixels(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value <= MAX_PIXELS ? value : undefined;
}

/** Metadata is free-form in Jupyter: what is not a size is left out here, not refused. */
function sizes(value: unknown): DisplayMetadata {
  const kept: [string, DisplayMetadata[string]][] = [];
  for (const [mime, item] of Object.entries(isRecord(value) ? value : refuse('metadata'))) {
    if (!MIME.test(mime) || !isRecord(item) || kept.length === MAX_MIME_TYPES) continue;
    const [width, height] = [pixels(item['width']), pixels(item['height'])];
    if (width === undefined && height === undefined) continue;
    kept.push([
      mime,
      { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }
    ]);
  }
  return Object.fromEntries(kept);
}

function rich(fields: Fields): Rich {
  return { data: bundle(fields.get('data')), metadata: sizes(fields.get('metadata')) };
}

function streamName(value: unknown): StreamName {
  return value === 'stdout' || value === 'stderr' ? value : refuse('stream name');
}

/**
 * One frame from its JSON. One closed schema for each type; unknown types and fields are refused, because our executor
 * does not write them.
 *
 * @throws CleanRoomError `malformed`
 */
export function parseFrame(bytes: Uint8Array): Frame {
  const fields = new Fields(parseFrameJson(bytes));
  const type = fields.get('type');
  switch (type) {
    case 'ready':
      fields.only('type');
      return { type };
    case 'stream':
      fields.only('type', 'cell', 'name', 'text');
      return {
        type,
        cell: fields.index('cell'),
        name: streamName(fields.get('name')),
        text: fields.text('text')
      };
    case 'execute_result':
      fields.only('type', 'cell', 'data', 'metadata');
      return { type, cell: fields.index('cell'), ...rich(fields) };
    case 'display_data':
    case 'update_display_data': {
      fields.only('type', 'cell', 'data', 'metadata', 'displayId');
      const displayId = fields.get('displayId') === null ? null : fields.text('displayId', MAX_NAME);
      return { type, cell: fields.index('cell'), displayId, ...rich(fields) };
    }
    case 'clear_output': {
      const wait = fields.only('type', 'cell', 'wait').get('wait');
      return { type, cell: fields.index('cell'), wait: typeof wait === 'boolean' ? wait : refuse('wait') };
    }
    case 'error':
      fields.only('type', 'cell', 'ename', 'evalue', 'traceback', 'bases', 'line');
      return {
        type,
        cell: fields.index('cell'),
        ename: fields.text('ename', MAX_NAME),
        evalue: fields.text('evalue'),
        traceback: fields.texts('traceback'),
        bases: fields.texts('bases', MAX_NAME),
        line: fields.get('line') === null ? null : fields.index('line')
      };
    case 'done':
      fields.only('type', 'cell');
      return { type, cell: fields.index('cell') };
    default:
      return refuse('type');
  }
}
