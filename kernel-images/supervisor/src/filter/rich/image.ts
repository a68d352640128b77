import { crc32, deflateSync } from 'node:zlib';

/** Pixels row by row, four bytes each: red, green, blue, opacity. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Highest of the 32 levels that each colour channel is reduced to. */
const MAX_LEVEL = 31;
const UP_FILTER = 2;
const MAX_SIDE = 8192;

/** Decodes a PNG or JPEG in isolation. Rejects any other input. */
export type DecodeImage = (image: Uint8Array) => Promise<Pixels>;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** Maps a channel's value to one of 32 levels, which removes anything hidden in the lowest bits. */
const REDUCED = Uint8Array.from({ length: 256 }, (_, value) =>
  Math.round((Math.round((value * MAX_LEVEL) / 255) * 255) / MAX_LEVEL)
);

/** Returns scan lines of the pixels on white, each as the difference from the line above (PNG filter "up"). */
function scanLines({ width, height, rgba }: Pixels): Buffer {
  const stride = width * 3;
  const lines = Buffer.alloc((stride + 1) * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const line = new Uint8Array(stride);
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      const opacity = (rgba[from + 3] ?? 255) / 255;
      for (let channel = 0; channel < 3; channel++) {
        const flat = Math.round((rgba[from + channel] ?? 0) * opacity + 255 * (1 - opacity));
        line[x * 3 + channel] = REDUCED[flat] ?? 255;
      }
    }
    const start = y * (stride + 1);
    lines[start] = UP_FILTER;
    for (let i = 0; i < stride; i++) lines[start + 1 + i] = ((line[i] ?? 0) - (above[i] ?? 0)) & 0xff;
    above = line;
  }
  return lines;
}

/**
 * Encodes pixels as an opaque PNG with 5 bits per colour and only the three chunks that a PNG must have. Equal pixels
 * give equal bytes.
 *
 * @throws RangeError when the number of pixels does not match width and height
 */
export function encodePng(pixels: Pixels): Uint8Array {
  if (pixels.rgba.length !== pixels.width * pixels.height * 4)
    throw new RangeError('The number of pixels does not match the size of the image.');
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pixels.width, 0);
  header.writeUInt32BE(pixels.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(scanLines(pixels), { level: 9 })),
    chunk('IEND', new Uint8Array())
  ]);
}

/**
 * Encodes an image again from its pixels.
 *
 * @returns the PNG as base64, or `undefined` when the input cannot be decoded or is too large
 */
export async function reencodeImage(base64: string, decode: DecodeImage): Promise<string | undefined> {
  const text = base64.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    const pixels = await decode(Buffer.from(text, 'base64'));
    if (pixels.width > MAX_SIDE || pixels.height > MAX_SIDE) return undefined;
    return Buffer.from(encodePng(pixels)).toString('base64');
  } catch {
    // An image that cannot be decoded does not leave the TEE, whatever the reason.
    return undefined;
  }
}
