import { VDomModel } from '@jupyterlab/ui-components';
import { computeChoices, type ComputeChoice } from './compute.js';
import { Debouncer } from '@lumino/polling';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { SubmissionRequestOptions, Asset, MachineSize, SubmissionPreview } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';
import type { SubmissionDraft } from './draft.js';

/** The choices in the submit dialog, and a preview of the submission: its image digest and the approvals that it needs. */
export class SubmitModel extends VDomModel {
  private offered: readonly Asset[] = [];
  private readonly datasets: Set<string>;
  private readonly files: Set<string>;
  private asNextRevision: boolean;
  private chosenPurpose = '';
  private parametersText = '{}';
  private chosenCompute = 0;
  private machines: readonly MachineSize[] = [];
  private result: SubmissionPreview | undefined;
  private lastProblem: ProblemError | undefined;
  private working = true;
  /** Counts the changes, so that a preview of older choices is discarded. */
  private generation = 0;
  private readonly updatePreviewLater: Debouncer;

  constructor(
    private readonly session: CleanRoomSession,
    readonly draft: SubmissionDraft
  ) {
    super();
    this.datasets = new Set(draft.datasets);
    this.files = new Set(draft.files.filter(({ used }) => used).map(({ path }) => path));
    this.asNextRevision = draft.predecessor !== undefined;
    this.updatePreviewLater = new Debouncer(() => this.updatePreview(), 400);
  }

  /** The datasets that are available to the party. */
  get assets(): readonly Asset[] {
    return this.offered;
  }

  /** The selected datasets. */
  get chosen(): readonly Asset[] {
    return this.offered.filter(({ name }) => this.datasets.has(name));
  }

  /** The datasets that the notebook opens and that are not available to the party. */
  get unavailable(): readonly string[] {
    return this.draft.datasets.filter(name => !this.offered.some(asset => asset.name === name));
  }

  /** The purposes for which all selected datasets can be used. */
  get purposes(): readonly string[] {
    const chosen = this.chosen.length > 0 ? this.chosen : this.offered;
    const [first, ...others] = chosen.map(asset => asset.policy.purposes);
    return this.chosen.length > 0
      ? (first ?? []).filter(purpose => others.every(list => list.includes(purpose)))
      : [...new Set([...(first ?? []), ...others.flat()])];
  }

  /** The selected purpose; empty if there is none. */
  get purpose(): string {
    return this.chosenPurpose;
  }

  /** The parameters as the person wrote them. */
  get parameters(): string {
    return this.parametersText;
  }

  /** The machine sizes, each with the reason why it cannot be selected, if there is one. */
  get computeChoices(): readonly ComputeChoice[] {
    return computeChoices(this.machines, this.chosen);
  }

  /** The index of the selected machine size. */
  get compute(): number {
    return this.chosenCompute;
  }

  /** Whether this is the next revision of an earlier submission, which answers a request for changes. */
  get isNextRevision(): boolean {
    return this.asNextRevision;
  }

  /** The preview of the submission; undefined until it has been computed. */
  get preview(): SubmissionPreview | undefined {
    return this.result;
  }

  /** The reason why the notebook cannot be submitted; undefined if there is none. */
  get problem(): ProblemError | undefined {
    return this.lastProblem;
  }

  /** Whether the preview is being computed. */
  get isWorking(): boolean {
    return this.working;
  }

  /** Whether the parameters are a JSON object. */
  get parametersAreValid(): boolean {
    try {
      const value: unknown = JSON.parse(this.parametersText);
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  }

  /** Whether all choices are made and the preview is the one of exactly these choices. */
  get isReady(): boolean {
    return !this.working && this.result !== undefined && this.isComplete;
  }

  /** Returns a party's title. */
  titleOf(party: string): string {
    return this.session.titleOf(party);
  }

  /** Returns whether a file is selected. */
  isFileChosen(path: string): boolean {
    return this.files.has(path);
  }

  /** Returns whether a dataset is selected. */
  isDatasetChosen(name: string): boolean {
    return this.datasets.has(name);
  }

  /** Selects or deselects a dataset. */
  toggleDataset(name: string): void {
    if (!this.datasets.delete(name)) this.datasets.add(name);
    this.keepCompute();
    this.changed();
  }

  /** Selects or deselects a file. */
  toggleFile(path: string): void {
    if (!this.files.delete(path)) this.files.add(path);
    this.changed();
  }

  /** Chooses between a next revision and a new submission. */
  chooseNextRevision(chosen: boolean): void {
    this.asNextRevision = chosen;
    this.changed();
  }

  /** Selects a purpose. */
  choosePurpose(purpose: string): void {
    this.chosenPurpose = purpose;
    this.changed();
  }

  /** Sets the text of the parameters. */
  writeParameters(text: string): void {
    this.parametersText = text;
    this.changed();
  }

  /** Selects a machine size by its index. */
  chooseCompute(index: number): void {
    this.chosenCompute = index;
    this.changed();
  }

  /** Returns the choices as options for the `clean-room` command. */
  options(): SubmissionRequestOptions {
    const choice = this.computeChoices[this.chosenCompute];
    if (choice === undefined) throw new RangeError('There is no such machine size.');
    const { compute } = choice;
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

  /** Loads the available datasets and computes the first preview. */
  async load(): Promise<void> {
    try {
      this.offered = await (await this.session.client()).assets();
      for (const name of this.unavailable) this.datasets.delete(name);
      this.keepPurpose();
      this.keepCompute();
      await this.updatePreview();
    } catch (error) {
      this.fail(error);
    }
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.updatePreviewLater.dispose();
    super.dispose();
  }

  private get isComplete(): boolean {
    const choice = this.computeChoices[this.chosenCompute];
    const isPossible = choice !== undefined && choice.limit === undefined;
    return this.chosenPurpose !== '' && this.parametersAreValid && isPossible;
  }

  /** Clears the purpose if the selected datasets do not allow it. Selects the purpose if only one is possible. */
  private keepPurpose(): void {
    const { purposes } = this;
    if (!purposes.includes(this.chosenPurpose))
      this.chosenPurpose = purposes.length === 1 ? (purposes[0] ?? '') : '';
  }

  /** Selects the first machine size that is possible, unless the selected one is. */
  private keepCompute(): void {
    const choices = this.computeChoices;
    if (choices[this.chosenCompute]?.limit === undefined) return;
    const possible = choices.findIndex(({ limit }) => limit === undefined);
    if (possible >= 0) this.chosenCompute = possible;
  }

  private changed(): void {
    this.keepPurpose();
    this.result = undefined;
    this.lastProblem = undefined;
    this.working = this.isComplete;
    this.generation += 1;
    this.stateChanged.emit();
    // The debouncer rejects a call that a newer one replaces.
    this.updatePreviewLater.invoke().catch(() => undefined);
  }

  private async updatePreview(): Promise<void> {
    const { generation } = this;
    this.working = true;
    this.stateChanged.emit();
    try {
      const machines = await (await this.session.client()).machines([...this.datasets].sort());
      if (!this.isCurrent(generation)) return;
      this.machines = machines;
      this.keepCompute();
      if (!this.isComplete) {
        this.working = false;
        this.stateChanged.emit();
        return;
      }
      const preview = await this.session.host.preview(this.options());
      if (!this.isCurrent(generation)) return;
      this.result = preview;
      this.working = false;
      this.stateChanged.emit();
    } catch (error) {
      if (this.isCurrent(generation)) this.fail(error);
    }
  }

  /** Returns whether the choices have not changed since a generation. */
  private isCurrent(generation: number): boolean {
    return generation === this.generation && !this.isDisposed;
  }

  private fail(error: unknown): void {
    this.lastProblem = asProblem(error);
    this.working = false;
    this.stateChanged.emit();
  }
}
