const INNER_BRACKETS = String.raw`\([^()]{0,100}\)`;
const TIME_ZONE = String.raw`, tzinfo=(?:[^(),]|\((?:[^()]|${INNER_BRACKETS}){0,100}\)){1,100}`;
const NUMBERS = String.raw`\d{1,6}(?:, \d{1,6}){0,6}`;

/** The date and time classes of Python, as they print themselves: `datetime.datetime(2020, 1, 1, 12, 0)`. */
const PYTHON_MOMENT = new RegExp(
  String.raw`\b(?:datetime\.)?(datetime|date|time)\((${NUMBERS})(?:, fold=1|${TIME_ZONE})?\)`,
  'g'
);

/** Other classes that print themselves around a value: `Timestamp('…', tz='UTC')`, `Decimal('12.50')`, `np.float64(1.5)`. */
const WRAPPED = new RegExp(
  String.raw`\b(?:Timestamp|UUID|Decimal|(?:np|numpy)\.(?:datetime64|(?:u?int|float)\d{1,3}|str_|bool_?))\(` +
    String.raw`(?:'([^'()]{0,200})'|"([^"()]{0,200})"|([-+\w.]{1,60}))(?:, (?:tz=)?'[^'()]{0,60}')?\)`,
  'g'
);

function clock([hours = '0', minutes = '0', seconds = '0', micros]: readonly string[]): string {
  const parts = [hours, minutes, seconds].map(part => part.padStart(2, '0')).join(':');
  return micros === undefined ? parts : `${parts}.${micros.padStart(6, '0')}`;
}

function readable(kind: string, numbers: string): string {
  const parts = numbers.split(', ');
  if (kind === 'time') return `T${clock(parts)}`;
  const [year = '', month = '', day = '', ...rest] = parts;
  const date = [year.padStart(4, '0'), month.padStart(2, '0'), day.padStart(2, '0')].join('-');
  return kind === 'date' || rest.length === 0 ? date : `${date}T${clock(rest)}`;
}

/** Replaces values that Python prints as calls by the plain value, so that each is one token and brackets do not split a row. */
export function unwrapLiterals(line: string): string {
  return line
    .replace(PYTHON_MOMENT, (_, kind: string, numbers: string) => readable(kind, numbers))
    .replace(WRAPPED, (_, single?: string, double?: string, bare?: string) => single ?? double ?? bare ?? '');
}
