import { VDomModel } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { Asset } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';

/** The datasets that the acting party may ask for. A researcher's stand-ins are kept at hand for kernels. */
export class DatasetsModel extends VDomModel {
  private assets: readonly Asset[] = [];
  private party: string | undefined;
  private fetched = '';
  private standInsReady = false;
  private loaded = false;
  private trouble: ProblemError | undefined;
  private readonly reload: Throttler;

  constructor(readonly session: CleanRoomSession) {
    super();
    this.reload = new Throttler(() => this.load(), { limit: 1000, edge: 'trailing' });
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onChange, this);
  }

  get all(): readonly Asset[] {
    return this.assets;
  }

  get problem(): ProblemError | undefined {
    return this.trouble;
  }

  /** Whether `open_dataset` finds the stand-ins of these very versions on the Jupyter host. */
  get hasStandIns(): boolean {
    return this.standInsReady;
  }

  /** Whether the list is what the coordinator said, even if it is empty. */
  get isReady(): boolean {
    return this.loaded && this.session.problem === undefined;
  }

  byName(name: string): Asset | undefined {
    return this.assets.find(asset => asset.name === name);
  }

  async load(): Promise<void> {
    const acting = this.session.acting?.party;
    if (acting === undefined) return;
    try {
      const assets = await (await this.session.client()).assets();
      if (acting !== this.session.acting?.party) return;
      this.assets = assets;
      this.loaded = true;
      this.trouble = undefined;
      this.stateChanged.emit();
      if (this.session.may('researcher')) await this.fetchStandIns(acting);
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

  /** Once for each set of versions: the command compares and signs nothing, it only fetches. */
  private async fetchStandIns(party: string): Promise<void> {
    const wanted = [party, ...this.assets.map(({ versionDigest }) => versionDigest)].join(' ');
    if (this.assets.length === 0 || wanted === this.fetched) return;
    this.standInsReady = false;
    await this.session.host.fetchStandIns(
      this.assets.map(({ name }) => name),
      party
    );
    this.fetched = wanted;
    this.standInsReady = true;
  }

  private onSession(): void {
    const acting = this.session.acting?.party;
    if (acting === this.party) return;
    this.party = acting;
    this.assets = [];
    this.loaded = false;
    this.stateChanged.emit();
    void this.reload.invoke();
  }

  private onChange(_: unknown, { topic }: Change): void {
    if (topic === 'asset' || topic === 'resync') void this.reload.invoke();
  }
}
