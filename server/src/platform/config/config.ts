import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Type, type Static, type TSchema } from 'typebox';
import { Errors, Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** `production` refuses everything that is only fit for trying out. */
export const Mode = Type.Union([Type.Literal('development'), Type.Literal('production')]);
export type Mode = Static<typeof Mode>;

export const Listen = Type.Object(
  {
    host: Type.String({ minLength: 1 }),
    /** 0 takes any free port. */
    port: Type.Integer({ minimum: 0, maximum: 65_535 })
  },
  { additionalProperties: false }
);

export const LogLevel = Type.Union([
  Type.Literal('silent'),
  Type.Literal('error'),
  Type.Literal('warn'),
  Type.Literal('info'),
  Type.Literal('debug')
]);

function bad(file: string, reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `The configuration in ${file} ${reason}.`, {
    remedy: 'Correct it and start again.',
    cause
  });
}

/**
 * Checks a configuration that a program put together or a file held.
 * @throws CleanRoomError `malformed`, naming the first place that is wrong
 */
export function checkConfig<S extends TSchema>(schema: S, value: unknown, from: string): Static<S> {
  if (Check(schema, value)) return value as Static<S>;
  const [first] = Errors(schema, value);
  const extra = (first?.params as { additionalProperties?: readonly string[] } | undefined)
    ?.additionalProperties;
  const named = extra === undefined ? '' : ` (${extra.join(', ')})`;
  throw bad(from, `is not right at ${first?.instancePath || 'its top'}: ${first?.message ?? ''}${named}`);
}

/** Reads a JSON configuration file. Relative paths in it are the reader's to resolve against `folder`. */
export async function readConfigFile<S extends TSchema>(
  schema: S,
  file: string
): Promise<{ config: Static<S>; folder: string }> {
  const place = path.resolve(file);
  let text: string;
  try {
    text = await readFile(place, 'utf8');
  } catch (cause) {
    throw bad(place, 'can not be read', cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(place, 'is not JSON', cause);
  }
  return { config: checkConfig(schema, value, place), folder: path.dirname(place) };
}
