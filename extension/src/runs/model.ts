import { VDomModel } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import type { Run, RunSummary, SubmissionSummary } from '@clean-room/api/coordinator';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { SubmissionView } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';
import { hasEnded, type Entry } from '../shared/status.js';

/** All submissions that the party can see, each with its runs. The session's feed keeps them up to date. */
export class RunsModel extends VDomModel {
  private submissions: readonly SubmissionSummary[] = [];
  private runs: readonly RunSummary[] = [];
  private readonly details = new Map<string, NonNullable<Entry['detail']> | undefined>();
  private readonly reload: Throttler;
  private readonly cancelling = new Set<string>();
  private lastProblem: ProblemError | undefined;
  private ready = false;
  private filterText = '';
  private party: string | undefined;

  constructor(readonly session: CleanRoomSession) {
    super();
    this.reload = new Throttler(() => this.load(), { limit: 400, edge: 'trailing' });
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onChange, this);
  }

  /** All submissions, newest first. */
  get all(): readonly Entry[] {
    return this.submissions.map(submission => ({
      submission,
      runs: this.runs.filter(run => run.submission === submission.id),
      detail: this.details.get(submission.id)
    }));
  }

  /** The submissions whose notebook or purpose contains the filter's text. */
  get entries(): readonly Entry[] {
    const text = this.filterText.toLowerCase();
    return this.all.filter(({ submission: { revision } }) =>
      [revision.notebook, revision.purpose].some(part => part.toLowerCase().includes(text))
    );
  }

  /** Whether the list has been loaded. */
  get isReady(): boolean {
    return this.ready;
  }

  /** The reason why the list is not up to date; undefined when it is. */
  get problem(): ProblemError | undefined {
    return this.session.problem ?? this.lastProblem;
  }

  /** The text that the shown submissions contain. */
  get filter(): string {
    return this.filterText;
  }

  set filter(text: string) {
    this.filterText = text;
    this.stateChanged.emit();
  }

  /** The number of active runs, and of submissions and outputs that a person of this party must review. */
  get counts(): { readonly running: number; readonly waiting: number } {
    const me = this.session.acting?.party;
    const running = this.runs.filter(run => !hasEnded(run) && run.state !== 'output-review').length;
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

  /** Returns a run by its id. */
  run(id: string): RunSummary | undefined {
    return this.runs.find(run => run.id === id);
  }

  /** Returns whether the cancellation of a run was requested and not yet confirmed. */
  isCancelling(runId: string): boolean {
    return this.cancelling.has(runId);
  }

  /** Returns whether a submission's history is shown. */
  isOpen(submissionId: string): boolean {
    return this.details.has(submissionId);
  }

  /** Shows or hides the history of a submission. While it is shown, it is kept up to date. */
  toggle(submissionId: string): void {
    if (this.details.delete(submissionId)) this.stateChanged.emit();
    else void this.loadDetail(submissionId);
  }

  /** Cancels a run. Until the coordinator confirms it, the run is shown as stopping. */
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

  /** Withdraws a submission. */
  async withdraw(submissionId: string): Promise<void> {
    await (await this.session.client()).withdraw(submissionId);
    await this.load();
  }

  /** Starts another run of an approved submission. */
  async runAgain(submissionId: string): Promise<void> {
    await (await this.session.client()).startRun(submissionId);
    await this.load();
  }

  /** Loads the list, and the details of the submissions whose history is shown. */
  async load(): Promise<void> {
    const acting = this.session.acting?.party;
    if (acting === undefined) return;
    try {
      const client = await this.session.client();
      const [submissions, runs] = await Promise.all([client.submissions(), client.runs()]);
      if (this.isDisposed || acting !== this.session.acting?.party) return;
      this.submissions = submissions;
      this.runs = runs;
      this.lastProblem = undefined;
      this.ready = true;
      this.stateChanged.emit();
      await Promise.all([...this.details.keys()].map(id => this.loadDetail(id)));
    } catch (error) {
      this.lastProblem = asProblem(error);
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
      this.lastProblem = asProblem(error);
    }
    this.stateChanged.emit();
  }

  private readonly onSession = (): void => {
    const acting = this.session.acting?.party;
    if (acting !== this.party) {
      // Never show one party's submissions while the person acts for another party.
      this.party = acting;
      this.submissions = [];
      this.runs = [];
      this.details.clear();
      this.ready = false;
    }
    this.stateChanged.emit();
    void this.reload.invoke();
  };

  private readonly onChange = (_: unknown, change: Change): void => {
    if (change.topic === 'run' && change.cell !== undefined) this.advance(change);
    else if (change.topic !== 'asset') void this.reload.invoke();
  };

  /** Updates the number of the running cell. The event contains it, so nothing is loaded. */
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
