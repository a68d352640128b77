import path from 'node:path';
import type { Command } from 'commander';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Overrides, SchemaDecisions } from '../../provisioning/index.js';
import { collectPairs } from '../commands/options.js';
import type { CommandContext } from '../context.js';
import { readRequired } from '../files.js';

/** The options that say how files are read. */
export interface TableOptions {
  readonly schema?: string;
  readonly dialect?: Readonly<Record<string, string>>;
  readonly answer?: Readonly<Record<string, string>>;
}

const DELIMITERS: Readonly<Record<string, string>> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  pipe: '|',
  blank: ' '
};
const ENCODINGS: Readonly<Record<string, string>> = { 'latin-1': 'windows-1252', latin1: 'windows-1252' };
const FLAG = Type.Union([Type.Literal('true'), Type.Literal('false')]);

function throwInvalid(name: string, expected: string): never {
  throw new CleanRoomError('malformed', `--dialect ${name} is not valid.`, { remedy: `Write ${expected}.` });
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find(candidate => candidate === value);
  return found ?? throwInvalid(name, `${name}= and one of: ${allowed.join(' ')}`);
}

/** Reads the pairs of `--dialect`. */
function dialectOf(pairs: Readonly<Record<string, string>>): Pick<Overrides, 'dialect' | 'conventions'> {
  const dialect: NonNullable<Overrides['dialect']> = {};
  const conventions: NonNullable<Overrides['conventions']> = {};
  for (const [name, value] of Object.entries(pairs)) {
    switch (name) {
      case 'encoding':
        dialect.encoding = oneOf(name, ENCODINGS[value] ?? value, [
          'utf-8',
          'utf-16le',
          'utf-16be',
          'windows-1252'
        ]);
        break;
      case 'delimiter':
        dialect.delimiter = oneOf(name, DELIMITERS[value] ?? value, [',', ';', '\t', '|', ' ']);
        break;
      case 'quote':
        dialect.quote = oneOf(name, value === 'none' ? '' : value, ['"', "'", '']);
        break;
      case 'header':
        if (!Check(FLAG, value)) throwInvalid(name, 'header=true or header=false');
        dialect.header = value === 'true';
        break;
      case 'skip': {
        const lines = Number(value);
        if (!/^\d{1,3}$/.test(value)) throwInvalid(name, 'skip= and a number of lines');
        dialect.skip = lines;
        break;
      }
      case 'comment':
        dialect.comment = oneOf(name, value === 'none' ? '' : value, ['#', '']);
        break;
      case 'decimal':
        conventions.decimal = oneOf(name, value, ['.', ',']);
        break;
      case 'dates':
        conventions.dates = oneOf(name, value, ['dmy', 'mdy']);
        break;
      default:
        throwInvalid(name, 'one of: encoding delimiter quote header skip comment decimal dates');
    }
  }
  return { dialect, conventions };
}

/** Adds the options that say how files are read. */
export function addTableOptions(command: Command): Command {
  return command
    .option('--schema <file>', 'Schema as a YAML or JSON file, which may also contain dialect and answers')
    .option(
      '--dialect <name=value>',
      'How the text is written: encoding, delimiter, quote, header, skip, comment, decimal or dates (repeatable)',
      collectPairs
    )
    .option('--answer <question=choice>', 'Answer to a question about the table (repeatable)', collectPairs);
}

/** The provider's decisions in the schema file and in options. Options take precedence. */
export interface GivenDecisions {
  readonly file: SchemaDecisions | undefined;
  readonly overrides: Overrides;
}

/**
 * Reads the options of a command that reads tables.
 * @throws CleanRoomError `malformed`, `not-found`
 */
export async function readTableOptions(
  { terminal }: CommandContext,
  { schema, dialect = {}, answer = {} }: TableOptions
): Promise<GivenDecisions> {
  const { readSchemaFile } = await import('../../provisioning/index.js');
  const file =
    schema === undefined
      ? undefined
      : readSchemaFile(await readRequired(path.resolve(terminal.folder, schema)));
  const given = dialectOf(dialect);
  return {
    file,
    overrides: {
      dialect: { ...file?.dialect, ...given.dialect },
      conventions: { ...file?.conventions, ...given.conventions },
      answers: { ...file?.answers, ...answer }
    }
  };
}
