import { VDomModel } from '@jupyterlab/ui-components';
import type { Decision, SubmissionSummary } from '../../../packages/api/src/coordinator/submissions.js';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { Asset, RevisionView, SubmissionView } from '../api/types.js';
import type { DatasetsModel } from '../datasets/model.js';
import { cellsOf, type ShownCell } from '../notebook/cells.js';
import type { RunsModel } from '../runs/model.js';
import type { CleanRoomSession } from '../session/session.js';
import type { Entry } from '../shared/status.js';

/** A submission as it is looked at: the newest revision, its notebook as it was submitted. */
export interface OpenedRevision {
  readonly submission: SubmissionView;
  readonly revision: RevisionView;
  readonly cells: readonly ShownCell[];
}

export interface Rebuilt {
  readonly equal: boolean;
  readonly image: string;
}

const isOpen = ({ revision }: SubmissionSummary): boolean => revision.state === 'submitted';

/** What waits for this party, what it waits for, what is done; and one submission to look at. */
export class ReviewModel extends VDomModel {
  private selectedId: string | undefined;
  private current: OpenedRevision | undefined;
  private trouble: ProblemError | undefined;
  private rebuiltImage: Rebuilt | 'working' | undefined;
  private acting = false;
  private generation = 0;

  constructor(
    readonly session: CleanRoomSession,
    readonly runs: RunsModel,
    readonly datasets: DatasetsModel
  ) {
    super();
    runs.stateChanged.connect(() => this.stateChanged.emit(), this);
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onChange, this);
  }

  get selected(): string | undefined {
    return this.selectedId;
  }

  get opened(): OpenedRevision | undefined {
    return this.current;
  }

  get problem(): ProblemError | undefined {
    return this.session.problem ?? this.trouble;
  }

  get rebuilt(): Rebuilt | 'working' | undefined {
    return this.rebuiltImage;
  }

  /** A decision or comment is under way. */
  get isActing(): boolean {
    return this.acting;
  }

  /** What this party still has to decide on. */
  get waitingForMe(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => isOpen(submission) && this.mine(submission));
  }

  get waitingForOthers(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => isOpen(submission) && !this.mine(submission));
  }

  get done(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => !isOpen(submission));
  }

  /** What is open, with its runs, as the lists have it. */
  get entry(): Entry | undefined {
    return this.runs.all.find(({ submission }) => submission.id === this.selectedId);
  }

  /** This party's own decision on what is open; undefined where it has none to take. */
  get decision(): Decision | undefined {
    const party = this.session.acting?.party;
    return this.current?.revision.decisions.find(({ provider }) => provider === party);
  }

  get mayDecide(): boolean {
    return (
      this.session.may('reviewer') &&
      this.decision?.state === 'pending' &&
      this.current?.revision.state === 'submitted'
    );
  }

  /** Where this party approves: on its custodian's own origin, never here. */
  get approvalPage(): string | undefined {
    const party = this.session.acting?.party;
    const origin = party === undefined ? undefined : this.session.custodianOf(party)?.origin;
    if (origin === undefined || this.current === undefined || !/^https?:\/\//.test(origin)) return undefined;
    return `${origin}/approve/${encodeURIComponent(this.current.submission.id)}`;
  }

  /** The datasets asked for, as their providers offer them now. */
  get assets(): readonly Asset[] {
    const names = this.current?.revision.assets ?? [];
    return names.flatMap(name => this.datasets.byName(name) ?? []);
  }

  async select(id: string): Promise<void> {
    if (id !== this.selectedId) {
      this.selectedId = id;
      this.current = undefined;
      this.rebuiltImage = undefined;
      this.stateChanged.emit();
    }
    await this.load();
  }

  async load(): Promise<void> {
    const id = this.selectedId;
    if (id === undefined) return;
    this.generation += 1;
    const { generation } = this;
    try {
      await this.session.ready;
      const client = await this.session.client();
      const submission = await client.submission(id);
      const revision = submission.revisions.at(-1);
      if (revision === undefined || generation !== this.generation) return;
      const known =
        this.current?.revision.specDigest === revision.specDigest ? this.current.cells : undefined;
      const cells = known ?? cellsOf(JSON.parse(await client.file(id, revision.number, revision.notebook)));
      if (generation !== this.generation) return;
      this.current = { submission, revision, cells };
      this.trouble = undefined;
    } catch (error) {
      if (generation === this.generation) this.trouble = asProblem(error);
    }
    this.stateChanged.emit();
  }

  /** The text of one file of what is open. */
  async file(path: string): Promise<string> {
    if (this.current === undefined) return '';
    const { submission, revision } = this.current;
    return (await this.session.client()).file(submission.id, revision.number, path);
  }

  /** Has the image packed anew from the submitted files, and compares. */
  async rebuild(): Promise<void> {
    if (this.current === undefined || this.rebuiltImage === 'working') return;
    const { submission, revision } = this.current;
    this.rebuiltImage = 'working';
    this.stateChanged.emit();
    try {
      const client = await this.session.client();
      const { rebuilt } = await client.rebuild(submission.id, revision.number);
      // Compared here too: the answer's own word for it would be the operator's.
      this.rebuiltImage = { image: rebuilt, equal: rebuilt === revision.image };
    } catch (error) {
      this.rebuiltImage = undefined;
      this.trouble = asProblem(error);
    }
    this.stateChanged.emit();
  }

  comment(text: string): Promise<boolean> {
    return this.act(async (client, id) => client.comment(id, text));
  }

  requestChanges(reason: string): Promise<boolean> {
    return this.act(async (client, id) => client.requestChanges(id, reason));
  }

  reject(reason: string): Promise<boolean> {
    return this.act(async (client, id) => client.reject(id, reason));
  }

  private mine({ revision }: SubmissionSummary): boolean {
    const party = this.session.acting?.party;
    return (
      this.session.may('reviewer') &&
      revision.decisions.some(({ provider, state }) => provider === party && state === 'pending')
    );
  }

  /** @returns whether it was done; why not stands in `problem` */
  private async act(
    task: (client: Awaited<ReturnType<CleanRoomSession['client']>>, id: string) => Promise<unknown>
  ): Promise<boolean> {
    if (this.selectedId === undefined || this.acting) return false;
    this.acting = true;
    this.stateChanged.emit();
    try {
      await task(await this.session.client(), this.selectedId);
      await this.load();
      return true;
    } catch (error) {
      this.trouble = asProblem(error);
      return false;
    } finally {
      this.acting = false;
      this.stateChanged.emit();
    }
  }

  private onSession(): void {
    if (this.session.acting !== undefined && this.selectedId !== undefined) void this.load();
    this.stateChanged.emit();
  }

  private onChange(_: unknown, change: Change): void {
    if (change.topic === 'submission' && change.submission === this.selectedId) void this.load();
  }
}
