import { CleanRoomError } from '@clean-room/protocol/errors';
import { decodeImageCommand, notebookEnvironment } from '../notebook/environment.js';
import type { WardenOptions } from '../warden/arguments.js';
import { WardenProcess } from '../warden/process.js';

export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, 4 bytes a pixel. */
  readonly rgba: Uint8Array;
}

export interface ImageDecoderOptions extends Pick<
  WardenOptions,
  'jail' | 'mode' | 'wardenPath' | 'policyPath' | 'uid' | 'killerUid'
> {
  /** A larger image is refused before it is decoded. */
  readonly maxPixels: number;
  readonly secondsPerImage: number;
}

const MAX_IMAGE_BYTES = 64 * 1024 * 1024;
const HEAD_BYTES = 8;
const WALL_SECONDS = 3600;

/** A decoder needs little: no folder to write to, no second process, memory for a few copies of the pixels. */
const LIMITS = { diskBytes: 1024 * 1024, inodes: 16, processes: 8, openFiles: 64, wallSeconds: WALL_SECONDS };
const BASE_MEMORY = 512 * 1024 * 1024;

/**
 * Decodes images in a sandbox of its own, one after the other. An image may take over the decoder; all it can do then
 * is lie about the pixels of images that come later, which are the same notebook's.
 */
export class ImageDecoder {
  readonly #warden: WardenProcess;
  readonly #options: ImageDecoderOptions;
  #received: Buffer[] = [];
  #length = 0;
  #gone = false;
  #wake: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: ImageDecoderOptions) {
    this.#options = options;
    this.#warden = new WardenProcess({
      ...options,
      limits: { ...LIMITS, memoryBytes: BASE_MEMORY + 16 * options.maxPixels },
      env: notebookEnvironment(1),
      command: decodeImageCommand(options.maxPixels),
      workdir: '/',
      writable: []
    });
    this.#warden.stdout.resume();
    this.#warden.stderr.resume();
    this.#warden.frames.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#length += chunk.length;
      if (this.#length > HEAD_BYTES + 4 * options.maxPixels) this.#warden.kill();
      this.#wake?.();
    });
    this.#warden.frames.once('close', () => {
      this.#gone = true;
      this.#wake?.();
    });
  }

  /** @throws CleanRoomError `sandbox-unsafe` */
  static async open(options: ImageDecoderOptions): Promise<ImageDecoder> {
    const decoder = new ImageDecoder(options);
    await decoder.#warden.started;
    return decoder;
  }

  /**
   * The pixels of a PNG or JPEG.
   *
   * @throws CleanRoomError `malformed`: no such image, too large, too slow, or the decoder is gone
   */
  decode(image: Uint8Array): Promise<DecodedImage> {
    const result = this.#last.then(() => this.#decode(image));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #decode(image: Uint8Array): Promise<DecodedImage> {
    if (image.length > MAX_IMAGE_BYTES) throw this.#refusal();
    const timer = setTimeout(() => this.#warden.kill(), this.#options.secondsPerImage * 1000);
    try {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(image.length);
      this.#warden.requests.write(head);
      this.#warden.requests.write(image);
      const size = await this.#take(HEAD_BYTES);
      const [width, height] = [size.readUInt32BE(0), size.readUInt32BE(4)];
      if (width === 0 || height === 0 || width * height > this.#options.maxPixels) throw this.#refusal();
      return { width, height, rgba: await this.#take(4 * width * height) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      if (this.#gone) throw this.#refusal();
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
    const whole = Buffer.concat(this.#received, this.#length);
    this.#received = [whole.subarray(length)];
    this.#length -= length;
    return whole.subarray(0, length);
  }

  #refusal(): CleanRoomError {
    return new CleanRoomError('malformed', 'The image is no plain PNG or JPEG of a permitted size.');
  }

  async close(): Promise<void> {
    this.#warden.kill();
    await this.#warden.ended;
  }
}
