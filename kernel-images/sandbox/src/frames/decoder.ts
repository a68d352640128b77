import { CleanRoomError } from '@clean-room/protocol/errors';

/** The longest frame; its length is looked at before any memory is set aside for it. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const HEAD_BYTES = 4;

/** Cuts a stream of bytes into frames: a length of 4 bytes (big-endian), then that many bytes. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #held = 0;

  /**
   * The frames that are complete with `chunk`.
   *
   * @throws CleanRoomError `too-large`
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: Buffer[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Buffer | undefined {
    if (this.#held < HEAD_BYTES) return undefined;
    let first = this.#chunks[0];
    if (first === undefined || first.length < HEAD_BYTES) first = this.#join();
    const length = first.readUInt32BE(0);
    if (length > MAX_FRAME_BYTES)
      throw new CleanRoomError('too-large', 'The frame is longer than a frame may be.');
    if (this.#held < HEAD_BYTES + length) return undefined;
    if (first.length < HEAD_BYTES + length) first = this.#join();
    const frame = first.subarray(HEAD_BYTES, HEAD_BYTES + length);
    this.#chunks[0] = first.subarray(HEAD_BYTES + length);
    this.#held -= HEAD_BYTES + length;
    return frame;
  }

  #join(): Buffer {
    const whole = Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [whole];
    return whole;
  }
}
