import type { CoordinatorEvent } from '@clean-room/api/coordinator';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import type { CleanRoomClient } from './client.js';

/** The state of the feed. `live`: changes arrive as they happen. `polling`: the listeners reload every few seconds instead. */
export type FeedStatus = 'live' | 'polling';

/** A change that the coordinator reports, or `resync` when changes may have been missed. */
export type Change = Exclude<CoordinatorEvent, { topic: 'mailbox' }>;

/**
 * Reports changes at the coordinator. It follows the event stream. A broken stream is opened again and resumes after the last
 * received event. Whenever changes may have been missed, `resync` is emitted, and the listeners must reload.
 */
export class Feed implements IDisposable {
  private readonly changes = new Signal<this, Change>(this);
  private readonly statusSignal = new Signal<this, FeedStatus>(this);
  private readonly poll: Poll;
  private current: FeedStatus = 'polling';
  private stop: AbortController | undefined;

  /**
   * @param client - returns the client for the party that the person acts for
   * @param seconds - the interval between two attempts to open the stream
   */
  constructor(
    private readonly client: () => Promise<CleanRoomClient>,
    seconds = 5
  ) {
    this.poll = new Poll({
      name: '@clean-room/jupyterlab:feed',
      auto: false,
      frequency: { interval: seconds * 1000, backoff: true, max: 60_000 },
      factory: () => this.follow()
    });
  }

  /** A signal that is emitted for every change. */
  get changed(): ISignal<this, Change> {
    return this.changes;
  }

  /** A signal that is emitted when the status has changed. */
  get statusChanged(): ISignal<this, FeedStatus> {
    return this.statusSignal;
  }

  get status(): FeedStatus {
    return this.current;
  }

  get isDisposed(): boolean {
    return this.poll.isDisposed;
  }

  /** Opens the stream. A stream that is already open is replaced, for example by the stream of another party. */
  start(): void {
    this.stop?.abort();
    void this.poll.start();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.stop?.abort();
    this.poll.dispose();
    Signal.clearData(this);
  }

  /** Follows the stream until it ends. */
  private async follow(): Promise<void> {
    this.changes.emit({ topic: 'resync' });
    const stop = (this.stop = new AbortController());
    try {
      const client = await this.client();
      const lost = (): void => {
        this.setStatus('polling');
        this.changes.emit({ topic: 'resync' });
      };
      const opened = (): void => {
        this.setStatus('live');
        // Changes between the last reload and now are not in this stream.
        this.changes.emit({ topic: 'resync' });
      };
      for await (const { event, data } of client.events({ signal: stop.signal, onLost: lost }, opened)) {
        if (stop.signal.aborted) return;
        if (event !== 'mailbox') this.changes.emit(JSON.parse(data) as Change);
      }
    } finally {
      if (this.stop === stop && !this.isDisposed) this.setStatus('polling');
    }
  }

  private setStatus(status: FeedStatus): void {
    if (status === this.current) return;
    this.current = status;
    this.statusSignal.emit(status);
  }
}
