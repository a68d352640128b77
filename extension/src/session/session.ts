import type { ServerConnection } from '@jupyterlab/services';
import { PromiseDelegate } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Me } from '@clean-room/api/coordinator';
import type { Role } from '@clean-room/protocol/parties';
import type { CleanRoomClient } from '../api/client.js';
import { Feed } from '../api/feed.js';
import { Host } from '../api/host.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { ActingParty, PartyDescription } from '../api/types.js';
import type { Viewer } from '../shared/status.js';

/** Storage for the party that the person acted for last. */
export interface PartyStorage {
  /** Reads the party's name; undefined if none was stored. */
  read(): Promise<string | undefined>;
  /** Stores the party's name. */
  write(party: string): Promise<void>;
}

/**
 * The connection to the clean room: the signed-in person, the party that they act for, the API client and the changes. A
 * person can belong to several parties. Every call is made for exactly one of them, and the screens show which one.
 */
export class CleanRoomSession {
  readonly host: Host;
  readonly feed: Feed;
  private readonly firstResponse = new PromiseDelegate<void>();
  private readonly changedSignal = new Signal<this, void>(this);
  private person: Me | undefined;
  private party: string | undefined;
  private descriptions: ReadonlyMap<string, PartyDescription> = new Map();
  private lastProblem: ProblemError | undefined;
  private connection: { readonly party: string | undefined; readonly client: CleanRoomClient } | undefined;

  constructor(
    serverSettings: ServerConnection.ISettings,
    private readonly storage: PartyStorage
  ) {
    this.host = new Host(serverSettings);
    this.feed = new Feed(() => this.client());
    this.feed.changed.connect((_, change) => {
      if (change.topic === 'resync') void this.refresh();
    });
  }

  /** A signal that is emitted when the person, the party or the connection has changed. */
  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  /** Resolves when the clean room has responded for the first time, or could not be reached. */
  get ready(): Promise<void> {
    return this.firstResponse.promise;
  }

  /** The signed-in person and their parties; undefined until the clean room has responded. */
  get me(): Me | undefined {
    return this.person;
  }

  /** The party that the person acts for. */
  get acting(): ActingParty | undefined {
    return this.person?.parties.find(({ party }) => party === this.party);
  }

  /** The reason why the clean room cannot be used now; undefined when it can. */
  get problem(): ProblemError | undefined {
    return this.lastProblem;
  }

  /** The acting party and the titles of all parties, for text. */
  get viewer(): Viewer {
    return { party: this.acting?.party, titleOf: party => this.titleOf(party) };
  }

  /** Returns a party's title, or its name when the title is not known. */
  titleOf(party: string): string {
    return this.descriptions.get(party)?.title ?? party;
  }

  /** Returns a person's name from their party's roster, or their id when it is not listed. */
  nameOf({ party, person }: { readonly party: string; readonly person: string }): string {
    return this.descriptions.get(party)?.people[person] ?? person;
  }

  /** Returns a party's custodian; undefined when it has none or is not known. */
  custodianOf(party: string): PartyDescription['custodian'] {
    return this.descriptions.get(party)?.custodian;
  }

  /** Returns whether the person has a role in the party that they act for. */
  may(role: Role): boolean {
    return this.acting?.roles.includes(role) ?? false;
  }

  /** Returns the API client for the acting party. It is loaded with the first call, because it contains the protocol's checks. */
  async client(): Promise<CleanRoomClient> {
    const { CleanRoomClient } = await import('../api/client.js');
    if (this.connection === undefined || this.connection.party !== this.party) {
      this.connection = { party: this.party, client: new CleanRoomClient(this.host, this.party) };
    }
    return this.connection.client;
  }

  /** Signs in and starts to follow changes. */
  async start(): Promise<void> {
    this.party = await this.storage.read();
    // The person may have left the stored party since. The coordinator refuses calls for such a party.
    await this.refresh();
    this.firstResponse.resolve();
    this.feed.start();
  }

  /** Changes the party that the person acts for. Does nothing if it is no longer one of their parties. */
  async actFor(party: string): Promise<void> {
    if (party === this.party || !this.person?.parties.some(other => other.party === party)) return;
    this.party = party;
    this.changedSignal.emit();
    this.feed.start();
    await this.storage.write(party);
  }

  private async refresh(): Promise<void> {
    try {
      const { CleanRoomClient } = await import('../api/client.js');
      this.person = await new CleanRoomClient(this.host).me();
      const known = this.person.parties.some(({ party }) => party === this.party);
      if (!known) this.party = this.person.parties[0]?.party;
      const parties = this.party === undefined ? [] : await (await this.client()).parties();
      this.descriptions = new Map(parties.map(description => [description.party, description]));
      this.lastProblem = undefined;
    } catch (error) {
      this.lastProblem = asProblem(error);
    }
    this.changedSignal.emit();
  }
}
