import { VDomModel } from '@jupyterlab/ui-components';
import { Throttler } from '@lumino/polling';
import type { Change } from '../api/feed.js';
import { asProblem, type ProblemError } from '../api/problem.js';
import type { Asset } from '../api/types.js';
import type { CleanRoomSession } from '../session/session.js';

/** The datasets that the party can use. For a researcher, their stand-ins are downloaded, so that kernels can open them. */
export class DatasetsModel extends VDomModel {
  private assets: readonly Asset[] = [];
  private party: string | undefined;
  private downloaded = '';
  private loaded = false;
  private lastProblem: ProblemError | undefined;
  private readonly reload: Throttler;

  constructor(readonly session: CleanRoomSession) {
    super();
    this.reload = new Throttler(() => this.load(), { limit: 1000, edge: 'trailing' });
    session.changed.connect(this.onSession, this);
    session.feed.changed.connect(this.onChange, this);
  }

  /** All datasets that the party can use. */
  get all(): readonly Asset[] {
    return this.assets;
  }

  /** The reason why the list or the stand-ins could not be loaded. */
  get problem(): ProblemError | undefined {
    return this.lastProblem;
  }

  /** Whether the list has been loaded. It can be empty. */
  get isReady(): boolean {
    return this.loaded && this.session.problem === undefined;
  }

  /** Returns a dataset by its name, `party/dataset`. */
  byName(name: string): Asset | undefined {
    return this.assets.find(asset => asset.name === name);
  }

  /** Loads the list and, for researchers, downloads the stand-ins. */
  async load(): Promise<void> {
    const acting = this.session.acting?.party;
    if (acting === undefined) return;
    try {
      const assets = await (await this.session.client()).assets();
      if (acting !== this.session.acting?.party) return;
      this.assets = assets;
      this.loaded = true;
      this.lastProblem = undefined;
      this.stateChanged.emit();
      if (this.session.may('researcher')) await this.downloadStandIns(acting);
    } catch (error) {
      this.lastProblem = asProblem(error);
    }
    this.stateChanged.emit();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.reload.dispose();
    super.dispose();
  }

  /** Downloads the stand-ins once for each set of versions. */
  private async downloadStandIns(party: string): Promise<void> {
    const versions = [party, ...this.assets.map(({ versionDigest }) => versionDigest)].join(' ');
    if (this.assets.length === 0 || versions === this.downloaded) return;
    await this.session.host.fetchStandIns(
      this.assets.map(({ name }) => name),
      party
    );
    this.downloaded = versions;
  }

  private readonly onSession = (): void => {
    const acting = this.session.acting?.party;
    if (acting === this.party) return;
    this.party = acting;
    this.assets = [];
    this.loaded = false;
    this.stateChanged.emit();
    void this.reload.invoke();
  };

  private readonly onChange = (_: unknown, { topic }: Change): void => {
    if (topic === 'asset' || topic === 'resync') void this.reload.invoke();
  };
}
