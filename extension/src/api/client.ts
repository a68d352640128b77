import { AssetVersion } from '@clean-room/protocol/assets';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { Collaboration, Roster } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { readSpec } from '@clean-room/protocol/submissions';
import { Client, type ServerSentEvent, type StreamOptions } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { Host } from './host.js';
import type { Asset, Me, PartyWords, Run, RunSummary, SubmissionView, SubmissionSummary } from './types.js';

interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

async function all<T>(page: (cursor: string | undefined) => Promise<PageOf<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next } = await page(cursor);
    items.push(...more);
    cursor = next;
  } while (cursor !== undefined);
  return items;
}

const after = (cursor: string | undefined): { cursor?: string; limit: number } =>
  cursor === undefined ? { limit: 100 } : { limit: 100, cursor };

/** The coordinator's routes as methods for one acting party, their signed documents read. Each throws a CleanRoomError. */
export class CleanRoomClient {
  private readonly client: Client;

  constructor(
    private readonly host: Host,
    private readonly party?: string
  ) {
    this.client = this.connect(host.fetch);
  }

  me(): Promise<Me> {
    return this.client.call(routes.getMe, {});
  }

  /** The parties of my collaborations in words. */
  async parties(): Promise<readonly PartyWords[]> {
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

  /** Read only where its custodian has signed it. */
  async assets(): Promise<readonly Asset[]> {
    const published = await all(cursor => this.client.call(routes.listAssets, { query: after(cursor) }));
    return published.map(asset => ({
      ...asset,
      version: AssetVersion.open(asset.version, asset.custodian.key).value,
      policy: Policy.open(asset.policy, asset.custodian.key).value
    }));
  }

  submissions(): Promise<readonly SubmissionSummary[]> {
    return all(cursor => this.client.call(routes.listSubmissions, { query: after(cursor) }));
  }

  async submission(id: string): Promise<SubmissionView> {
    const submission = await this.client.call(routes.getSubmission, { params: { id } });
    const revisions = submission.revisions.map(revision => ({
      ...revision,
      spec: readSpec(fromBase64(revision.spec)).value
    }));
    return { ...submission, revisions };
  }

  /** The text of one file of a revision, exactly as it was submitted. */
  async file(id: string, number: number, path: string): Promise<string> {
    const bytes = await this.client.downloadBytes(routes.getFile, { params: { id, number, '*': path } });
    return new TextDecoder().decode(bytes);
  }

  rebuild(id: string, number: number): Promise<{ readonly rebuilt: string; readonly equal: boolean }> {
    return this.client.call(routes.compareImage, { params: { id, number } });
  }

  comment(id: string, text: string): Promise<unknown> {
    return this.client.call(routes.addComment, { params: { id }, body: { text } });
  }

  requestChanges(id: string, reason: string): Promise<unknown> {
    return this.client.call(routes.requestChanges, { params: { id }, body: { reason } });
  }

  reject(id: string, reason: string): Promise<unknown> {
    return this.client.call(routes.reject, { params: { id }, body: { reason } });
  }

  withdraw(id: string): Promise<unknown> {
    return this.client.call(routes.withdraw, { params: { id } });
  }

  runs(): Promise<readonly RunSummary[]> {
    return all(cursor => this.client.call(routes.listRuns, { query: after(cursor) }));
  }

  run(id: string): Promise<Run> {
    return this.client.call(routes.getRun, { params: { id } });
  }

  startRun(submission: string): Promise<RunSummary> {
    return this.client.call(routes.createRun, { body: { submission } });
  }

  cancelRun(id: string): Promise<RunSummary> {
    return this.client.call(routes.cancelRun, { params: { id } });
  }

  /** The receipt's bytes, as they were stored: its signatures are over them. */
  receipt(id: string): Promise<Uint8Array> {
    return this.client.downloadBytes(routes.getReceipt, { params: { id } });
  }

  /** @param onOpen told each time the stream is open */
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
