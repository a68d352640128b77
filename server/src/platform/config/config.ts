import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Type, type Static, type TSchema } from 'typebox';
import { Errors, Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The purpose of a server. `production` refuses every setting that is only meant for evaluation. */
export const Mode = Type.Union([Type.Literal('development'), Type.Literal('production')]);
export type Mode = Static<typeof Mode>;

/** The address that a server listens on. */
export const Listen = Type.Object(
  {
    host: Type.String({ minLength: 1 }),
    /** With 0, the operating system chooses a free port. */
    port: Type.Integer({ minimum: 0, maximum: 65_535 })
  },
  { additionalProperties: false }
);

/** The least severe level that is written to the log. */
export const LogLevel = Type.Union([
  Type.Literal('silent'),
  Type.Literal('error'),
  Type.Literal('warn'),
  Type.Literal('info'),
  Type.Literal('debug')
]);
export type LogLevel = Static<typeof LogLevel>;

function invalidConfig(file: string, reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `The configuration in ${file} ${reason}.`, {
    remedy: 'Correct the configuration and start again.',
    cause
  });
}

/**
 * Checks a configuration that was read from a file or built by a program.
 *
 * @param from - where the configuration comes from, for the error message
 * @throws CleanRoomError `malformed`, naming the first setting that is wrong
 */
export function checkConfig<S extends TSchema>(schema: S, value: unknown, from: string): Static<S> {
  if (Check(schema, value)) return value;
  const [first] = Errors(schema, value);
  const extra = (first?.params as { additionalProperties?: readonly string[] } | undefined)
    ?.additionalProperties;
  const named = extra === undefined ? '' : ` (${extra.join(', ')})`;
  throw invalidConfig(
    from,
    `is not valid at ${first?.instancePath || 'its top level'}: ${first?.message ?? ''}${named}`
  );
}

/**
 * Reads and checks a JSON configuration file. The caller resolves relative paths in it against the returned `folder`.
 *
 * @throws CleanRoomError `malformed` when the file cannot be read, is not JSON or does not match the schema
 */
export async function readConfigFile<S extends TSchema>(
  schema: S,
  file: string
): Promise<{ config: Static<S>; folder: string }> {
  const absolute = path.resolve(file);
  let text: string;
  try {
    text = await readFile(absolute, 'utf8');
  } catch (cause) {
    throw invalidConfig(absolute, 'cannot be read', cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidConfig(absolute, 'is not JSON', cause);
  }
  return { config: checkConfig(schema, value, absolute), folder: path.dirname(absolute) };
}
