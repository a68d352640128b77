import { createHash } from 'node:crypto';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { fromBase64Url, toBase64Url } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { imagePath } from '../tree/path.js';

/** Splits a line of a RECORD file, which is CSV. Only names that contain a comma or a quote are quoted. */
function fieldsOf(line: string): string[] {
  const parts = line.match(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? [];
  return parts.map(part => {
    const field = part.replace(/,$/, '');
    return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
  });
}

/**
 * Parses the RECORD file of a wheel.
 *
 * @returns the SHA-256 of each file by its path, as unpadded base64url
 * @throws CleanRoomError `malformed` if a hash is not SHA-256, which pip always writes
 */
export function parseRecord(text: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const [path = '', hash = ''] = fieldsOf(line);
    if (hash === '') continue;
    const value = /^sha256=([A-Za-z0-9_-]{43})=?$/.exec(hash)?.[1];
    if (value === undefined)
      throw new CleanRoomError('malformed', `The wheel does not contain a SHA-256 for ${path}.`);
    hashes.set(path, toBase64Url(fromBase64Url(value)));
  }
  return hashes;
}

/** A file of a wheel. */
export interface WheelFile {
  /** The path in the archive. */
  readonly name: string;
  readonly size: number;
  readonly executable: boolean;
  /** Returns the content. After the last chunk, its hash has been checked. */
  open(): AsyncGenerator<Uint8Array>;
}

function invalidWheel(reason: string): CleanRoomError {
  return new CleanRoomError('malformed', `The wheel is not valid: ${reason}.`);
}

/** An open wheel (PEP 427). Every file is checked against its hash in RECORD while it is read. */
export class Wheel {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly hashes: ReadonlyMap<string, string>,
    /** The folder of metadata, such as `numpy-2.4.6.dist-info`. */
    readonly infoFolder: string
  ) {}

  /**
   * Opens a wheel.
   *
   * @throws CleanRoomError `malformed`
   */
  static async open(path: string): Promise<Wheel> {
    const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, options);
      return await Wheel.#read(zip);
    } catch (cause) {
      zip?.close();
      if (cause instanceof CleanRoomError) throw cause;
      throw new CleanRoomError('malformed', `${path} is not a valid zip archive.`, { cause });
    }
  }

  static async #read(zip: ZipFile): Promise<Wheel> {
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (imagePath(entry.fileName) !== entry.fileName || entries.has(entry.fileName)) {
        throw invalidWheel(`it contains the name ${JSON.stringify(entry.fileName)}`);
      }
      const type = (entry.externalFileAttributes >>> 16) & 0o170000;
      if (type !== 0 && type !== 0o100000) throw invalidWheel(`${entry.fileName} is not a regular file`);
      entries.set(entry.fileName, entry);
    }
    const folders = new Set([...entries.keys()].map(name => name.split('/')[0] ?? ''));
    const infos = [...folders].filter(name => name.endsWith('.dist-info'));
    const [info] = infos;
    if (info === undefined || infos.length !== 1)
      throw invalidWheel('it does not contain exactly one .dist-info folder');
    const hashes = parseRecord(await readText(zip, entries.get(`${info}/RECORD`)));
    const metadata = await readText(zip, entries.get(`${info}/WHEEL`));
    if (!/^Wheel-Version: 1\./m.test(metadata)) throw invalidWheel('its format is not version 1');
    return new Wheel(zip, entries, hashes, info);
  }

  /** Returns the entry points (`module:object`) of console commands by name. */
  async commands(): Promise<ReadonlyMap<string, string>> {
    const entry = this.entries.get(`${this.infoFolder}/entry_points.txt`);
    if (entry === undefined) return new Map();
    const text = await readText(this.zip, entry);
    const section = /^\[console_scripts\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text)?.[1] ?? '';
    const lines = section.matchAll(/^\s*([\w.-]+)\s*=\s*([\w.]+:[\w.]+)\s*(?:\[.*\])?\s*$/gm);
    return new Map([...lines].map(([, name = '', target = '']) => [name, target]));
  }

  /**
   * Returns the text of METADATA.
   *
   * @throws CleanRoomError `malformed`
   */
  async metadata(): Promise<string> {
    return readText(this.zip, this.entries.get(`${this.infoFolder}/METADATA`));
  }

  /** Returns all files except RECORD and its signatures, sorted by name. */
  *files(): Generator<WheelFile> {
    for (const name of [...this.entries.keys()].sort()) {
      const entry = this.entries.get(name);
      if (entry === undefined || this.#isRecord(name)) continue;
      yield {
        name,
        size: entry.uncompressedSize,
        executable: ((entry.externalFileAttributes >>> 16) & 0o111) !== 0,
        open: () => this.#checked(name, entry)
      };
    }
  }

  /** Closes the wheel. */
  close(): void {
    this.zip.close();
  }

  #isRecord(name: string): boolean {
    return ['RECORD', 'RECORD.jws', 'RECORD.p7s'].some(file => name === `${this.infoFolder}/${file}`);
  }

  async *#checked(name: string, entry: Entry): AsyncGenerator<Uint8Array> {
    const expected = this.hashes.get(name);
    if (expected === undefined) throw invalidWheel(`its RECORD does not contain ${name}`);
    const hash = createHash('sha256');
    for await (const chunk of await this.zip.openReadStreamPromise(entry)) {
      if (!(chunk instanceof Uint8Array)) continue;
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('base64url') !== expected) {
      throw new CleanRoomError(
        'digest-mismatch',
        `${name} does not have the hash in the RECORD of its wheel.`
      );
    }
  }
}

async function readText(zip: ZipFile, entry: Entry | undefined): Promise<string> {
  if (entry === undefined) throw invalidWheel('WHEEL, RECORD or METADATA is missing');
  const chunks: Uint8Array[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry))
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
