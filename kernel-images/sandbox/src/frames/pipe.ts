import { CleanRoomError } from '@clean-room/protocol/errors';

/** The maximum length of a frame. It is checked before memory is allocated for the frame. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** Splits a stream of bytes into frames: a length (4 bytes, big-endian), then as many bytes. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #buffered = 0;

  /**
   * Adds the next bytes of the stream and returns the bodies of all frames that are now complete.
   *
   * @throws CleanRoomError `too-large` when a frame is longer than {@link MAX_FRAME_BYTES}
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const frames: Buffer[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Buffer | undefined {
    if (this.#buffered < LENGTH_BYTES) return undefined;
    let first = this.#chunks[0];
    if (first === undefined || first.length < LENGTH_BYTES) first = this.#join();
    const length = first.readUInt32BE(0);
    if (length > MAX_FRAME_BYTES)
      throw new CleanRoomError('too-large', 'The frame is longer than the maximum length.');
    if (this.#buffered < LENGTH_BYTES + length) return undefined;
    if (first.length < LENGTH_BYTES + length) first = this.#join();
    const frame = first.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
    this.#chunks[0] = first.subarray(LENGTH_BYTES + length);
    this.#buffered -= LENGTH_BYTES + length;
    return frame;
  }

  #join(): Buffer {
    const whole = Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = [whole];
    return whole;
  }
}

/**
 * Returns the request that asks the executor to run one cell, as bytes for the request pipe.
 *
 * @param cell - position of the cell in the notebook
 * @param executionCount - the number that Jupyter shows next to the cell
 * @param source - source code of the cell; lone surrogates are replaced
 */
export function encodeRequest(cell: number, executionCount: number, source: string): Buffer {
  const body = Buffer.from(
    JSON.stringify({ type: 'run', cell, executionCount, source: source.toWellFormed() })
  );
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
