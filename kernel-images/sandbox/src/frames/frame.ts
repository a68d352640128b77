import { CleanRoomError } from '@clean-room/protocol/errors';
import { copyJson, parseFrameJson, type JsonValue } from './json.js';

/** An output in one or more formats: JSON for MIME types that end in `json`, text (base64 if binary) for all others. */
export type MimeBundle = Readonly<Record<string, JsonValue>>;

/** The display size of an image in CSS pixels, by MIME type. All other metadata of a display is dropped. */
export type DisplayMetadata = Readonly<Record<string, { readonly width?: number; readonly height?: number }>>;

/**
 * A message from the sandbox on its frame pipe. It is well-formed and within bounds, but its content is chosen by the
 * notebook and must not be trusted.
 */
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

/** The output stream of a text, as in Jupyter. */
export type StreamName = 'stdout' | 'stderr';

/** The content of a displayed output. */
export interface Rich {
  readonly data: MimeBundle;
  readonly metadata: DisplayMetadata;
}

/** The content of an error output: the exception that ended a cell. */
export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  /** Names of the base classes of the exception's class, nearest first. */
  readonly bases: readonly string[];
  /** The line of the running cell that raised the exception, counted from 1; null when it is not known. */
  readonly line: number | null;
}

const MAX_NAME = 256;
const MAX_LIST = 1000;
const MAX_MIME_TYPES = 32;
const MAX_PIXELS = 100_000;
const MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

function throwInvalid(part: string): never {
  throw new CleanRoomError('malformed', `The frame has an invalid ${part}.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a frame. Every method throws `malformed` when the field does not have the required form. */
class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    this.#fields = new Map(Object.entries(isRecord(value) ? value : throwInvalid('form')));
  }

  get(name: string): unknown {
    return this.#fields.get(name);
  }

  /** Checks that the frame has exactly the fields `names`. */
  requireExactly(...names: readonly string[]): this {
    if (this.#fields.size !== names.length || !names.every(name => this.#fields.has(name)))
      throwInvalid('set of fields');
    return this;
  }

  /** Returns a text of at most `longest` UTF-16 code units. */
  text(name: string, longest = Infinity): string {
    const value = this.get(name);
    return typeof value === 'string' && value.length <= longest ? value.toWellFormed() : throwInvalid(name);
  }

  /** Returns a non-negative integer. */
  index(name: string): number {
    const value = this.get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : throwInvalid(name);
  }

  /** Returns a list of texts, each of at most `longest` UTF-16 code units. */
  texts(name: string, longest = Infinity): readonly string[] {
    const value = this.get(name);
    if (!Array.isArray(value) || value.length > MAX_LIST) return throwInvalid(name);
    return value.map((item: unknown) =>
      typeof item === 'string' && item.length <= longest ? item.toWellFormed() : throwInvalid(name)
    );
  }
}

function readBundle(value: unknown): MimeBundle {
  if (!isRecord(value)) return throwInvalid('data');
  const entries = Object.entries(value);
  if (entries.length > MAX_MIME_TYPES) throwInvalid('data');
  return Object.fromEntries(
    entries.map(([mime, item]): [string, JsonValue] => {
      if (!MIME.test(mime)) throwInvalid('MIME type');
      if (mime.toLowerCase().endsWith('json')) return [mime, copyJson(item)];
      return [mime, typeof item === 'string' ? item.toWellFormed() : throwInvalid('MIME value')];
    })
  );
}

function readPixels(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value <= MAX_PIXELS ? value : undefined;
}

/** Returns the image sizes in `value`. Metadata is free-form in Jupyter, so everything else is ignored, not refused. */
function readSizes(value: unknown): DisplayMetadata {
  const kept: [string, DisplayMetadata[string]][] = [];
  for (const [mime, item] of Object.entries(isRecord(value) ? value : throwInvalid('metadata'))) {
    if (!MIME.test(mime) || !isRecord(item) || kept.length === MAX_MIME_TYPES) continue;
    const [width, height] = [readPixels(item['width']), readPixels(item['height'])];
    if (width === undefined && height === undefined) continue;
    kept.push([
      mime,
      { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }
    ]);
  }
  return Object.fromEntries(kept);
}

function readRich(fields: Fields): Rich {
  return { data: readBundle(fields.get('data')), metadata: readSizes(fields.get('metadata')) };
}

function readStreamName(value: unknown): StreamName {
  return value === 'stdout' || value === 'stderr' ? value : throwInvalid('stream name');
}

/**
 * Parses the body of one frame. Each type has a closed schema: unknown types and fields are refused, because our
 * executor never writes them.
 *
 * @param bytes - JSON in UTF-8, without the length prefix
 * @throws CleanRoomError `malformed` when the bytes are not a frame
 */
export function parseFrame(bytes: Uint8Array): Frame {
  const fields = new Fields(parseFrameJson(bytes));
  const type = fields.get('type');
  switch (type) {
    case 'ready':
      fields.requireExactly('type');
      return { type };
    case 'stream':
      fields.requireExactly('type', 'cell', 'name', 'text');
      return {
        type,
        cell: fields.index('cell'),
        name: readStreamName(fields.get('name')),
        text: fields.text('text')
      };
    case 'execute_result':
      fields.requireExactly('type', 'cell', 'data', 'metadata');
      return { type, cell: fields.index('cell'), ...readRich(fields) };
    case 'display_data':
    case 'update_display_data': {
      fields.requireExactly('type', 'cell', 'data', 'metadata', 'displayId');
      const displayId = fields.get('displayId') === null ? null : fields.text('displayId', MAX_NAME);
      return { type, cell: fields.index('cell'), displayId, ...readRich(fields) };
    }
    case 'clear_output': {
      const wait = fields.requireExactly('type', 'cell', 'wait').get('wait');
      return {
        type,
        cell: fields.index('cell'),
        wait: typeof wait === 'boolean' ? wait : throwInvalid('wait')
      };
    }
    case 'error':
      fields.requireExactly('type', 'cell', 'ename', 'evalue', 'traceback', 'bases', 'line');
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
      fields.requireExactly('type', 'cell');
      return { type, cell: fields.index('cell') };
    default:
      return throwInvalid('type');
  }
}
