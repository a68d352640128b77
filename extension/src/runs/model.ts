import { VDomModel } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import type { Run, RunSummary } from '../../../packages/api/src/coordinator/runs.js';
import type { SubmissionSummary } from '../../../packages/api/src/coordinator/submissions.js';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { SubmissionView } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';
import type { Entry } from '../shared/status.js';
import { isOver } from './over.js';

/** Every submission that the party sees, each with its runs; kept up to date by the session's feed. */
export class RunsModel extends VDomModel {
  private submissions: readonly SubmissionSummary[] = [];
  private runs: readonly RunSummary[] = [];
  private readonly details = new Map<string, NonNullable<Entry['detail']> | undefined>();
  private readonly reload: Throttler;
  private readonly cancelling = new Set<string>();
  private trouble: ProblemError | undefined;
  private ready = false;
  private text = '';
  private party: string | undefined;

  constructor(readonly session: CleanRoomSession) {
    super();
    this.reload = new Throttler(() => this.load(), { limit: 400, edge: 'trailing' });
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onChange, this);
  }

  /** Newest first. */
  get all(): readonly Entry[] {
    return this.submissions.map(submission => ({
      submission,
      runs: this.runs.filter(run => run.submission === submission.id),
      detail: this.details.get(submission.id)
    }));
  }

  /** Only those that the filter leaves. */
  get entries(): readonly Entry[] {
    const wanted = this.text.toLowerCase();
    return this.all.filter(({ submission: { revision } }) =>
      [revision.notebook, revision.purpose].some(part => part.toLowerCase().includes(wanted))
    );
  }

  get isReady(): boolean {
    return this.ready;
  }

  get problem(): ProblemError | undefined {
    return this.session.problem ?? this.trouble;
  }

  get filter(): string {
    return this.text;
  }

  set filter(text: string) {
    this.text = text;
    this.stateChanged.emit();
  }

  /** How many runs are under way, and how many submissions and outputs wait for a person of this party. */
  get counts(): { readonly running: number; readonly waiting: number } {
    const me = this.session.acting?.party;
    const running = this.runs.filter(run => !isOver(run) && run.state !== 'output-review').length;
    const decisions = this.submissions.filter(
      ({ revision }) =>
        revision.state === 'submitted' &&
        revision.decisions.some(({ provider, state }) => provider === me && state === 'pending')
    ).length;
    const outputs = this.runs.filter(
      run => run.state === 'output-review' && me !== undefined && run.waitingFor.includes(me)
    ).length;
    return { running, waiting: this.session.may('reviewer') ? decisions + outputs : 0 };
  }

  run(id: string): RunSummary | undefined {
    return this.runs.find(run => run.id === id);
  }

  isCancelling(runId: string): boolean {
    return this.cancelling.has(runId);
  }

  isOpen(submissionId: string): boolean {
    return this.details.has(submissionId);
  }

  /** Opens or closes the history of a submission; an open one is kept up to date as well. */
  toggle(submissionId: string): void {
    if (this.details.delete(submissionId)) this.stateChanged.emit();
    else void this.loadDetail(submissionId);
  }

  /** Asks the server to stop a run; until its state says so, the run shows as stopping. */
  async cancel(runId: string): Promise<void> {
    if (this.cancelling.has(runId)) return;
    this.cancelling.add(runId);
    this.stateChanged.emit();
    try {
      await (await this.session.client()).cancelRun(runId);
      await this.load();
    } finally {
      this.cancelling.delete(runId);
      this.stateChanged.emit();
    }
  }

  async withdraw(submissionId: string): Promise<void> {
    await (await this.session.client()).withdraw(submissionId);
    await this.load();
  }

  async runAgain(submissionId: string): Promise<void> {
    await (await this.session.client()).startRun(submissionId);
    await this.load();
  }

  async load(): Promise<void> {
    const acting = this.session.acting?.party;
    if (acting === undefined) return;
    try {
      const client = await this.session.client();
      const [submissions, runs] = await Promise.all([client.submissions(), client.runs()]);
      if (this.isDisposed || acting !== this.session.acting?.party) return;
      this.submissions = submissions;
      this.runs = runs;
      this.trouble = undefined;
      this.ready = true;
      this.stateChanged.emit();
      await Promise.all([...this.details.keys()].map(id => this.loadDetail(id)));
    } catch (error) {
      this.trouble = asProblem(error);
      this.stateChanged.emit();
    }
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.reload.dispose();
    super.dispose();
  }

  private async loadDetail(submissionId: string): Promise<void> {
    this.details.set(submissionId, this.details.get(submissionId));
    this.stateChanged.emit();
    try {
      const client = await this.session.client();
      const submission: SubmissionView = await client.submission(submissionId);
      const newest = this.runs.find(run => run.submission === submissionId);
      const run: Run | undefined = newest && (await client.run(newest.id));
      if (this.details.has(submissionId)) this.details.set(submissionId, { submission, run });
    } catch (error) {
      this.trouble = asProblem(error);
    }
    this.stateChanged.emit();
  }

  private onSession(): void {
    const acting = this.session.acting?.party;
    if (acting !== this.party) {
      // What one party sees is never shown while acting for another.
      this.party = acting;
      this.submissions = [];
      this.runs = [];
      this.details.clear();
      this.ready = false;
    }
    this.stateChanged.emit();
    void this.reload.invoke();
  }

  private onChange(_: unknown, change: Change): void {
    if (change.topic === 'run' && change.cell !== undefined) this.advance(change);
    else if (change.topic !== 'asset') void this.reload.invoke();
  }

  /** A cell's progress is in the event itself: nothing need be asked for. */
  private advance({ run: id, state, cell, cells }: Extract<Change, { topic: 'run' }>): void {
    const known = this.run(id);
    if (known === undefined || known.state !== state) {
      void this.reload.invoke();
      return;
    }
    this.runs = this.runs.map(run => (run.id === id ? { ...run, cell, cells: cells ?? run.cells } : run));
    this.stateChanged.emit();
  }
}
