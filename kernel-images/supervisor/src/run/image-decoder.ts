import { ImageDecoder } from '@clean-room/sandbox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { DecodeImage } from '../filter/rich/image.js';
import { sandboxOptions, type RuntimePaths } from './sandbox.js';

const MAX_PIXELS = 16_000_000;
const SECONDS_PER_IMAGE = 20;
/** An image that crashes the decoder costs a new one. This limits the cost of a notebook with many such images. */
const MAX_DECODERS = 8;

/** Decodes images in a sandbox of their own, which is opened for the first image and again after a failure. */
export class SandboxedImageDecoder {
  readonly #paths: RuntimePaths;
  #decoder: ImageDecoder | undefined;
  #opened = 0;

  constructor(paths: RuntimePaths) {
    this.#paths = paths;
  }

  /** Decodes one image. After an error the decoder is replaced, because the image may have changed its state. */
  readonly decode: DecodeImage = async image => {
    const decoder = await this.#ready();
    try {
      return await decoder.decode(image);
    } catch (error) {
      await this.close();
      throw error;
    }
  };

  async #ready(): Promise<ImageDecoder> {
    if (this.#decoder !== undefined) return this.#decoder;
    if (this.#opened++ >= MAX_DECODERS)
      throw new CleanRoomError('malformed', 'Too many images could not be decoded.');
    this.#decoder = await ImageDecoder.open({
      ...sandboxOptions(this.#paths, 'images'),
      maxPixels: MAX_PIXELS,
      secondsPerImage: SECONDS_PER_IMAGE
    });
    return this.#decoder;
  }

  /** Ends the decoder's sandbox, if one is open. */
  async close(): Promise<void> {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    await decoder?.close();
  }
}
