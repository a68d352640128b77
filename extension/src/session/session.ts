import type { ServerConnection } from '@jupyterlab/services';
import { PromiseDelegate } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Me } from '../../../packages/api/src/coordinator/parties.js';
import type { Role } from '../../../packages/protocol/src/parties/roster.js';
import type { CleanRoomClient } from '../api/client.js';
import { Feed } from '../api/feed.js';
import { Host } from '../api/host.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { ActingParty, PartyWords } from '../api/types.js';

/** Where the choice of party is remembered. */
export interface PartyMemory {
  read(): Promise<string | undefined>;
  write(party: string): Promise<void>;
}

/**
 * Who is asking and for which party; the routes as methods; what has changed. A person may belong to several parties:
 * every call is made for exactly one of them, and the screens always say for which.
 */
export class CleanRoomSession {
  readonly host: Host;
  readonly feed: Feed;
  private readonly firstAnswer = new PromiseDelegate<void>();
  private readonly changedSignal = new Signal<this, void>(this);
  private who: Me | undefined;
  private party: string | undefined;
  private words: ReadonlyMap<string, PartyWords> = new Map();
  private trouble: ProblemError | undefined;
  private connected: { readonly party: string | undefined; readonly client: CleanRoomClient } | undefined;

  constructor(
    serverSettings: ServerConnection.ISettings,
    private readonly memory: PartyMemory
  ) {
    this.host = new Host(serverSettings);
    this.feed = new Feed(() => this.client());
    this.feed.changed.connect((_, change) => {
      if (change.topic === 'resync') void this.refresh();
    });
  }

  /** Emitted when person, party or connection has changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** Resolves once the clean room has answered for the first time, or could not be asked. */
  get ready(): Promise<void> {
    return this.firstAnswer.promise;
  }

  get me(): Me | undefined {
    return this.who;
  }

  /** The party acted for. */
  get acting(): ActingParty | undefined {
    return this.who?.parties.find(({ party }) => party === this.party);
  }

  /** Why the clean room can't be used just now; undefined when it can. */
  get problem(): ProblemError | undefined {
    return this.trouble;
  }

  /** A party's title; its short name where nothing else is known. */
  titleOf(party: string): string {
    return this.words.get(party)?.title ?? party;
  }

  /** A person's name as their party's roster has it. */
  nameOf({ party, person }: { readonly party: string; readonly person: string }): string {
    return this.words.get(party)?.people[person] ?? person;
  }

  custodianOf(party: string): PartyWords['custodian'] {
    return this.words.get(party)?.custodian;
  }

  may(role: Role): boolean {
    return this.acting?.roles.includes(role) ?? false;
  }

  /** The routes, called for the acting party. Loaded with the first call: it brings the protocol's checks along. */
  async client(): Promise<CleanRoomClient> {
    const { CleanRoomClient } = await import('../api/client.js');
    if (this.connected === undefined || this.connected.party !== this.party) {
      this.connected = { party: this.party, client: new CleanRoomClient(this.host, this.party) };
    }
    return this.connected.client;
  }

  async start(): Promise<void> {
    this.party = await this.memory.read();
    // A remembered party may be gone; what is asked for a party that one does not belong to is refused.
    await this.refresh();
    this.firstAnswer.resolve();
    this.feed.start();
  }

  /** Acts for another party from now on. Unknown names are ignored: a party may have gone since it was listed. */
  async actFor(party: string): Promise<void> {
    if (party === this.party || !this.who?.parties.some(other => other.party === party)) return;
    this.party = party;
    this.changedSignal.emit();
    this.feed.start();
    await this.memory.write(party);
  }

  private async refresh(): Promise<void> {
    try {
      const { CleanRoomClient } = await import('../api/client.js');
      this.who = await new CleanRoomClient(this.host).me();
      const known = this.who.parties.some(({ party }) => party === this.party);
      if (!known) this.party = this.who.parties[0]?.party;
      const parties = this.party === undefined ? [] : await (await this.client()).parties();
      this.words = new Map(parties.map(words => [words.party, words]));
      this.trouble = undefined;
    } catch (error) {
      this.trouble = asProblem(error);
    }
    this.changedSignal.emit();
  }
}
