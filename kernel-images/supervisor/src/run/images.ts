import { ImageDecoder } from '@clean-room/sandbox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { DecodeImage } from '../filter/images.js';
import { USERS, type RuntimePaths } from './paths.js';

const MAXIMUM_PIXELS = 16_000_000;
const SECONDS_PER_IMAGE = 20;
/** An image that ends its decoder costs a new one; a notebook that makes many such gets no more. */
const MOST_DECODERS = 8;

/** Decodes images in a sandbox of its own, opened when the first image comes. */
export class ImageRedrawer {
  readonly #place: RuntimePaths;
  #decoder: ImageDecoder | undefined;
  #opened = 0;

  constructor(place: RuntimePaths) {
    this.#place = place;
  }

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
    if (this.#opened++ >= MOST_DECODERS)
      throw new CleanRoomError('malformed', 'Too many images were broken.');
    const { jail, profile, wardenPath, policyPath } = this.#place;
    this.#decoder = await ImageDecoder.open({
      jail,
      mode: profile,
      wardenPath,
      policyPath,
      ...USERS.images,
      maxPixels: MAXIMUM_PIXELS,
      secondsPerImage: SECONDS_PER_IMAGE
    });
    return this.#decoder;
  }

  async close(): Promise<void> {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    await decoder?.close();
  }
}
