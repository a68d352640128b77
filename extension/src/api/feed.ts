import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';
import type { CleanRoomClient } from './client.js';
import type { CoordinatorEvent } from './types.js';

/** `live`: changes arrive as they happen. `polling`: they are asked for every few seconds instead. */
export type FeedStatus = 'live' | 'polling';

export type Change = Exclude<CoordinatorEvent, { topic: 'mailbox' }>;

/**
 * Tells that something has changed. Follows the coordinator's event stream, which goes on where it broke off, and says
 * `resync` whenever changes could have been missed: a listener that reloads then never misses one.
 */
export class Feed implements IDisposable {
  private readonly changes = new Signal<this, Change>(this);
  private readonly statusSignal = new Signal<this, FeedStatus>(this);
  private readonly poll: Poll;
  private current: FeedStatus = 'polling';
  private stop: AbortController | undefined;

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

  get changed(): ISignal<this, Change> {
    return this.changes;
  }

  get statusChanged(): ISignal<this, FeedStatus> {
    return this.statusSignal;
  }

  get status(): FeedStatus {
    return this.current;
  }

  get isDisposed(): boolean {
    return this.poll.isDisposed;
  }

  /** Begins, or begins anew for another party. */
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

  /** Follows the stream for as long as it can be had. */
  private async follow(): Promise<void> {
    this.changes.emit({ topic: 'resync' });
    const stop = (this.stop = new AbortController());
    try {
      const client = await this.client();
      const lost = (): void => {
        this.become('polling');
        this.changes.emit({ topic: 'resync' });
      };
      const opened = (): void => {
        this.become('live');
        // What happened between the last look and now came too early for this stream.
        this.changes.emit({ topic: 'resync' });
      };
      for await (const { event, data } of client.events({ signal: stop.signal, onLost: lost }, opened)) {
        if (stop.signal.aborted) return;
        if (event !== 'mailbox') this.changes.emit(JSON.parse(data) as Change);
      }
    } finally {
      if (this.stop === stop && !this.isDisposed) this.become('polling');
    }
  }

  private become(status: FeedStatus): void {
    if (status === this.current) return;
    this.current = status;
    this.statusSignal.emit(status);
  }
}
