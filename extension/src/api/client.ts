import { AssetVersion } from '@clean-room/protocol/assets';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { Collaboration, Roster } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { readSpec } from '@clean-room/protocol/submissions';
import { Client, type ServerSentEvent, type StreamOptions } from '@clean-room/api';
import {
  routes,
  type Me,
  type Run,
  type RunSummary,
  type SubmissionSummary
} from '@clean-room/api/coordinator';
import type { Host } from './host.js';
import type { Asset, MachineSize, PartyDescription, SubmissionView } from './types.js';

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Reads every page of a list. */
async function readAllPages<T>(readPage: (query: PageQuery) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await readPage({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

/**
 * Calls the coordinator's routes for one party. Signed documents in the responses are parsed. Every method rejects with a
 * CleanRoomError when the coordinator refuses the call or cannot be reached.
 */
export class CleanRoomClient {
  private readonly client: Client;

  /**
   * @param host - the Jupyter server, which relays the calls
   * @param party - the party that the calls are made for; without it, only routes about the person can be called
   */
  constructor(
    private readonly host: Host,
    private readonly party?: string
  ) {
    this.client = this.connect(host.fetch);
  }

  /** Returns the signed-in person and the parties they can act for. */
  me(): Promise<Me> {
    return this.client.call(routes.getMe, {});
  }

  /** Returns the members of the party's collaborations with their titles and the names of their people. */
  async parties(): Promise<readonly PartyDescription[]> {
    const { items } = await this.client.call(routes.listCollaborations, {});
    const rosters = new Map(
      items
        .flatMap(item => item.rosters.map(envelope => Roster.peek(envelope).value))
        .map(roster => [roster.party, roster])
    );
    const members = items.flatMap(item => Collaboration.peek(item.envelope).value.members);
    return [...new Map(members.map(member => [member.party, member])).values()].map(({ party, title }) => {
      const roster = rosters.get(party);
      return {
        party,
        title,
        people: Object.fromEntries((roster?.people ?? []).map(({ id, name }) => [id, name])),
        ...(roster?.custodian === undefined ? {} : { custodian: roster.custodian })
      };
    });
  }

  /**
   * Returns the published datasets.
   *
   * @throws CleanRoomError `signature-invalid` when a provider's custodian has not signed its version or policy
   */
  async assets(): Promise<readonly Asset[]> {
    const published = await readAllPages(query => this.client.call(routes.listAssets, { query }));
    return published.map(asset => ({
      ...asset,
      version: AssetVersion.open(asset.version, asset.custodian.key).value,
      policy: Policy.open(asset.policy, asset.custodian.key).value
    }));
  }

  /** Returns the machine sizes for runs on these datasets, the smallest first. */
  async machines(datasets: readonly string[]): Promise<readonly MachineSize[]> {
    const query = datasets.length === 0 ? {} : { assets: datasets.join(',') };
    return (await this.client.call(routes.listMachines, { query })).items;
  }

  /** Returns the submissions that the party can see, newest first. */
  submissions(): Promise<readonly SubmissionSummary[]> {
    return readAllPages(query => this.client.call(routes.listSubmissions, { query }));
  }

  /** Returns one submission with all its revisions and their specs. */
  async submission(id: string): Promise<SubmissionView> {
    const submission = await this.client.call(routes.getSubmission, { params: { id } });
    const revisions = submission.revisions.map(revision => ({
      ...revision,
      spec: readSpec(fromBase64(revision.spec)).value
    }));
    return { ...submission, revisions };
  }

  /** Returns the text of one file of a revision, exactly as it was submitted. */
  async file(id: string, number: number, path: string): Promise<string> {
    const bytes = await this.client.downloadBytes(routes.getFile, { params: { id, number, '*': path } });
    return new TextDecoder().decode(bytes);
  }

  /** Asks the coordinator to build the revision's image again and to compare the digests. */
  rebuild(id: string, number: number): Promise<{ readonly rebuilt: string; readonly equal: boolean }> {
    return this.client.call(routes.compareImage, { params: { id, number } });
  }

  /** Adds a comment to a submission. */
  comment(id: string, text: string): Promise<unknown> {
    return this.client.call(routes.addComment, { params: { id }, body: { text } });
  }

  /** Decides, for the party, that the newest revision needs changes. */
  requestChanges(id: string, reason: string): Promise<unknown> {
    return this.client.call(routes.requestChanges, { params: { id }, body: { reason } });
  }

  /** Decides, for the party, to reject the newest revision. */
  reject(id: string, reason: string): Promise<unknown> {
    return this.client.call(routes.reject, { params: { id }, body: { reason } });
  }

  /** Withdraws the party's own submission. */
  withdraw(id: string): Promise<unknown> {
    return this.client.call(routes.withdraw, { params: { id } });
  }

  /** Returns the runs that the party can see, newest first. */
  runs(): Promise<readonly RunSummary[]> {
    return readAllPages(query => this.client.call(routes.listRuns, { query }));
  }

  /** Returns one run with its history. */
  run(id: string): Promise<Run> {
    return this.client.call(routes.getRun, { params: { id } });
  }

  /** Starts another run of an approved submission. */
  startRun(submission: string): Promise<RunSummary> {
    return this.client.call(routes.createRun, { body: { submission } });
  }

  /** Cancels a run of the party's own submission. */
  cancelRun(id: string): Promise<RunSummary> {
    return this.client.call(routes.cancelRun, { params: { id } });
  }

  /** Returns the bytes of a run's receipt, exactly as the coordinator stored them. */
  receipt(id: string): Promise<Uint8Array> {
    return this.client.downloadBytes(routes.getReceipt, { params: { id } });
  }

  /**
   * Follows the coordinator's event stream, and reconnects when it breaks.
   *
   * @param onOpen - called each time that the stream has been opened
   */
  events(options: StreamOptions, onOpen: () => void): AsyncGenerator<ServerSentEvent> {
    const opening: typeof fetch = async (input, init) => {
      const response = await this.host.fetch(input, init);
      if (response.ok) onOpen();
      return response;
    };
    return this.connect(opening).events(routes.streamEvents, options);
  }

  private connect(request: typeof fetch): Client {
    const { host, party } = this;
    return new Client({ base: host.relay, fetch: request, ...(party === undefined ? {} : { party }) });
  }
}
