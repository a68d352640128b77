/** Nanoseconds of a day. All numbers of nanoseconds since midnight are safe integers. */
export const DAY = 86_400_000_000_000;
const MINUTE = 60_000_000_000;
const SECOND = 1_000_000_000;

/** A time of day as it was written. */
export interface WrittenTime {
  /** Nanoseconds since midnight. */
  readonly nanoseconds: number;
  /** Nanoseconds of the smallest unit that was written. */
  readonly precision: number;
  /** Nanoseconds to subtract for UTC, if a zone was written. */
  readonly offset: number | undefined;
}

const CLOCK = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?(?: ?([ap])\.?m\b\.?)?`;
const ZONE = String.raw`(?: ?(z|utc|gmt)\b|([+-])(\d{2})(?::?(\d{2}))?(?![\d.:]))?`;

/** Matches a time of day with an optional zone. Sticky: it is tried at one position of a lower-case text. */
export const TIME = new RegExp(`t?${CLOCK}${ZONE}(?![\\d:])`, 'y');

/** Reads a match of {@link TIME}. Returns `undefined` if there is no such time. */
export function readTime(match: RegExpExecArray): WrittenTime | undefined {
  const [, hours = '', minutes = '', seconds, fraction, half, utc, sign, zoneHours = '0', zoneMinutes = '0'] =
    match;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half === 'p' ? 12 : 0);
  if (hour > 23 || Number(minutes) > 59 || Number(seconds ?? 0) > 59) return undefined;
  const digits = fraction?.slice(0, 9) ?? '';
  const whole = hour * 60 * MINUTE + Number(minutes) * MINUTE + Number(seconds ?? 0) * SECOND;
  const east = (Number(zoneHours) * 60 + Number(zoneMinutes)) * MINUTE;
  return {
    nanoseconds: whole + Number(digits.padEnd(9, '0')),
    precision: seconds === undefined ? MINUTE : 10 ** (9 - digits.length),
    offset: sign === undefined ? (utc === undefined ? undefined : 0) : sign === '-' ? -east : east
  };
}

/** Returns the point in time with its zone removed: the day and the nanoseconds since midnight, in UTC. */
export function toUtc(
  day: number,
  { nanoseconds, offset = 0 }: WrittenTime
): { day: number; nanoseconds: number } {
  const moved = nanoseconds - offset;
  const days = Math.floor(moved / DAY);
  return { day: day + days, nanoseconds: moved - days * DAY };
}

/** Returns the name of a day. */
export function dayName(day: number): string {
  return `day ${day}`;
}

/** Returns the name of a time of day that is cut to a precision. */
export function timeName(nanoseconds: number, precision: number): string {
  return `time ${nanoseconds - (nanoseconds % precision)}`;
}

/** Returns the name of a point in time that is cut to a precision. */
export function momentName(day: number, nanoseconds: number, precision: number): string {
  return `moment ${day} ${nanoseconds - (nanoseconds % precision)}`;
}
