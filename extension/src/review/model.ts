import { VDomModel } from '@jupyterlab/ui-components';
import type { Decision, SubmissionSummary } from '@clean-room/api/coordinator';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { Asset, RevisionView, SubmissionView } from '../api/types.js';
import type { DatasetsModel } from '../datasets/model.js';
import { cellsOf, type ShownCell } from '../notebook/cells.js';
import type { RunsModel } from '../runs/model.js';
import type { CleanRoomSession } from '../session/session.js';
import type { Entry } from '../shared/status.js';

/** The shown submission and its newest revision, with the cells of the submitted notebook. */
export interface OpenedRevision {
  readonly submission: SubmissionView;
  readonly revision: RevisionView;
  readonly cells: readonly ShownCell[];
}

/** The result of building the image again. */
export interface Rebuilt {
  readonly equal: boolean;
  readonly image: string;
}

const isOpen = ({ revision }: SubmissionSummary): boolean => revision.state === 'submitted';

/** The submissions for review, by whose decision they wait for, and the one that is shown. */
export class ReviewModel extends VDomModel {
  private selectedId: string | undefined;
  private current: OpenedRevision | undefined;
  private lastProblem: ProblemError | undefined;
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

  /** The id of the selected submission. */
  get selected(): string | undefined {
    return this.selectedId;
  }

  /** The selected submission; undefined until it has been loaded. */
  get opened(): OpenedRevision | undefined {
    return this.current;
  }

  /** The reason why something could not be loaded or done; undefined when there is none. */
  get problem(): ProblemError | undefined {
    return this.session.problem ?? this.lastProblem;
  }

  /** The result of building the image again; undefined if the person has not asked for it. */
  get rebuilt(): Rebuilt | 'working' | undefined {
    return this.rebuiltImage;
  }

  /** Whether a decision or a comment is being sent. */
  get isActing(): boolean {
    return this.acting;
  }

  /** The submissions that wait for a decision which the person can make for the party. */
  get waitingForMe(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => isOpen(submission) && this.isWaitingForMe(submission));
  }

  /** The submissions that wait for a decision which the person cannot make. */
  get waitingForOthers(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => isOpen(submission) && !this.isWaitingForMe(submission));
  }

  /** The submissions that do not wait for a decision. */
  get done(): readonly Entry[] {
    return this.runs.all.filter(({ submission }) => !isOpen(submission));
  }

  /** The selected submission with its runs, as in the list. */
  get entry(): Entry | undefined {
    return this.runs.all.find(({ submission }) => submission.id === this.selectedId);
  }

  /** The party's own decision on the shown revision; undefined when the party does not decide about it. */
  get decision(): Decision | undefined {
    const party = this.session.acting?.party;
    return this.current?.revision.decisions.find(({ provider }) => provider === party);
  }

  /** Whether the person can decide on the shown revision. */
  get mayDecide(): boolean {
    return (
      this.session.may('reviewer') &&
      this.decision?.state === 'pending' &&
      this.current?.revision.state === 'submitted'
    );
  }

  /** The address at which this party approves: on its custodian's own origin, never in JupyterLab. */
  get approvalPage(): string | undefined {
    const party = this.session.acting?.party;
    const origin = party === undefined ? undefined : this.session.custodianOf(party)?.origin;
    if (origin === undefined || this.current === undefined || !/^https?:\/\//.test(origin)) return undefined;
    return `${origin}/approve/${encodeURIComponent(this.current.submission.id)}`;
  }

  /** The revision's datasets, in the versions that their providers offer now. */
  get assets(): readonly Asset[] {
    const names = this.current?.revision.assets ?? [];
    return names.flatMap(name => this.datasets.byName(name) ?? []);
  }

  /** Selects a submission and loads it. */
  async select(id: string): Promise<void> {
    if (id !== this.selectedId) {
      this.selectedId = id;
      this.current = undefined;
      this.rebuiltImage = undefined;
      this.stateChanged.emit();
    }
    await this.load();
  }

  /** Loads the newest revision of the selected submission. */
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
      this.lastProblem = undefined;
    } catch (error) {
      if (generation === this.generation) this.lastProblem = asProblem(error);
    }
    this.stateChanged.emit();
  }

  /** Returns the text of one file of the shown revision. */
  async file(path: string): Promise<string> {
    if (this.current === undefined) return '';
    const { submission, revision } = this.current;
    return (await this.session.client()).file(submission.id, revision.number, path);
  }

  /** Asks the coordinator to build the image again from the submitted files, and compares the digests. */
  async rebuild(): Promise<void> {
    if (this.current === undefined || this.rebuiltImage === 'working') return;
    const { submission, revision } = this.current;
    this.rebuiltImage = 'working';
    this.stateChanged.emit();
    try {
      const client = await this.session.client();
      const { rebuilt } = await client.rebuild(submission.id, revision.number);
      // Compare here as well: the `equal` in the response is only the operator's statement.
      this.rebuiltImage = { image: rebuilt, equal: rebuilt === revision.image };
    } catch (error) {
      this.rebuiltImage = undefined;
      this.lastProblem = asProblem(error);
    }
    this.stateChanged.emit();
  }

  /** Sends a comment. Resolves to true if it was sent; if not, `problem` is the reason. */
  comment(text: string): Promise<boolean> {
    return this.act(async (client, id) => client.comment(id, text));
  }

  /** Sends the decision that changes are needed. */
  requestChanges(reason: string): Promise<boolean> {
    return this.act(async (client, id) => client.requestChanges(id, reason));
  }

  /** Sends the decision to reject. */
  reject(reason: string): Promise<boolean> {
    return this.act(async (client, id) => client.reject(id, reason));
  }

  private isWaitingForMe({ revision }: SubmissionSummary): boolean {
    const party = this.session.acting?.party;
    return (
      this.session.may('reviewer') &&
      revision.decisions.some(({ provider, state }) => provider === party && state === 'pending')
    );
  }

  private async act(
    action: (client: Awaited<ReturnType<CleanRoomSession['client']>>, id: string) => Promise<unknown>
  ): Promise<boolean> {
    if (this.selectedId === undefined || this.acting) return false;
    this.acting = true;
    this.stateChanged.emit();
    try {
      await action(await this.session.client(), this.selectedId);
      await this.load();
      return true;
    } catch (error) {
      this.lastProblem = asProblem(error);
      return false;
    } finally {
      this.acting = false;
      this.stateChanged.emit();
    }
  }

  private readonly onSession = (): void => {
    if (this.session.acting !== undefined && this.selectedId !== undefined) void this.load();
    this.stateChanged.emit();
  };

  private readonly onChange = (_: unknown, change: Change): void => {
    if (change.topic === 'submission' && change.submission === this.selectedId) void this.load();
  };
}
