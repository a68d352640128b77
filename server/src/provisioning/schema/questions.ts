import type { ColumnFacts, InspectFacts } from '../engine/messages.js';
import type { Alternative } from './classify.js';
import type { Reader } from './reader.js';

/** An answer that the provider can give. */
export interface Choice {
  readonly id: string;
  readonly text: string;
}

/** A value that a question is about, with its place. It is data of the provider. */
export interface Example {
  readonly file: string;
  readonly line: number;
  readonly value: string;
}

/** A decision that only the provider can make. */
export interface Question {
  /** The name of the question in a schema file, such as `missing:age`. */
  readonly id: string;
  readonly column?: string;
  readonly text: string;
  /** The number of cells or records that it concerns, if it concerns some. */
  readonly count?: number;
  /** The first ten of them. */
  readonly examples: readonly Example[];
  readonly choices: readonly Choice[];
  /** The id of the choice that is probably right. */
  readonly proposal: string;
  /** The id of the choice that changes no value, if there is one. */
  readonly lossless?: string;
}

const STOP: Choice = { id: 'stop', text: 'stop, and correct the file' };
const TEXT: Choice = { id: 'text', text: 'keep the column as text' };
const MISFIT_CHOICES: readonly Choice[] = [
  { id: 'missing', text: 'read them as missing' },
  TEXT,
  { id: 'leave-out', text: 'leave these rows out' },
  STOP
];

/** Describes how a column would be read. */
export function describeReader({ type, decimal, thousands, dates, words, zoned }: Reader): string {
  const marks = [
    decimal === ',' ? 'decimal comma' : '',
    thousands === undefined ? '' : `"${thousands}" between thousands`,
    dates === undefined ? '' : `dates as ${dates}`,
    words === undefined ? '' : `${words[0]} is true`,
    zoned === true ? 'with time zone' : ''
  ].filter(mark => mark !== '');
  return `${type}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
}

/** Returns the id of the choice that reads a column in another way. */
export function alternativeId({ reader }: Pick<Alternative, 'reader'>): string {
  const { type, decimal, dates, thousands } = reader;
  if (dates !== undefined) return dates;
  if (decimal === ',') return 'decimal-comma';
  if (thousands !== undefined) return 'thousands';
  return type;
}

const WHY: Readonly<Record<Alternative['why'], string>> = {
  zeros: 'has numbers with leading zeros, which are often codes. As numbers, they lose the zeros',
  exponent: 'has texts such as 1e5, which are codes or numbers with an exponent',
  thousands: 'has numbers with marks between thousands, or with a decimal comma',
  comma: 'has numbers with a decimal comma',
  words: 'has two words that may mean true and false',
  dates: 'has dates whose day and month could be exchanged',
  mixed: 'has values of several kinds',
  zone: 'has times with a zone',
  rounded: 'has numbers with more digits than a binary number holds'
};

const PROPOSED: ReadonlySet<Alternative['why']> = new Set(['thousands', 'comma']);

function readingQuestion(facts: ColumnFacts): Question | undefined {
  const [first] = facts.alternatives;
  if (first === undefined) return undefined;
  const choices = facts.alternatives.map(alternative => ({
    id: alternativeId(alternative),
    text: `read it as ${describeReader(alternative.reader)}`
  }));
  return {
    id: `reading:${facts.name}`,
    column: facts.name,
    text: `Column "${facts.name}" ${WHY[first.why]}.`,
    examples: [],
    choices: [TEXT, ...choices],
    proposal: PROPOSED.has(first.why) ? alternativeId(first) : 'text',
    lossless: 'text'
  };
}

function wordList(words: ColumnFacts['missing']): string {
  return words.map(({ text, count }) => `"${text}" (${count})`).join(', ');
}

/** In a column of short codes, NA may be a code: Namibia, or a blood group. */
function isCodeList({ bins }: ColumnFacts): boolean {
  return bins !== undefined && bins.length > 2 && bins.every(({ text }) => /^[A-Z]{2}$/.test(text));
}

function missingQuestion(facts: ColumnFacts): Question | undefined {
  const { name, reader, missing } = facts;
  if (missing.length === 0) return undefined;
  const count = missing.reduce((sum, one) => sum + one.count, 0);
  const text = reader.type === 'text';
  return {
    id: `missing:${name}`,
    column: name,
    text: `Column "${name}" (${reader.type}) contains ${wordList(missing)}. Does this mean that there is no value?`,
    count,
    examples: [],
    choices: text
      ? [
          { id: 'missing', text: 'read it as missing' },
          { id: 'text', text: 'keep it as a text' }
        ]
      : MISFIT_CHOICES,
    proposal: text && isCodeList(facts) ? 'text' : 'missing',
    ...(text ? { lossless: 'text' } : {})
  };
}

function misfitQuestion(facts: ColumnFacts, files: readonly string[]): Question | undefined {
  const { name, reader, misfits, values } = facts;
  if (misfits === 0) return undefined;
  return {
    id: `misfit:${name}`,
    column: name,
    text: `Column "${name}" is read as ${describeReader(reader)}, which fits ${values} values, but not ${misfits}.`,
    count: misfits,
    examples: facts.firstMisfits.map(({ place, text }) => ({
      file: files[place.file] ?? '',
      line: place.line,
      value: text
    })),
    choices: MISFIT_CHOICES,
    proposal: 'stop'
  };
}

function columnQuestions(facts: ColumnFacts, files: readonly string[]): (Question | undefined)[] {
  const { name, refused, sentinels, lossy } = facts;
  if (refused !== undefined)
    return [
      {
        id: `column:${name}`,
        column: name,
        text: `Column "${name}" cannot be provisioned: ${refused}.`,
        examples: [],
        choices: [{ id: 'leave-out', text: 'leave the column out' }, STOP],
        proposal: 'leave-out'
      }
    ];
  return [
    readingQuestion(facts),
    missingQuestion(facts),
    misfitQuestion(facts, files),
    sentinels === 0
      ? undefined
      : {
          id: `sentinel:${name}`,
          column: name,
          text: `Column "${name}" contains ${sentinels} numbers at the end of the range of binary numbers, such as 1.79e308. Do they mean that there is no value?`,
          count: sentinels,
          examples: [],
          choices: [
            { id: 'keep', text: 'keep them as numbers' },
            { id: 'missing', text: 'read them as missing' }
          ],
          proposal: 'missing',
          lossless: 'keep'
        },
    !lossy
      ? undefined
      : {
          id: `seconds:${name}`,
          column: name,
          text: `Column "${name}" stores nanoseconds in a form from which only microseconds can be read.`,
          examples: [],
          choices: [{ id: 'microseconds', text: 'read microseconds, and drop finer digits' }, STOP],
          proposal: 'microseconds'
        }
  ];
}

function textQuestions(
  text: NonNullable<InspectFacts['text']>,
  preview: InspectFacts['preview'],
  files: readonly string[]
): (Question | undefined)[] {
  const asked = (
    what: (typeof text.asked)[number],
    question: Omit<Question, 'examples'>
  ): Question | undefined => (text.asked.includes(what) ? { examples: [], ...question } : undefined);
  return [
    asked('encoding', {
      id: 'encoding',
      text: `The text is not UTF-8. Read as Windows-1252 (Latin-1), the first row is: ${(preview[0] ?? []).join(' | ').slice(0, 200)}`,
      choices: [{ id: 'windows-1252', text: 'read it as Windows-1252' }, STOP],
      proposal: 'windows-1252'
    }),
    asked('header', {
      id: 'header',
      text: `The first record looks like values and not like names: ${(preview[0] ?? []).join(' | ').slice(0, 200)}`,
      choices: [
        { id: 'values', text: 'it is the first row; the columns have no names' },
        { id: 'names', text: 'it contains the names of the columns' }
      ],
      proposal: 'values'
    }),
    asked('skip', {
      id: 'skip',
      text: `The table begins after ${text.dialect.skip} lines: ${text.skipped.join(' / ').slice(0, 300)}`,
      choices: [{ id: 'skip', text: 'skip these lines' }, STOP],
      proposal: 'skip'
    }),
    asked('comment', {
      id: 'comment',
      text: `${text.commentLines} lines begin with # and are not like the other lines.`,
      choices: [{ id: 'skip', text: 'they are comments; skip them' }, STOP],
      proposal: 'skip'
    }),
    asked('delimiter', {
      id: 'delimiter',
      text: 'The values seem to be separated by single blanks.',
      choices: [
        { id: 'blank', text: 'a blank separates values' },
        { id: 'none', text: 'the file has one column of text' }
      ],
      proposal: 'blank'
    }),
    text.oddRecords === 0
      ? undefined
      : {
          id: 'records',
          text: `${text.oddRecords} records are not like the others, which have ${text.width} values.`,
          count: text.oddRecords,
          examples: text.firstOddRecords.map(({ place, fields }) => ({
            file: files[place.file] ?? '',
            line: place.line,
            value:
              fields === 0
                ? 'its quotation marks are not well formed'
                : `expected ${text.width} values, found ${fields}`
          })),
          choices: [{ id: 'leave-out', text: 'leave these rows out' }, STOP],
          proposal: 'stop'
        }
  ];
}

/** Returns all decisions that facts about files leave to the provider. */
export function questionsOf(facts: InspectFacts, files: readonly string[]): Question[] {
  const questions = [
    ...(facts.text === undefined ? [] : textQuestions(facts.text, facts.preview, files)),
    ...facts.columns.flatMap(column => columnQuestions(column, files))
  ];
  return questions.filter(question => question !== undefined);
}
