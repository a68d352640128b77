import { VDomModel } from '@jupyterlab/ui-components';
import { Debouncer } from '@lumino/polling';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { SubmissionRequestOptions, Asset, SubmissionPreview } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';
import { COMPUTE } from './compute.js';
import type { SubmissionDraft } from './draft.js';

/** What is asked for in the submit dialog, and what it would be: the image digest, and who has to approve. */
export class SubmitModel extends VDomModel {
  private offered: readonly Asset[] = [];
  private readonly datasets: Set<string>;
  private readonly files: Set<string>;
  private asNextRevision: boolean;
  private chosenPurpose = '';
  private parametersText = '{}';
  private chosenCompute = 0;
  private result: SubmissionPreview | undefined;
  private trouble: ProblemError | undefined;
  private working = true;
  private generation = 0;
  private readonly later: Debouncer;

  constructor(
    private readonly session: CleanRoomSession,
    readonly draft: SubmissionDraft
  ) {
    super();
    this.datasets = new Set(draft.datasets);
    this.files = new Set(draft.files.filter(({ used }) => used).map(({ path }) => path));
    this.asNextRevision = draft.predecessor !== undefined;
    this.later = new Debouncer(() => this.work(), 400);
  }

  get assets(): readonly Asset[] {
    return this.offered;
  }

  get chosen(): readonly Asset[] {
    return this.offered.filter(({ name }) => this.datasets.has(name));
  }

  /** Datasets that the notebook opens and nobody offers to this party. */
  get unknown(): readonly string[] {
    return this.draft.datasets.filter(name => !this.offered.some(asset => asset.name === name));
  }

  /** Purposes that every chosen dataset may be used for. */
  get purposes(): readonly string[] {
    const chosen = this.chosen.length > 0 ? this.chosen : this.offered;
    const [first, ...others] = chosen.map(asset => asset.policy.purposes);
    return this.chosen.length > 0
      ? (first ?? []).filter(purpose => others.every(list => list.includes(purpose)))
      : [...new Set([...(first ?? []), ...others.flat()])];
  }

  get purpose(): string {
    return this.chosenPurpose;
  }

  get parameters(): string {
    return this.parametersText;
  }

  get compute(): number {
    return this.chosenCompute;
  }

  /** Whether it answers a provider's wish for changes, rather than being a submission of its own. */
  get isNextRevision(): boolean {
    return this.asNextRevision;
  }

  get preview(): SubmissionPreview | undefined {
    return this.result;
  }

  get problem(): ProblemError | undefined {
    return this.trouble;
  }

  get isWorking(): boolean {
    return this.working;
  }

  get parametersAreValid(): boolean {
    try {
      const value: unknown = JSON.parse(this.parametersText);
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  }

  /** Everything is said, and what would be submitted has been worked out from exactly that. */
  get isReady(): boolean {
    return !this.working && this.result !== undefined && this.isComplete;
  }

  titleOf(party: string): string {
    return this.session.titleOf(party);
  }

  isFileChosen(path: string): boolean {
    return this.files.has(path);
  }

  isDatasetChosen(name: string): boolean {
    return this.datasets.has(name);
  }

  toggleDataset(name: string): void {
    if (!this.datasets.delete(name)) this.datasets.add(name);
    this.changed();
  }

  toggleFile(path: string): void {
    if (!this.files.delete(path)) this.files.add(path);
    this.changed();
  }

  chooseNextRevision(chosen: boolean): void {
    this.asNextRevision = chosen;
    this.changed();
  }

  choosePurpose(purpose: string): void {
    this.chosenPurpose = purpose;
    this.changed();
  }

  writeParameters(text: string): void {
    this.parametersText = text;
    this.changed();
  }

  chooseCompute(index: number): void {
    this.chosenCompute = index;
    this.changed();
  }

  asked(): SubmissionRequestOptions {
    const compute = COMPUTE[this.chosenCompute] ?? COMPUTE[0];
    if (compute === undefined) throw new RangeError('No compute size is offered.');
    return {
      notebook: this.draft.notebook,
      files: [...this.files].sort(),
      datasets: [...this.datasets].sort(),
      purpose: this.chosenPurpose,
      parameters: this.parametersText,
      compute,
      party: this.session.acting?.party ?? '',
      ...(this.asNextRevision && this.draft.predecessor !== undefined
        ? { revisionOf: this.draft.predecessor.id }
        : {})
    };
  }

  async load(): Promise<void> {
    try {
      this.offered = await (await this.session.client()).assets();
      for (const name of this.unknown) this.datasets.delete(name);
      this.keepPurpose();
      await this.work();
    } catch (error) {
      this.fail(error);
    }
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.later.dispose();
    super.dispose();
  }

  private get isComplete(): boolean {
    return this.chosenPurpose !== '' && this.parametersAreValid;
  }

  private keepPurpose(): void {
    const { purposes } = this;
    if (!purposes.includes(this.chosenPurpose))
      this.chosenPurpose = purposes.length === 1 ? (purposes[0] ?? '') : '';
  }

  private changed(): void {
    this.keepPurpose();
    this.result = undefined;
    this.trouble = undefined;
    this.working = this.isComplete;
    this.generation += 1;
    this.stateChanged.emit();
    // A newer change takes the place of one that still waits; its rejection says just that.
    this.later.invoke().catch(() => undefined);
  }

  private async work(): Promise<void> {
    const { generation } = this;
    this.working = this.isComplete;
    this.stateChanged.emit();
    if (!this.isComplete) return;
    try {
      const preview = await this.session.host.preview(this.asked());
      if (generation !== this.generation || this.isDisposed) return;
      this.result = preview;
      this.working = false;
      this.stateChanged.emit();
    } catch (error) {
      if (generation === this.generation && !this.isDisposed) this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.trouble = asProblem(error);
    this.working = false;
    this.stateChanged.emit();
  }
}
