import { CleanRoomError } from '@clean-room/protocol/errors';
import { decodeImageCommand, notebookEnvironment } from '../notebook/environment.js';
import type { WardenOptions } from '../warden/arguments.js';
import { WardenProcess } from '../warden/process.js';

/** The pixels of an image. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** Rows from top to bottom, 4 bytes per pixel. */
  readonly rgba: Uint8Array;
}

/** The settings of the decoder's sandbox. */
export interface ImageDecoderOptions extends Pick<
  WardenOptions,
  'jail' | 'mode' | 'wardenPath' | 'policyPath' | 'uid' | 'killerUid'
> {
  /** Larger images are refused before they are decoded. */
  readonly maxPixels: number;
  /** The decoder is killed when one image takes longer. */
  readonly secondsPerImage: number;
}

const MAX_IMAGE_BYTES = 64 * 1024 * 1024;
const HEAD_BYTES = 8;
const WALL_SECONDS = 3600;

/** The decoder needs no writable folder, only one process, and memory for a few copies of the pixels. */
const LIMITS = { diskBytes: 1024 * 1024, inodes: 16, processes: 8, openFiles: 64, wallSeconds: WALL_SECONDS };
const BASE_MEMORY = 512 * 1024 * 1024;

/**
 * Decodes images in a separate sandbox, one at a time. If a malicious image takes control of the decoder, it can only
 * change the pixels of later images, which come from the same notebook.
 */
export class ImageDecoder {
  readonly #warden: WardenProcess;
  readonly #options: ImageDecoderOptions;
  #received: Buffer[] = [];
  #buffered = 0;
  #closed = false;
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
      this.#buffered += chunk.length;
      if (this.#buffered > HEAD_BYTES + 4 * options.maxPixels) this.#warden.kill();
      this.#wake?.();
    });
    this.#warden.frames.once('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /**
   * Starts a decoder in its sandbox.
   *
   * @throws CleanRoomError `sandbox-unsafe` when the sandbox could not be set up
   */
  static async open(options: ImageDecoderOptions): Promise<ImageDecoder> {
    const decoder = new ImageDecoder(options);
    await decoder.#warden.started;
    return decoder;
  }

  /**
   * Decodes a PNG or JPEG.
   *
   * @throws CleanRoomError `malformed` when the bytes are not such an image, the image is too large, decoding takes too
   * long, or the decoder has ended
   */
  decode(image: Uint8Array): Promise<DecodedImage> {
    const result = this.#last.then(() => this.#decode(image));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #decode(image: Uint8Array): Promise<DecodedImage> {
    if (image.length > MAX_IMAGE_BYTES) throw this.#invalidImage();
    const timer = setTimeout(() => this.#warden.kill(), this.#options.secondsPerImage * 1000);
    try {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(image.length);
      this.#warden.requests.write(head);
      this.#warden.requests.write(image);
      const size = await this.#read(HEAD_BYTES);
      const [width, height] = [size.readUInt32BE(0), size.readUInt32BE(4)];
      if (width === 0 || height === 0 || width * height > this.#options.maxPixels) throw this.#invalidImage();
      return { width, height, rgba: await this.#read(4 * width * height) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(length: number): Promise<Buffer> {
    while (this.#buffered < length) {
      if (this.#closed) throw this.#invalidImage();
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
    const whole = Buffer.concat(this.#received, this.#buffered);
    this.#received = [whole.subarray(length)];
    this.#buffered -= length;
    return whole.subarray(0, length);
  }

  #invalidImage(): CleanRoomError {
    return new CleanRoomError(
      'malformed',
      'The image is not a single-frame PNG or JPEG of a permitted size.'
    );
  }

  /** Kills the decoder and waits for its end. */
  async close(): Promise<void> {
    this.#warden.kill();
    await this.#warden.ended;
  }
}
