import { PNG } from 'pngjs';
import { encodePng } from '../../../src/filter/rich/image.js';
import { Random } from '../../support/random.js';

function noise(width: number, height: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: width * height * 4 }, () => random.below(256));
}

test('other programs read the pixels on white, with 5 bits per colour', () => {
  const [width, height] = [37, 23];
  const rgba = noise(width, height, 3);
  const read = PNG.sync.read(Buffer.from(encodePng({ width, height, rgba })));
  expect([read.width, read.height]).toEqual([width, height]);
  for (let at = 0; at < rgba.length; at += 4) {
    const opacity = (rgba[at + 3] ?? 0) / 255;
    for (let channel = 0; channel < 3; channel++) {
      const flat = (rgba[at + channel] ?? 0) * opacity + 255 * (1 - opacity);
      expect(Math.abs((read.data[at + channel] ?? 0) - flat)).toBeLessThanOrEqual(5);
    }
    expect(read.data[at + 3]).toBe(255);
  }
});

test('white stays white and black stays black', () => {
  const read = PNG.sync.read(
    Buffer.from(encodePng({ width: 2, height: 1, rgba: Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 255) }))
  );
  expect([...read.data]).toEqual([255, 255, 255, 255, 0, 0, 0, 255]);
});

test('the lowest bits of the pixels are removed', () => {
  const [width, height] = [64, 64];
  const random = new Random(4);
  const grey = Uint8Array.from({ length: width * height * 4 }, (_, at) => (at % 4 === 3 ? 255 : 132));
  const hidden = grey.map((value, at) => (at % 4 === 3 ? value : value ^ random.below(2)));
  expect(encodePng({ width, height, rgba: hidden })).toEqual(encodePng({ width, height, rgba: grey }));
});

test('the file has only the three required chunks, and equal pixels give equal bytes', () => {
  const pixels = { width: 5, height: 4, rgba: noise(5, 4, 5) };
  const png = Buffer.from(encodePng(pixels));
  expect(Buffer.from(encodePng(pixels)).equals(png)).toBe(true);
  const chunks: string[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    chunks.push(png.toString('latin1', at + 4, at + 8));
  expect(chunks).toEqual(['IHDR', 'IDAT', 'IEND']);
});

test('a number of pixels that does not match the size is refused', () => {
  expect(() => encodePng({ width: 2, height: 2, rgba: new Uint8Array(15) })).toThrow(RangeError);
});
