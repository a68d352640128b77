import { VDomModel } from '@jupyterlab/ui-components';
import type { Run } from '@clean-room/api/coordinator';
import { asProblem, type ProblemError } from '../api/problem.js';
import { cellsOf, type ShownCell } from '../notebook/cells.js';
import type { CleanRoomSession } from '../session/session.js';
import { verifyInBrowser, type VerifiedReceipt } from '../verification/verify.js';

/** The result of a run. The receipt is verified in the browser; the outputs are opened on the Jupyter server. */
export class ResultModel extends VDomModel {
  private loadedRun: Run | undefined;
  private shownCells: readonly ShownCell[] | undefined;
  private verifiedReceipt: VerifiedReceipt | undefined;
  private receiptBytes: Uint8Array | undefined;
  private lastProblem: ProblemError | undefined;
  private working = false;

  constructor(
    readonly session: CleanRoomSession,
    readonly runId: string
  ) {
    super();
  }

  /** The run; undefined until it has been loaded. */
  get run(): Run | undefined {
    return this.loadedRun;
  }

  /** The cells with their outputs; undefined until they have been opened. */
  get cells(): readonly ShownCell[] | undefined {
    return this.shownCells;
  }

  /** The verified receipt; undefined until it has been verified. */
  get verified(): VerifiedReceipt | undefined {
    return this.verifiedReceipt;
  }

  /** The bytes of the receipt; undefined until it has been downloaded. */
  get receipt(): Uint8Array | undefined {
    return this.receiptBytes;
  }

  /** The reason why the result cannot be shown; undefined when it can. */
  get problem(): ProblemError | undefined {
    return this.lastProblem;
  }

  /** Whether the result is being loaded or verified. */
  get isWorking(): boolean {
    return this.working;
  }

  /** The numbers of outputs that were returned, are held for review, and were suppressed. */
  get counts(): { readonly returned: number; readonly held: number; readonly suppressed: number } {
    const verdicts = (this.shownCells ?? []).flatMap(cell => cell.outputs.map(({ mark }) => mark?.verdict));
    const count = (kind: string): number => verdicts.filter(verdict => verdict === kind).length;
    return {
      returned: verdicts.length - count('held') - count('suppressed'),
      held: count('held'),
      suppressed: count('suppressed')
    };
  }

  /** Verifies the receipt, and opens the outputs unless the verification fails. */
  async load(): Promise<void> {
    await this.work(async () => {
      await this.session.ready;
      this.loadedRun = await (await this.session.client()).run(this.runId);
      await this.verify();
      if (this.verifiedReceipt?.appraisal.outcome === 'failed') return;
      this.shownCells = cellsOf((await this.session.host.open(this.runId, this.party)).notebook);
    });
  }

  /** Downloads the receipt again and repeats all checks. */
  async verifyAgain(): Promise<void> {
    await this.work(() => this.verify());
  }

  /**
   * Writes notebook and receipt to a folder in the workspace.
   *
   * @returns the path of the notebook in the workspace
   */
  async openInWorkspace(folder: string): Promise<string> {
    const { file } = await this.session.host.open(this.runId, this.party, folder);
    return `${folder}/${file?.split(/[/\\]/).at(-1) ?? ''}`;
  }

  private get party(): string {
    return this.session.acting?.party ?? '';
  }

  private async verify(): Promise<void> {
    this.receiptBytes = await (await this.session.client()).receipt(this.runId);
    this.verifiedReceipt = await verifyInBrowser(this.receiptBytes, await this.session.host.trust());
  }

  private async work(task: () => Promise<void>): Promise<void> {
    this.working = true;
    this.lastProblem = undefined;
    this.stateChanged.emit();
    try {
      await task();
    } catch (error) {
      this.lastProblem = asProblem(error);
    }
    this.working = false;
    this.stateChanged.emit();
  }
}
