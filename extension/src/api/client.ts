import { UUID } from '@lumino/coreutils';
import type { CallOptions, Host } from './host.js';
import type { Asked, Asset, Me, Opened, Page, Preview, Rebuild, Run, Submission, SubmissionSummary, Submitted } from './types.js';

const segment = encodeURIComponent;
const pathOf = (path: string): string => path.split('/').map(segment).join('/');

/** The coordinator's routes as methods. Each throws a Problem when refused. */
export class CleanRoomClient {
  constructor(private readonly host: Host) {}

  me(): Promise<Me> {
    return this.get('/v1/me');
  }

  async assets(): Promise<readonly Asset[]> {
    return (await this.get<Page<Asset>>('/v1/assets')).items;
  }

  /** All of them, page by page. */
  submissions(): Promise<readonly SubmissionSummary[]> {
    return this.all('/v1/submissions');
  }

  submission(id: string): Promise<Submission> {
    return this.get(`/v1/submissions/${segment(id)}`);
  }

  /** The text of one file of a revision, exactly as it was submitted. */
  async file(id: string, revision: number, path: string): Promise<string> {
    const response = await this.host.call(
      `/api/v1/submissions/${segment(id)}/revisions/${revision}/files/${pathOf(path)}`,
      { headers: { Accept: 'application/octet-stream' } }
    );
    return response.text();
  }

  rebuild(id: string, revision: number): Promise<Rebuild> {
    return this.post(`/v1/submissions/${segment(id)}/revisions/${revision}/rebuild`);
  }

  comment(id: string, text: string): Promise<void> {
    return this.post(`/v1/submissions/${segment(id)}/comments`, { text });
  }

  requestChanges(id: string, reason: string): Promise<void> {
    return this.post(`/v1/submissions/${segment(id)}/changes-requested`, { reason });
  }

  reject(id: string, reason: string): Promise<void> {
    return this.post(`/v1/submissions/${segment(id)}/reject`, { reason });
  }

  withdraw(id: string): Promise<void> {
    return this.post(`/v1/submissions/${segment(id)}/withdraw`);
  }

  runs(): Promise<readonly Run[]> {
    return this.all('/v1/runs');
  }

  run(id: string): Promise<Run> {
    return this.get(`/v1/runs/${segment(id)}`);
  }

  startRun(submissionId: string): Promise<Run> {
    return this.post('/v1/runs', { submissionId });
  }

  cancelRun(id: string): Promise<void> {
    return this.post(`/v1/runs/${segment(id)}/cancel`);
  }

  /** The receipt's bytes, as they were stored: its signatures are over them. */
  async receipt(runId: string): Promise<Uint8Array> {
    const response = await this.host.call(`/api/v1/runs/${segment(runId)}/receipt`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** What a submission would be, worked out by the Jupyter host. Nothing leaves it. */
  preview(asked: Asked): Promise<Preview> {
    return this.host.command('submit', { ...asked, dryRun: true });
  }

  /** Signs and submits, if it is still the program with this image digest. */
  submit(asked: Asked, imageDigest: string): Promise<Submitted> {
    return this.host.command('submit', { ...asked, expect: imageDigest });
  }

  /** Opens a run's outputs with the person's key; into `folder` of the workspace if one is given. */
  open(runId: string, folder?: string): Promise<Opened> {
    return this.host.command('results', folder === undefined ? { run: runId } : { run: runId, to: folder });
  }

  /** Fetches signed stand-ins into the local cache that kernels read. */
  fetchStandIns(datasets: readonly string[]): Promise<void> {
    return this.host.command('stand-ins', { datasets });
  }

  private async get<T>(path: string): Promise<T> {
    return this.json(path, {});
  }

  private post<T>(path: string, json: unknown = {}): Promise<T> {
    // The same key on a repeated call lets the server answer instead of doing it twice.
    return this.json(path, { method: 'POST', json, headers: { 'idempotency-key': UUID.uuid4() } });
  }

  private async json<T>(path: string, options: CallOptions): Promise<T> {
    const response = await this.host.call(`/api${path}`, options);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async all<T>(path: string): Promise<readonly T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.get(cursor === undefined ? path : `${path}?cursor=${segment(cursor)}`);
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return items;
  }
}
