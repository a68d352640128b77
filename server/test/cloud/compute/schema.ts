import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ApiError, invalid } from '../http/api-error.js';

interface Field {
  readonly type: string;
  readonly rule?: 'repeated';
  readonly keyType?: string;
}

interface MessageType {
  readonly fields?: Readonly<Record<string, Field>>;
  readonly nested?: Readonly<Record<string, { readonly values?: Readonly<Record<string, number>> }>>;
}

type Types = Readonly<Record<string, MessageType>>;

let loaded: Types | undefined;

/** Returns the message types of the Compute API as Google publishes them in its client library. */
function computeTypes(): Types {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    const folder = path.dirname(require.resolve('@google-cloud/compute/package.json'));
    const root = JSON.parse(readFileSync(path.join(folder, 'build/protos/protos.json'), 'utf8')) as {
      nested: {
        google: { nested: { cloud: { nested: { compute: { nested: { v1: { nested: Types } } } } } } };
      };
    };
    loaded = root.nested.google.nested.cloud.nested.compute.nested.v1.nested;
  }
  return loaded;
}

const INTEGER_RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n]
};

function isInteger(value: unknown, type: string): boolean {
  const [least, most] = INTEGER_RANGES[type] ?? [0n, 0n];
  const isText = typeof value === 'string' && /^-?\d+$/.test(value);
  if (!isText && !Number.isInteger(value)) return false;
  const number = BigInt(value as string | number);
  return number >= least && number <= most;
}

function hasScalarType(value: unknown, type: string): boolean {
  if (type === 'string') return typeof value === 'string';
  if (type === 'bool') return typeof value === 'boolean';
  if (type in INTEGER_RANGES) return isInteger(value, type);
  return type === 'float' || type === 'double' ? typeof value === 'number' : typeof value === 'string';
}

/** The names of an enumeration's values. The library keeps them next to the string fields of the same name. */
function enumOf(message: MessageType, field: string): readonly string[] | undefined {
  const values = message.nested?.[`${field.charAt(0).toUpperCase()}${field.slice(1)}`]?.values;
  return values === undefined ? undefined : Object.keys(values);
}

function checkField(types: Types, field: Field, value: unknown, at: string, names?: readonly string[]): void {
  const message = types[field.type];
  if (message !== undefined) {
    checkMessage(types, message, value, at);
    return;
  }
  if (!hasScalarType(value, field.type)) {
    throw new ApiError(
      400,
      'badRequest',
      `Invalid value at '${at}' (TYPE_${field.type.toUpperCase()}), ${JSON.stringify(value)}`
    );
  }
  if (names !== undefined && !names.includes(value as string)) {
    throw invalid(`resource.${at}`, value as string, `It must be one of ${names.join(', ')}.`);
  }
}

function checkMessage(types: Types, message: MessageType, value: unknown, at: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError(400, 'badRequest', `Invalid value at '${at}', ${JSON.stringify(value)}`);
  }
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    const field = message.fields?.[name];
    const inside = at === '' ? name : `${at}.${name}`;
    if (field === undefined) {
      const where = at === '' ? '' : ` at '${at}'`;
      throw new ApiError(
        400,
        'badRequest',
        `Invalid JSON payload received. Unknown name "${name}"${where}: Cannot find field.`
      );
    }
    const names = enumOf(message, name);
    if (field.rule === 'repeated') {
      if (!Array.isArray(member)) throw new ApiError(400, 'badRequest', `Invalid value at '${inside}'`);
      member.forEach((item, index) => checkField(types, field, item, `${inside}[${index}]`, names));
    } else if (field.keyType !== undefined) {
      if (Array.isArray(member)) throw new ApiError(400, 'badRequest', `Invalid value at '${inside}'`);
      for (const [key, item] of Object.entries(member as object)) {
        checkField(types, field, item, `${inside}[${key}]`);
      }
    } else {
      checkField(types, field, member, inside, names);
    }
  }
}

/**
 * Checks a JSON value against a message type of the Compute API.
 *
 * @throws ApiError 400 for an unknown field, a wrong type or an unknown name of an enumeration
 */
export function checkType(type: string, value: unknown): void {
  const types = computeTypes();
  const message = types[type];
  if (message === undefined) throw new Error(`the Compute API has no type ${type}`);
  checkMessage(types, message, value, '');
}

/**
 * Returns the type of a message's field, or undefined when the message has no such field. `message` is the type of a member that
 * is a message; a map and a plain value have none.
 */
export function fieldTypeOf(type: string, name: string): { readonly message?: string } | undefined {
  const types = computeTypes();
  const field = types[type]?.fields?.[name];
  if (field === undefined) return undefined;
  return field.keyType === undefined && types[field.type] !== undefined ? { message: field.type } : {};
}
