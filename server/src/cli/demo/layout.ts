import path from 'node:path';

/** Where everything of the demo lies: one folder, each secret readable by its owner alone. */
export class DemoLayout {
  readonly root: string;

  constructor(folder: string) {
    this.root = path.resolve(folder);
  }

  #at(...parts: string[]): string {
    return path.join(this.root, ...parts);
  }

  /** A party's root key. In earnest it is kept offline; the demo keeps it so that one person can be every party. */
  rootKey(party: string): string {
    return this.#at('parties', party, 'root.key');
  }

  roster(party: string): string {
    return this.#at('parties', party, 'roster.json');
  }

  get collaboration(): string {
    return this.#at('parties', 'collaboration.json');
  }

  /** Signs the development kernel images of this machine. */
  get releaseKey(): string {
    return this.#at('release', 'release.key');
  }

  /** A kernel image as the coordinator takes it: manifest, config and the release key's statement. */
  kernelImage(name: string): string {
    return this.#at('release', 'kernel-images', name);
  }

  custodian(party: string): string {
    return this.#at('custodians', party);
  }

  /** `CLEAN_ROOM_HOME` of the one person of the demo. */
  get person(): string {
    return this.#at('person');
  }

  get coordinator(): string {
    return this.#at('coordinator');
  }

  get coordinatorConfig(): string {
    return this.#at('coordinator', 'coordinator.json');
  }

  /** Where the local backend's runners keep what outlives the coordinator. */
  get simulator(): string {
    return this.#at('simulator');
  }

  /** Who signs the simulator's tokens. */
  get simulatorIdentity(): string {
    return this.#at('simulator', 'identity');
  }

  /** The demo dataset's policy, as `clean-room provision` takes it. */
  policy(dataset: string): string {
    return this.#at('policies', `${dataset}.json`);
  }
}
