import { parse } from 'yaml';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * Parses a file in YAML or JSON, which is a part of YAML. Aliases are refused, because they could expand to gigabytes.
 *
 * @param what - what an error message calls the file
 * @throws CleanRoomError `malformed`
 */
export function parseYaml(bytes: Uint8Array, what: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return parse(text, { schema: 'core', maxAliasCount: 0, uniqueKeys: true });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'it is not text';
    throw new CleanRoomError('malformed', `The ${what} is neither YAML nor JSON: ${reason}`, {
      remedy: `Correct the ${what}.`,
      cause
    });
  }
}
