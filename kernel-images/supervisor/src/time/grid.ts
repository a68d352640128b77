import { toTimestamp } from '@clean-room/protocol/documents';

/** The last point of the grid at or before `date`. @param seconds width of the grid */
export function gridBefore(date: Date, seconds: number): string {
  const width = seconds * 1000;
  return toTimestamp(new Date(Math.floor(date.getTime() / width) * width));
}

/** The first point of the grid at or after `date`, so that a duration tells its number of grid steps at most. */
export function gridAfter(date: Date, seconds: number): string {
  const width = seconds * 1000;
  return toTimestamp(new Date(Math.ceil(date.getTime() / width) * width));
}
