import { crc32, deflateSync } from 'node:zlib';

/** Pixels, row by row, 4 bytes each: red, green, blue, opacity. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const LEVELS = 31;
const UP_FILTER = 2;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** One of 32 levels: what the lowest bits of a channel could have carried is gone. */
const LEVEL_OF = Uint8Array.from({ length: 256 }, (_, value) =>
  Math.round((Math.round((value * LEVELS) / 255) * 255) / LEVELS)
);

/** Scan lines of opaque pixels on white, each as the difference to the line above (PNG filter "up"). */
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
        line[x * 3 + channel] = LEVEL_OF[flat] ?? 255;
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
 * Draws pixels anew as a PNG: opaque, 5 bits of each colour, no chunk but the three that a PNG must have. Equal pixels
 * give equal bytes.
 */
export function drawPng(pixels: Pixels): Uint8Array {
  if (pixels.rgba.length !== pixels.width * pixels.height * 4)
    throw new RangeError('pixels do not fill the image');
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
