import { VDomModel } from '@jupyterlab/ui-components';
import type { Run } from '../../../packages/api/src/coordinator/runs.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import { cellsOf, type ShownCell } from '../notebook/cells.js';
import type { CleanRoomSession } from '../session/session.js';
import { verifyHere, type ReceiptAppraisal } from '../verification/verify.js';

/** One run's result: its receipt verified here, its outputs opened on the Jupyter host. */
export class ResultModel extends VDomModel {
  private details: Run | undefined;
  private shown: readonly ShownCell[] | undefined;
  private proof: ReceiptAppraisal | undefined;
  private bytes: Uint8Array | undefined;
  private trouble: ProblemError | undefined;
  private working = false;

  constructor(
    readonly session: CleanRoomSession,
    readonly runId: string
  ) {
    super();
  }

  get run(): Run | undefined {
    return this.details;
  }

  get cells(): readonly ShownCell[] | undefined {
    return this.shown;
  }

  get verdict(): ReceiptAppraisal | undefined {
    return this.proof;
  }

  get receipt(): Uint8Array | undefined {
    return this.bytes;
  }

  get problem(): ProblemError | undefined {
    return this.trouble;
  }

  get isWorking(): boolean {
    return this.working;
  }

  /** How many outputs came back, were held, were suppressed. */
  get counts(): { readonly released: number; readonly held: number; readonly suppressed: number } {
    const verdicts = (this.shown ?? []).flatMap(cell => cell.outputs.map(({ mark }) => mark?.verdict));
    const count = (wanted: string): number => verdicts.filter(verdict => verdict === wanted).length;
    return {
      released: verdicts.length - count('held') - count('suppressed'),
      held: count('held'),
      suppressed: count('suppressed')
    };
  }

  /** Verifies, then opens what came back. Nothing is opened that does not verify. */
  async load(): Promise<void> {
    await this.work(async () => {
      await this.session.ready;
      this.details = await (await this.session.client()).run(this.runId);
      await this.verify();
      if (this.proof?.outcome === 'failed') return;
      this.shown = cellsOf((await this.session.host.open(this.runId, this.party)).notebook);
    });
  }

  /** Fetches the receipt anew and checks all of it again. */
  async verifyAgain(): Promise<void> {
    await this.work(() => this.verify());
  }

  /** Writes notebook and receipt into a folder of the workspace. @returns the notebook's path there */
  async openInWorkspace(folder: string): Promise<string> {
    const { file } = await this.session.host.open(this.runId, this.party, folder);
    return `${folder}/${file?.split(/[/\\]/).at(-1) ?? ''}`;
  }

  private get party(): string {
    return this.session.acting?.party ?? '';
  }

  private async verify(): Promise<void> {
    this.bytes = await (await this.session.client()).receipt(this.runId);
    this.proof = await verifyHere(this.bytes, await this.session.host.trust());
  }

  private async work(task: () => Promise<void>): Promise<void> {
    this.working = true;
    this.trouble = undefined;
    this.stateChanged.emit();
    try {
      await task();
    } catch (error) {
      this.trouble = asProblem(error);
    }
    this.working = false;
    this.stateChanged.emit();
  }
}
