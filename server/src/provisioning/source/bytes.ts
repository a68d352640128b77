import { createReadStream, openSync, readSync, closeSync } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Encoding } from './dialect.js';
import { SourceFailure } from './failure.js';

const CHUNK_BYTES = 1024 * 1024;
/** A file whose content is this many times larger than the file is not a table that somebody compressed. */
const MAX_EXPANSION = 1200;
const ALWAYS_ALLOWED_BYTES = 256 * 1024 * 1024;

/** How the bytes of a file are packed, from their first bytes. */
export type Packing = 'none' | 'gzip' | 'zstd' | 'parquet';

/** Reads the first bytes of a file. */
export function firstBytes(file: string, length: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}

function startsWith(bytes: Buffer, ...start: number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/**
 * Returns how a file is packed. The extension is not used: a tab-separated file may be named `.csv`.
 * @throws SourceFailure for formats that are not tables or not supported
 */
export function packingOf(name: string, start: Buffer): Packing {
  if (start.length === 0)
    throw new SourceFailure(`${name} is empty.`, 'Provision a file with a header line and at least one row.');
  if (startsWith(start, 0x50, 0x41, 0x52, 0x31)) return 'parquet';
  if (startsWith(start, 0x1f, 0x8b)) return 'gzip';
  if (startsWith(start, 0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (startsWith(start, 0x50, 0x4b, 0x03, 0x04))
    throw new SourceFailure(
      `${name} is a ZIP archive or an Excel workbook.`,
      'Extract the archive, or save the sheet as CSV UTF-8, and provision that file.'
    );
  if (startsWith(start, 0x50, 0x41, 0x52, 0x45))
    throw new SourceFailure(`${name} is an encrypted Parquet file.`, 'Save it without encryption.');
  if (startsWith(start, 0xd0, 0xcf, 0x11, 0xe0))
    throw new SourceFailure(`${name} is an Excel workbook.`, 'Save the sheet as CSV UTF-8.');
  if (startsWith(start, 0x42, 0x5a, 0x68) || startsWith(start, 0xfd, 0x37, 0x7a, 0x58))
    throw new SourceFailure(
      `${name} is compressed with bzip2 or xz.`,
      'Decompress it, or compress it with gzip or zstd.'
    );
  return 'none';
}

/** Yields the unpacked bytes of a file. Ends with a failure when they are far more than its size allows. */
export async function* unpackedBytes(
  name: string,
  source: Readable,
  packing: Packing,
  size: number
): AsyncGenerator<Buffer> {
  if (packing === 'none') {
    yield* source as AsyncIterable<Buffer>;
    return;
  }
  const unpack =
    packing === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({ chunkSize: CHUNK_BYTES });
  const limit = Math.max(ALWAYS_ALLOWED_BYTES, size * MAX_EXPANSION);
  let total = 0;
  // Errors of the pipeline reach the loop below through the decompressor.
  pipeline(source, unpack, () => undefined);
  try {
    for await (const chunk of unpack as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > limit)
        throw new SourceFailure(
          `${name} expands to more than ${MAX_EXPANSION} times its size.`,
          'Decompress it yourself if you trust it, and provision the decompressed file.'
        );
      yield chunk;
    }
  } catch (error) {
    if (error instanceof SourceFailure) throw error;
    throw new SourceFailure(
      `${name} is damaged: it cannot be decompressed (${packing}).`,
      'Copy the file again from its source.'
    );
  }
}

/** Opens the bytes of a file in the jail. */
export function openFile(file: string): Readable {
  return createReadStream(file, { highWaterMark: CHUNK_BYTES });
}

/** Yields text as UTF-8 bytes without a byte order mark, and with line feeds where lines end in a carriage return only. */
export async function* decoded(
  name: string,
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
  oldMacLines: boolean
): AsyncGenerator<Buffer> {
  const decoder =
    encoding === 'utf-8' ? undefined : new TextDecoder(encoding, { fatal: true, ignoreBOM: false });
  let first = true;
  const finish = (chunk: Buffer): Buffer => {
    if (!oldMacLines) return chunk;
    const copy = Buffer.from(chunk);
    for (let at = copy.indexOf(13); at !== -1; at = copy.indexOf(13, at + 1)) copy[at] = 10;
    return copy;
  };
  const decode = (chunk?: Buffer): Buffer => {
    try {
      return Buffer.from(decoder?.decode(chunk, { stream: chunk !== undefined }) ?? '');
    } catch {
      throw new SourceFailure(
        `${name} is not valid ${encoding.toUpperCase()} text.`,
        'Save it as UTF-8, or name its encoding.'
      );
    }
  };
  for await (const chunk of chunks) {
    if (decoder === undefined) {
      const marked = first && startsWith(chunk, 0xef, 0xbb, 0xbf);
      yield finish(marked ? chunk.subarray(3) : chunk);
    } else yield finish(decode(chunk));
    first = false;
  }
  if (decoder !== undefined) yield finish(decode());
}

/**
 * Returns the encoding that the first bytes of a text show. UTF-8 is assumed without other signs; the records are checked
 * when they are read.
 */
export function encodingOf(start: Buffer): Encoding {
  if (startsWith(start, 0xff, 0xfe)) return 'utf-16le';
  if (startsWith(start, 0xfe, 0xff)) return 'utf-16be';
  let even = 0;
  let odd = 0;
  start.forEach((byte, index) => {
    if (byte !== 0) return;
    if (index % 2 === 0) even++;
    else odd++;
  });
  const half = start.length / 2;
  // In UTF-16, the characters of ASCII have a zero byte each. A file with a few zero bytes is not UTF-16.
  if (odd > half * 0.4 && even < half * 0.1) return 'utf-16le';
  if (even > half * 0.4 && odd < half * 0.1) return 'utf-16be';
  return 'utf-8';
}

/** Returns whether lines end in a carriage return without a line feed, as on old Macintosh computers. */
export function hasOldMacLines(start: string): boolean {
  return start.includes('\r') && !start.includes('\n');
}
