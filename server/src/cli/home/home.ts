import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Type, type Static } from 'typebox';
import { checkSchema } from '@clean-room/protocol/documents';
import { parseJsonFile, readOptional } from '../files.js';
import type { Terminal } from '../terminal/terminal.js';

/** The contents of `config.json` in a person's folder. Environment variables take precedence. */
export const HomeConfig = Type.Object(
  {
    /** The address of the coordinator. */
    url: Type.Optional(Type.String({ pattern: '^https?://' })),
    /** The file with the credential, relative to the folder. */
    tokenFile: Type.Optional(Type.String()),
    /** The party that the person acts for by default. */
    party: Type.Optional(Type.String()),
    /** The folders of custodians that the person manages, by party, relative to the folder. */
    custodians: Type.Optional(Type.Record(Type.String(), Type.String()))
  },
  { additionalProperties: false }
);
export type HomeConfig = Static<typeof HomeConfig>;

/**
 * The folder with a person's keys, trust roots and settings: `CLEAN_ROOM_HOME`, or `clean-room` in the user's configuration
 * folder (XDG base directories).
 */
export class Home {
  readonly folder: string;

  constructor({ env }: Pick<Terminal, 'env'>) {
    const settings = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || os.homedir(), '.config');
    this.folder = path.resolve(env['CLEAN_ROOM_HOME'] || path.join(settings, 'clean-room'));
  }

  /** Returns the path of a file in the folder. */
  file(name: string): string {
    return path.join(this.folder, name);
  }

  /** Creates the folder if it does not exist. */
  async create(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /**
   * Reads `config.json`, which is optional.
   * @throws CleanRoomError `malformed`, `unavailable`
   */
  async config(): Promise<HomeConfig> {
    const file = this.file('config.json');
    const bytes = await readOptional(file);
    return bytes === undefined
      ? {}
      : checkSchema(HomeConfig, parseJsonFile(bytes, file), `configuration in ${file}`);
  }
}
