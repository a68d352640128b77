import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Renders the component again whenever one of the signals is emitted. */
export function useSignals(...signals: readonly ISignal<unknown, unknown>[]): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = (): void => render();
    signals.forEach(signal => signal.connect(slot));
    return () => signals.forEach(signal => signal.disconnect(slot));
    // A model has the same signals throughout its life.
  }, signals);
}

/** Returns the current time, and renders again every second if `ticking`, otherwise every 30 seconds. */
export function useNow(ticking: boolean): number {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(render, ticking ? 1000 : 30_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return Date.now();
}
