import type { ServerConnection } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';
import { CleanRoomClient, Feed, Host, asProblem, type ActingParty, type Me, type Problem, type Role } from '../api/index.js';

/** Where the choice of party is remembered. */
export interface PartyMemory {
  read(): Promise<string | undefined>;
  write(party: string): Promise<void>;
}

/**
 * Who is asking and for which party; the routes as methods; what has changed. A person may belong to several parties: every
 * call is made for exactly one of them, and the screens always say for which.
 */
export class Session {
  readonly host: Host;
  readonly client: CleanRoomClient;
  readonly feed: Feed;
  private readonly changedSignal = new Signal<this, void>(this);
  private who: Me | undefined;
  private party: string | undefined;
  private trouble: Problem | undefined;

  constructor(
    serverSettings: ServerConnection.ISettings,
    private readonly memory: PartyMemory
  ) {
    this.host = new Host({ serverSettings, party: () => this.party });
    this.client = new CleanRoomClient(this.host);
    this.feed = new Feed(this.host);
    this.feed.changed.connect((_, event) => {
      if (event === 'refresh') void this.refresh();
    });
  }

  /** Emitted when person, party or connection has changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get me(): Me | undefined {
    return this.who;
  }

  /** The party acted for. */
  get acting(): ActingParty | undefined {
    return this.who?.parties.find(({ name }) => name === this.party);
  }

  /** Why the clean room can't be used just now; undefined when it can. */
  get problem(): Problem | undefined {
    return this.trouble;
  }

  may(role: Role): boolean {
    return this.acting?.roles.includes(role) ?? false;
  }

  async start(): Promise<void> {
    this.party = await this.memory.read();
    this.feed.start();
  }

  /** Acts for another party from now on. Unknown names are ignored: a party may have gone since it was listed. */
  async actFor(party: string): Promise<void> {
    if (party === this.party || !this.who?.parties.some(({ name }) => name === party)) return;
    this.party = party;
    this.changedSignal.emit();
    await this.memory.write(party);
  }

  private async refresh(): Promise<void> {
    try {
      // A remembered party that is no longer the person's own must not keep this very answer from coming.
      this.who = await new CleanRoomClient(new Host({ ...this.host.options, party: () => undefined })).me();
      this.trouble = undefined;
      const known = this.who.parties.some(({ name }) => name === this.party);
      if (!known) this.party = this.who.parties[0]?.name;
    } catch (error) {
      this.trouble = asProblem(error);
    }
    this.changedSignal.emit();
  }
}
