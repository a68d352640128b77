import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Relation } from './version.js';

/** A paragraph of a Debian control file: values by field name in lower case, with continuation lines joined by newlines. */
export type Paragraph = ReadonlyMap<string, string>;

/**
 * Parses paragraphs in the format of deb822(5).
 *
 * @throws CleanRoomError `malformed`
 */
export function* parseControl(text: string): Generator<Paragraph> {
  let fields = new Map<string, string>();
  let last = '';
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
    } else if (/^[ \t]/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`);
    } else {
      const colon = line.indexOf(':');
      if (colon < 1)
        throw new CleanRoomError('malformed', `"${line.slice(0, 60)}" is not a field of a control file.`);
      last = line.slice(0, colon).toLowerCase();
      fields.set(last, line.slice(colon + 1).trim());
    }
  }
  if (fields.size > 0) yield fields;
}

/** A dependency, such as `libc6 (>= 2.34)`. */
export interface Dependency {
  readonly name: string;
  readonly relation?: Relation;
  readonly version?: string;
}

/**
 * Parses a dependency field.
 *
 * @returns the clauses, all of which must be satisfied; each is a list of alternatives
 * @throws CleanRoomError `malformed`
 */
export function parseDependencies(field: string): Dependency[][] {
  const clauses = field
    .split(',')
    .map(clause => clause.trim())
    .filter(clause => clause !== '');
  return clauses.map(clause => clause.split('|').map(alternative => parseDependency(alternative.trim())));
}

function parseDependency(text: string): Dependency {
  const match = /^([a-z0-9][a-z0-9.+-]*)(?::[a-z0-9-]+)?(?:\s*\((<<|<=|=|>=|>>)\s*([^\s)]+)\))?$/.exec(text);
  const [, name, relation, version] = match ?? [];
  if (name === undefined)
    throw new CleanRoomError('malformed', `"${text.slice(0, 60)}" is not a dependency.`);
  return relation === undefined || version === undefined
    ? { name }
    : { name, relation: relation as Relation, version };
}
