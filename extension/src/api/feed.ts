import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';
import { readEvents } from './events.js';
import type { Host } from './host.js';
import type { CleanRoomEvent } from './types.js';

const KINDS = ['submission', 'run', 'asset'] as const;

/** `live`: changes arrive as they happen. `polling`: they are asked for every few seconds instead. */
export type FeedStatus = 'live' | 'polling';

/**
 * Tells that something has changed. Follows the coordinator's event stream, takes it up again where it broke off, and in
 * between says `refresh`, so that a listener that reloads on both never misses a change.
 */
export class Feed implements IDisposable {
  private readonly events = new Signal<this, CleanRoomEvent | 'refresh'>(this);
  private readonly statusSignal = new Signal<this, FeedStatus>(this);
  private readonly poll: Poll;
  private lastId = '';
  private current: FeedStatus = 'polling';
  private abort: AbortController | undefined;

  constructor(
    private readonly host: Host,
    seconds = 5
  ) {
    this.poll = new Poll({
      name: '@clean-room/jupyterlab:feed',
      auto: false,
      frequency: { interval: seconds * 1000, backoff: true, max: 60_000 },
      factory: () => this.follow()
    });
  }

  get changed(): ISignal<this, CleanRoomEvent | 'refresh'> {
    return this.events;
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

  start(): void {
    void this.poll.start();
  }

  dispose(): void {
    this.abort?.abort();
    this.poll.dispose();
    Signal.clearData(this);
  }

  /** One connection, from its opening to its end. */
  private async follow(): Promise<void> {
    this.events.emit('refresh');
    this.abort = new AbortController();
    try {
      const response = await this.host.call('/api/v1/events?no_track_activity=1', {
        headers: { Accept: 'text/event-stream', ...(this.lastId === '' ? {} : { 'last-event-id': this.lastId }) },
        signal: this.abort.signal
      });
      if (response.body === null) return;
      this.become('live');
      for await (const event of readEvents(response.body)) {
        this.lastId = event.id;
        const type = KINDS.find(kind => kind === event.type);
        if (type !== undefined) this.events.emit({ type, id: idIn(event.data) });
      }
    } finally {
      if (!this.isDisposed) this.become('polling');
    }
  }

  private become(status: FeedStatus): void {
    if (status === this.current) return;
    this.current = status;
    this.statusSignal.emit(status);
  }
}

function idIn(data: string): string {
  try {
    const { id } = JSON.parse(data) as { id?: unknown };
    return typeof id === 'string' ? id : '';
  } catch {
    return '';
  }
}
