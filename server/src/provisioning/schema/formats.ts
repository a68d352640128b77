import type { Sample } from './classify.js';

/** The format of a text column, from its sample. */
export interface TextFormat {
  /** A regular expression that all values match, of the restricted kind that schemas allow. */
  readonly format?: string;
  readonly kind?: 'e-mail' | 'phone' | 'postcode';
}

const E_MAIL = /^[^\s@]{1,64}@[^\s@]+\.[A-Za-z]{2,24}$/;
const PHONE = /^\+?[0-9][0-9 ()/.-]{6,18}[0-9]$/;
const POSTCODE =
  /^([0-9]{5}|[0-9]{5}-[0-9]{4}|[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}|[0-9]{4} ?[A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])$/;
const MIN_VALUES = 8;
const MAX_LENGTH = 40;
const MAX_LITERAL_LETTERS = 3;

interface Run {
  readonly kind: string;
  readonly text: string;
}

function kindOf(character: string): string {
  if (/[0-9]/.test(character)) return '\\d';
  if (/[A-Z]/.test(character)) return '[A-Z]';
  if (/[a-z]/.test(character)) return '[a-z]';
  return character;
}

/** Splits a text into runs of characters of one kind: `P-07` is a letter, a hyphen and two digits. */
function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  for (const character of text) {
    const kind = kindOf(character);
    const last = runs.at(-1);
    if (last?.kind === kind) runs[runs.length - 1] = { kind, text: last.text + character };
    else runs.push({ kind, text: character });
  }
  return runs;
}

const escaped = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}/-]/g, '\\$&');

/** Returns the part of a format for runs at one position, or undefined when they are too different. */
function partOf(runs: readonly Run[], literalLetters: boolean): string | undefined {
  const kind = runs[0]?.kind ?? '';
  const texts = new Set(runs.map(({ text }) => text));
  const isSign = kind.length === 1;
  // Digits are never literal: they would be a value of the data.
  if (texts.size === 1 && (isSign || (literalLetters && kind !== '\\d'))) return escaped(runs[0]?.text ?? '');
  if (isSign) return undefined;
  const lengths = runs.map(({ text }) => text.length);
  const least = lengths.reduce((a, b) => Math.min(a, b));
  const most = lengths.reduce((a, b) => Math.max(a, b));
  if (least === most) return least === 1 ? kind : `${kind}{${least}}`;
  return `${kind}{${least},${most}}`;
}

function generalFormat(values: readonly string[]): string | undefined {
  if (values.some(value => value.length > MAX_LENGTH || !/[0-9]/.test(value))) return undefined;
  const all = values.map(runsOf);
  const shape = all[0]?.map(({ kind }) => kind) ?? [];
  if (all.some(runs => runs.length !== shape.length || runs.some(({ kind }, at) => kind !== shape[at])))
    return undefined;
  const columns = shape.map((_, at) => all.flatMap(runs => runs[at] ?? []));
  // A short prefix such as P- is part of a code. Longer words are data.
  const letters = columns
    .filter(runs => /[a-zA-Z]/.test(runs[0]?.text ?? '') && new Set(runs.map(({ text }) => text)).size === 1)
    .reduce((sum, runs) => sum + (runs[0]?.text.length ?? 0), 0);
  const parts = columns.map(runs => partOf(runs, letters <= MAX_LITERAL_LETTERS));
  const format = parts.join('');
  return parts.includes(undefined) || format.length > 200 ? undefined : format;
}

/** Recognises the format of a text column: codes such as `P\d{6}`, e-mail addresses, phone numbers, postcodes. */
export function formatOf(sample: Sample): TextFormat {
  const values = [...sample.keys()];
  if (values.length < MIN_VALUES) return {};
  if (values.every(value => E_MAIL.test(value))) return { kind: 'e-mail' };
  const format = generalFormat(values);
  const recognised = format === undefined ? {} : { format };
  if (values.every(value => POSTCODE.test(value))) return { ...recognised, kind: 'postcode' };
  if (
    values.every(value => PHONE.test(value) && /[+ ()/.-]/.test(value)) &&
    !values.some(value => /^[0-9]{4}-/.test(value))
  )
    return { ...recognised, kind: 'phone' };
  return recognised;
}
