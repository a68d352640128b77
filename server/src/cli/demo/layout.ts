import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';

/** The paths of the demo's files. All are in one folder, and only the owner can read the secrets. */
export class DemoLayout {
  readonly root: string;

  constructor(folder: string) {
    this.root = path.resolve(folder);
  }

  #at(...parts: string[]): string {
    return path.join(this.root, ...parts);
  }

  /** A party's root key. A real party keeps it offline; the demo keeps it so that one person can act for every party. */
  rootKey(party: string): string {
    return this.#at('parties', party, 'root.key');
  }

  /** A party's signed roster. */
  roster(party: string): string {
    return this.#at('parties', party, 'roster.json');
  }

  /** The signed collaboration. */
  get collaboration(): string {
    return this.#at('parties', 'collaboration.json');
  }

  /** The key that signs the development kernel images of this machine. */
  get releaseKey(): string {
    return this.#at('release', 'release.key');
  }

  /** The folder of a kernel image for the coordinator: manifest, config, and the release key's statement. */
  kernelImage(name: string): string {
    return this.#at('release', 'kernel-images', name);
  }

  /** The folder of a party's custodian. */
  custodian(party: string): string {
    return this.#at('custodians', party);
  }

  /** `CLEAN_ROOM_HOME` of the demo person. */
  get person(): string {
    return this.#at('person');
  }

  /** The coordinator's folder. */
  get coordinator(): string {
    return this.#at('coordinator');
  }

  /** The coordinator's configuration file. */
  get coordinatorConfig(): string {
    return this.#at('coordinator', 'coordinator.json');
  }

  /** The folder of the local backend, whose runs continue when the coordinator stops. */
  get simulator(): string {
    return this.#at('simulator');
  }

  /** The folder with the keys that sign the simulator's tokens. */
  get simulatorIdentity(): string {
    return this.#at('simulator', 'identity');
  }

  /** The policy file of a dataset (`party/dataset`) for `clean-room provision`. */
  policy(dataset: string): string {
    return this.#at('policies', `${dataset}.json`);
  }
}

/** Writes a JSON file that other users may read, and creates its folder. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, `${JSON.stringify(value, undefined, 2)}\n`, 0o644);
}

/**
 * Reads a signed document, if the file exists.
 * @throws CleanRoomError `malformed`
 */
export async function readEnvelope(file: string): Promise<Envelope | undefined> {
  if (!existsSync(file)) return undefined;
  return checkSchema(
    Envelope,
    parseStrictJson(new Uint8Array(await readFile(file))),
    `signed document ${file}`
  );
}
