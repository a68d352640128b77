import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Draws the component anew whenever one of the signals is emitted. */
export function useSignals(...signals: readonly ISignal<unknown, unknown>[]): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = (): void => redraw();
    signals.forEach(signal => signal.connect(slot));
    return () => signals.forEach(signal => signal.disconnect(slot));
    // The signals of a model are the same objects for as long as it lives.
  }, signals);
}

/** The present moment. Draws anew every second while something is `ticking`, and else twice a minute. */
export function useNow(ticking: boolean): number {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(redraw, ticking ? 1000 : 30_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return Date.now();
}
