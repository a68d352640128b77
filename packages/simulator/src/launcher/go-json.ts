/** Thrown with the message of Go's decoder. */
export class GoJsonError extends Error {
  override readonly name = 'GoJsonError';
}

/** The type of a value that {@link decodeGoJson} fills in. */
export type GoType = 'string' | { readonly list: 'string' } | GoStruct;

/** A type with named fields. */
export interface GoStruct {
  readonly name: string;
  readonly fields: Readonly<Record<string, GoType>>;
}

/** A JSON value. Objects have their members in their order, repeated names included. */
type Value = null | boolean | number | string | readonly Value[] | GoObject;
interface GoObject {
  readonly members: readonly (readonly [name: string, value: Value])[];
}

const MAX_DEPTH = 10_000;
const SPACE = /[ \t\r\n]/;
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/'
};

/** Reads the first JSON value of a text. What follows it is ignored, as by a stream decoder. */
class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  read(): Value {
    this.skipSpace();
    if (this.at >= this.text.length) throw new GoJsonError('EOF');
    return this.value(0);
  }

  /** Checks that nothing follows the value. */
  requireEnd(): void {
    this.skipSpace();
    if (this.at < this.text.length) throw this.unexpected('after top-level value');
  }

  private value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new GoJsonError('exceeded max depth');
    this.skipSpace();
    const next = this.peek();
    if (next === '{') return this.object(depth);
    if (next === '[') return this.array(depth);
    if (next === '"') return this.string();
    if (next === '-' || /\d/.test(next)) return this.number();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null]
    ] as const)
      if (word.startsWith(next)) return this.word(word, value);
    throw this.unexpected('looking for beginning of value');
  }

  private object(depth: number): GoObject {
    const members: [string, Value][] = [];
    this.at++;
    this.skipSpace();
    if (this.peek() === '}') {
      this.at++;
      return { members };
    }
    for (;;) {
      this.skipSpace();
      if (this.peek() !== '"') throw this.unexpected('looking for beginning of object key string');
      const name = this.string();
      this.skipSpace();
      if (this.peek() !== ':') throw this.unexpected('after object key');
      this.at++;
      members.push([name, this.value(depth + 1)]);
      this.skipSpace();
      const end = this.peek();
      if (end !== ',' && end !== '}') throw this.unexpected('after object key:value pair');
      this.at++;
      if (end === '}') return { members };
    }
  }

  private array(depth: number): Value[] {
    const values: Value[] = [];
    this.at++;
    this.skipSpace();
    if (this.peek() === ']') {
      this.at++;
      return values;
    }
    for (;;) {
      values.push(this.value(depth + 1));
      this.skipSpace();
      const end = this.peek();
      if (end !== ',' && end !== ']') throw this.unexpected('after array element');
      this.at++;
      if (end === ']') return values;
    }
  }

  private string(): string {
    let result = '';
    this.at++;
    for (;;) {
      const next = this.peek();
      if (next < ' ') throw this.unexpected('in string literal');
      this.at++;
      if (next === '"') return result.toWellFormed();
      result += next === '\\' ? this.escape() : next;
    }
  }

  private escape(): string {
    const next = this.peek();
    const simple = Object.hasOwn(ESCAPES, next) ? ESCAPES[next] : undefined;
    if (simple === undefined && next !== 'u') throw this.unexpected('in string escape code');
    this.at++;
    if (simple !== undefined) return simple;
    let digits = '';
    while (digits.length < 4) {
      if (!/[0-9a-fA-F]/.test(this.peek())) throw this.unexpected('in \\u hexadecimal character escape');
      digits += this.peek();
      this.at++;
    }
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private number(): number {
    const start = this.at;
    if (this.peek() === '-') this.at++;
    if (!/\d/.test(this.peek())) throw this.unexpected('in numeric literal');
    if (this.peek() === '0') this.at++;
    else this.digits();
    if (this.text[this.at] === '.') {
      this.at++;
      if (!/\d/.test(this.peek())) throw this.unexpected('after decimal point in numeric literal');
      this.digits();
    }
    if (/^[eE]$/.test(this.text[this.at] ?? '')) {
      this.at++;
      if (/[+-]/.test(this.peek())) this.at++;
      if (!/\d/.test(this.peek())) throw this.unexpected('in exponent of numeric literal');
      this.digits();
    }
    return Number(this.text.slice(start, this.at));
  }

  private digits(): void {
    while (/^\d$/.test(this.text[this.at] ?? '')) this.at++;
  }

  private word<T extends Value>(word: string, value: T): T {
    for (const [index, letter] of word.split('').entries()) {
      if (this.peek() !== letter)
        throw this.unexpected(`in literal ${word} (expecting '${word[index] ?? ''}')`);
      this.at++;
    }
    return value;
  }

  private skipSpace(): void {
    while (SPACE.test(this.text[this.at] ?? '')) this.at++;
  }

  /** Returns the next character. */
  private peek(): string {
    const next = this.text[this.at];
    if (next === undefined) throw new GoJsonError('unexpected EOF');
    return next;
  }

  private unexpected(where: string): GoJsonError {
    const next = this.text[this.at] ?? '';
    const shown = next === "'" ? "'\\''" : `'${next === '"' ? '"' : JSON.stringify(next).slice(1, -1)}'`;
    return new GoJsonError(`invalid character ${shown} ${where}`);
  }
}

/** Returns a name in the form in which Go compares names of fields without regard to case. */
function fold(name: string): string {
  return name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function kindOf(value: Value): string {
  if (isList(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Fills in values of a type, and keeps the first error, with which Go ends after it has read everything. */
class Decoder {
  firstError: GoJsonError | undefined;

  decode(type: GoType, value: Value, before: unknown, path: string): unknown {
    if (value === null) return type === 'string' ? before : undefined;
    if (type === 'string')
      return typeof value === 'string' ? value : this.mismatch(value, path, type, before);
    if ('list' in type) {
      if (!isList(value)) return this.mismatch(value, path, '[]string', before);
      return value.map(item => this.decode('string', item, '', path));
    }
    if (typeof value !== 'object' || isList(value)) return this.mismatch(value, path, type.name, before);
    const struct = { ...(before as object | undefined) } as Record<string, unknown>;
    const names = Object.keys(type.fields);
    for (const [given, member] of value.members) {
      const name = names.find(known => known === given) ?? names.find(known => known === fold(given));
      const field = name === undefined ? undefined : type.fields[name];
      if (name === undefined || field === undefined) {
        this.firstError ??= new GoJsonError(`json: unknown field ${JSON.stringify(given)}`);
        continue;
      }
      struct[name] = this.decode(field, member, struct[name], `${path}.${name}`);
    }
    return struct;
  }

  private mismatch(value: Value, path: string, type: string, before: unknown): unknown {
    const where = path.includes('.') ? `Go struct field ${path}` : 'Go value';
    this.firstError ??= new GoJsonError(
      `json: cannot unmarshal ${kindOf(value)} into ${where} of type ${type}`
    );
    return before;
  }
}

/**
 * Decodes the first JSON value of a text as Go's `json.Decoder` with `DisallowUnknownFields` does: names of fields match in any
 * case, the last of repeated names wins, `null` leaves a field empty, and what follows the value is ignored.
 *
 * @throws GoJsonError with Go's message
 */
export function decodeGoJson(text: string, type: GoStruct): unknown {
  const value = new Scanner(text).read();
  const decoder = new Decoder();
  const result = decoder.decode(type, value, undefined, type.name);
  if (decoder.firstError !== undefined) throw decoder.firstError;
  return result;
}

/**
 * Decodes a list of texts as Go's `json.Unmarshal` does, which refuses data after the value.
 *
 * @throws GoJsonError with Go's message
 */
export function decodeStringList(text: string): string[] {
  const scanner = new Scanner(text);
  const value = scanner.read();
  scanner.requireEnd();
  const decoder = new Decoder();
  const result = decoder.decode({ list: 'string' }, value, undefined, '');
  if (decoder.firstError !== undefined) throw decoder.firstError;
  return (result ?? []) as string[];
}
