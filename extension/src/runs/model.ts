import { VDomModel } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import { isFinal, RUN_MOVES } from '@clean-room/protocol/runs';
import { asProblem, type CleanRoomEvent, type Problem, type Run, type SubmissionSummary } from '../api/index.js';
import type { Session } from '../session/session.js';
import type { Entry } from '../shared/status.js';

/** Every submission that the party sees, each with its runs; kept up to date by the session's feed. */
export class RunsModel extends VDomModel {
  private submissions: readonly SubmissionSummary[] = [];
  private runs: ReadonlyMap<string, Run> = new Map();
  private readonly reload: Throttler;
  private readonly cancelling = new Set<string>();
  private trouble: Problem | undefined;
  private ready = false;
  private text = '';

  constructor(readonly session: Session) {
    super();
    this.reload = new Throttler(() => this.load(), { limit: 500, edge: 'trailing' });
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onEvent, this);
  }

  /** Newest first; only those that the filter leaves. */
  get entries(): readonly Entry[] {
    const wanted = this.text.toLowerCase();
    return this.all().filter(({ submission }) =>
      [submission.notebook, submission.purpose, submission.submittedBy].some(part => part.toLowerCase().includes(wanted))
    );
  }

  get isReady(): boolean {
    return this.ready;
  }

  get problem(): Problem | undefined {
    return this.session.problem ?? this.trouble;
  }

  get filter(): string {
    return this.text;
  }

  set filter(text: string) {
    this.text = text;
    this.stateChanged.emit();
  }

  run(id: string): Run | undefined {
    return this.runs.get(id);
  }

  get running(): number {
    return [...this.runs.values()].filter(run => !isFinal(RUN_MOVES, run.state) && run.state !== 'output-review').length;
  }

  isCancelling(runId: string): boolean {
    return this.cancelling.has(runId);
  }

  /** Asks the server to stop a run; until its state says so, the run shows as stopping. */
  async cancel(runId: string): Promise<void> {
    if (this.cancelling.has(runId)) return;
    this.cancelling.add(runId);
    this.stateChanged.emit();
    try {
      await this.session.client.cancelRun(runId);
      await this.loadRun(runId);
    } finally {
      this.cancelling.delete(runId);
      this.stateChanged.emit();
    }
  }

  async withdraw(submissionId: string): Promise<void> {
    await this.session.client.withdraw(submissionId);
    await this.load();
  }

  async load(): Promise<void> {
    if (this.session.acting === undefined) return;
    const { client } = this.session;
    try {
      const [submissions, runs] = await Promise.all([client.submissions(), client.runs()]);
      this.submissions = submissions;
      this.runs = new Map(runs.map(run => [run.id, run]));
      this.trouble = undefined;
      this.ready = true;
    } catch (error) {
      this.trouble = asProblem(error);
    }
    this.stateChanged.emit();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.reload.dispose();
    super.dispose();
  }

  private all(): Entry[] {
    const runs = [...this.runs.values()].sort((a, b) => b.queuedAt.localeCompare(a.queuedAt));
    return [...this.submissions]
      .sort((a, b) => b.submittedAt.localeCompare(a.submittedAt))
      .map(submission => ({ submission, runs: runs.filter(run => run.submissionId === submission.id) }));
  }

  private async loadRun(id: string): Promise<void> {
    const run = await this.session.client.run(id);
    this.runs = new Map(this.runs).set(run.id, run);
    this.stateChanged.emit();
  }

  private onSession(): void {
    void this.reload.invoke();
  }

  private onEvent(_: unknown, event: CleanRoomEvent | 'refresh'): void {
    if (event === 'refresh' || event.type === 'asset') return;
    // A run that is known moves often and alone; everything else changes the list.
    if (event.type === 'run' && this.runs.has(event.id)) {
      this.loadRun(event.id).catch(() => this.reload.invoke());
    } else {
      void this.reload.invoke();
    }
  }
}
